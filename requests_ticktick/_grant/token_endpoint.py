"""One request to the token endpoint.

requests-oauthlib logs requests and responses at DEBUG. So it gets
placeholders: this module inserts the secrets when it sends the request, and
reads the response itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import requests
from requests_oauthlib import OAuth2Session

from .._client import Client
from .._service import Service
from .._token import Token
from .._value import Secret
from .answer import TokenResponse
from .authentication import authentication_method
from .credentials import Credentials
from .transport import post

#: Seconds to connect to one address, and between two reads of the response.
TIMEOUT = (10.0, 30.0)

#: Seconds for everything: name look-up, connections, request and response.
DEADLINE = 30.0

_PLACEHOLDER = "withheld"


class TokenRequest(OAuth2Session):
    """requests-oauthlib's protocol over this package's transport.

    :param endpoint: Where the request is sent.
    :param secrets: The form fields that requests-oauthlib must not see.
    :param transport: Sends the request. Default: a new session.
    """

    def __init__(
        self,
        endpoint: str,
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
        self._transport = transport
        self._endpoint = endpoint
        self._now = now
        self._result: Token | None = None
        method = authentication_method(service, client)
        self._lacks_secret = method != service.token_endpoint_auth_method
        self._credentials = Credentials(
            method, client.require_id(), client.client_secret
        )

    def exchange_code(self) -> Token:
        """Send the authorization code grant (RFC 6749 4.1.3)."""
        # TickTick requires the scope here too, unlike RFC 6749 4.1.3.
        fields: dict[str, Any] = {"scope": self.scope}
        if "code_verifier" in self._secrets:
            fields["code_verifier"] = _PLACEHOLDER
        self.fetch_token(
            _PLACEHOLDER_URL,
            code=_PLACEHOLDER,
            auth=self._credentials.auth,
            include_client_id=False,  # request() inserts what is needed of it
            **fields,
        )
        return self._received()

    def exchange_refresh_token(self) -> Token:
        """Send the refresh grant (RFC 6749 6)."""
        self.refresh_token(
            _PLACEHOLDER_URL,
            refresh_token=_PLACEHOLDER,
            auth=self._credentials.auth,
        )
        return self._received()

    def _received(self) -> Token:
        assert self._result is not None  # request() returns or raises
        return self._result

    def request(  # type: ignore[override]  # called by OAuth2Session alone
        self, method: str, url: str, data: Any = None, headers: Any = None, **_: Any
    ) -> Any:
        """Send the form with its secrets. Return a response without them."""
        response = post(
            self._endpoint,
            {**data, **self._credentials.fields, **self._secrets},
            headers=headers,
            auth=self._credentials.auth,
            session=self._transport,
            timeout=TIMEOUT,
            deadline=DEADLINE,
        )
        token_response = TokenResponse(
            self._service,
            response,
            secrets=[*self._secrets.values(), *self._credentials.withheld],
            redirect_uri=self.redirect_uri,
            lacks_secret=self._lacks_secret,
            now=self._now,
        )
        self._result = token_response.token(self.scope or "")
        sent = SimpleNamespace(url=url, headers={}, body=_PLACEHOLDER)
        text = f'{{"access_token": "{_PLACEHOLDER}", "token_type": "bearer"}}'
        return SimpleNamespace(status_code=200, request=sent, headers={}, text=text)


#: requests-oauthlib accepts only https://, and a service may be on a loopback
#: address. Nothing connects to this URL.
_PLACEHOLDER_URL = "https://token.endpoint.invalid/"
