"""One request to the token endpoint.

requests-oauthlib writes what it is given, and what it is answered, to its
debug log. So it is given placeholders: the secrets are put in where the
request leaves, and the answer is read where it arrives.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import requests
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from .._value import Secret
from ..client import Client
from ..service import Service
from ..token import Token
from .answer import Answer
from .transport import post

#: Seconds to connect to one address, and between two reads of the answer.
TIMEOUT = (10.0, 30.0)

#: Seconds for all of it: names, connections, the request, the whole answer.
DEADLINE = 30.0

_PLACEHOLDER = "withheld"


class TokenRequest(OAuth2Session):
    """requests-oauthlib's protocol, over a transport of ours.

    :param secrets: The form fields that requests-oauthlib must not see.
    :param transport: Carries the request; by default a session of its own.
    """

    def __init__(
        self,
        service: Service,
        client: Client,
        secrets: Mapping[str, str],
        *,
        redirect_uri: str,
        scope: str,
        transport: requests.Session | None,
        now: float,
    ) -> None:
        super().__init__(client.require_id(), redirect_uri=redirect_uri, scope=scope)
        self._service = service
        self._secrets = {name: Secret(value) for name, value in secrets.items()}
        self._not_shown = [client.client_secret]
        self._transport = transport
        self._now = now
        self._result: Token | None = None
        self._credentials: Any = lambda request: request
        method = service.token_endpoint_auth_method
        if method == "client_secret_basic":
            # TickTick reads the base64 of the raw id and secret, not of their
            # form-encoded spelling (RFC 6749 2.3.1).
            pair = client.require_id().encode(), client.require_secret().encode()
            self._credentials = HTTPBasicAuth(*pair)
            self._not_shown.append(base64.b64encode(b":".join(pair)).decode())
        elif method == "client_secret_post":
            self._secrets["client_secret"] = Secret(client.require_secret())
        self._names_client = method != "client_secret_basic"

    def exchange_code(self) -> Token:
        """Send the authorization code grant (RFC 6749 4.1.3)."""
        # TickTick wants the scope here too, which RFC 6749 4.1.3 does not ask.
        fields: dict[str, Any] = {"scope": self.scope}
        if "code_verifier" in self._secrets:
            fields["code_verifier"] = _PLACEHOLDER
        self.fetch_token(
            _PLACEHOLDER_URL,
            code=_PLACEHOLDER,
            auth=self._credentials,
            include_client_id=self._names_client,
            **fields,
        )
        return self._received()

    def exchange_refresh_token(self) -> Token:
        """Send the refresh grant (RFC 6749 6)."""
        fields: dict[str, Any] = {}
        if self._names_client:
            fields["client_id"] = self.client_id
        self.refresh_token(
            _PLACEHOLDER_URL,
            refresh_token=_PLACEHOLDER,
            auth=self._credentials,
            **fields,
        )
        return self._received()

    def _received(self) -> Token:
        assert self._result is not None  # request() returns or raises
        return self._result

    def request(  # type: ignore[override]  # called by OAuth2Session alone
        self, method: str, url: str, data: Any = None, headers: Any = None, **_: Any
    ) -> Any:
        """Send the form; its secrets leave here, and come back nowhere."""
        response = post(
            self._service.token_endpoint,
            {**data, **self._secrets},
            headers=headers,
            auth=self._credentials,
            session=self._transport,
            timeout=TIMEOUT,
            deadline=DEADLINE,
        )
        answer = Answer(
            response,
            secrets=[*self._secrets.values(), *self._not_shown],
            redirect_uri=self.redirect_uri,
            now=self._now,
        )
        self._result = answer.token()
        sent = SimpleNamespace(url=url, headers={}, body=_PLACEHOLDER)
        text = f'{{"access_token": "{_PLACEHOLDER}", "token_type": "bearer"}}'
        return SimpleNamespace(status_code=200, request=sent, headers={}, text=text)


#: Never connected to: requests-oauthlib insists on https, and a service may be
#: on a loopback address.
_PLACEHOLDER_URL = "https://token.endpoint.invalid/"
