"""One request to the token endpoint.

requests-oauthlib writes what it is given, and what it is answered, to its
debug log. So it is given placeholders: the secrets are put in where the
request leaves, and the answer is read where it arrives.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session
from urllib3.util import Retry

from .._value import Secret
from ..client import Client
from ..errors import InvalidTokenError, TokenEndpointError
from ..service import Service
from ..token import Token
from .request import clean, hint

logger = logging.getLogger("requests_ticktick")

#: Seconds to connect, and between two reads of the answer.
TIMEOUT = (10.0, 30.0)

#: A code is good once: what was sent is not sent again (RFC 6749 4.1.2). A
#: connection that was refused has sent nothing.
RETRY = Retry(
    total=None, connect=2, read=0, redirect=0, status=0, other=0, backoff_factor=0.2
)

_MAX_BYTES = 1_048_576
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
        self._client_secret = client.client_secret
        self._secrets = {name: Secret(value) for name, value in secrets.items()}
        self._transport = transport
        self._now = now
        self._result: Token | None = None
        self._credentials: Any = lambda request: request
        method = service.token_endpoint_auth_method
        if method == "client_secret_basic":
            # TickTick reads the base64 of the raw id and secret, not of their
            # form-encoded spelling (RFC 6749 2.3.1).
            self._credentials = HTTPBasicAuth(
                client.require_id().encode(), client.require_secret().encode()
            )
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
        with self._carrier() as transport:
            response = transport.request(
                method,
                self._service.token_endpoint,
                data={**data, **self._secrets},
                headers=headers,
                auth=self._credentials,
                timeout=TIMEOUT,
                # A 307 would carry code and secret to wherever it points.
                allow_redirects=False,
                stream=True,
            )
            with response:
                body = _read(response)
        status = response.status_code
        logger.debug("The token endpoint answered with HTTP status %d.", status)
        self._result = self._token_from(status, body)
        sent = SimpleNamespace(url=url, headers={}, body=_PLACEHOLDER)
        text = f'{{"access_token": "{_PLACEHOLDER}", "token_type": "bearer"}}'
        return SimpleNamespace(status_code=200, request=sent, headers={}, text=text)

    @contextmanager
    def _carrier(self) -> Iterator[requests.Session]:
        if self._transport is not None:
            yield self._transport
            return
        with requests.Session() as session:
            # No proxy leads to this machine's own loopback address.
            session.trust_env = self._service.token_endpoint.startswith("https:")
            session.mount("https://", HTTPAdapter(max_retries=RETRY))
            session.mount("http://", HTTPAdapter(max_retries=RETRY))
            yield session

    def _token_from(self, status: int, body: bytes) -> Token:
        try:
            payload = json.loads(body)
        except (ValueError, RecursionError):
            payload = None
        if not isinstance(payload, dict):
            payload = {}
            problem = "an answer that is no JSON object"
        elif "error" in payload or not 200 <= status < 300:
            problem = "an error"
        else:
            try:
                return Token.from_response(payload, now=self._now)
            except InvalidTokenError as error:
                problem = f"something that is no token ({error})"
        raise self._refusal(status, payload, problem)

    def _refusal(
        self, status: int, payload: dict[str, Any], problem: str
    ) -> TokenEndpointError:
        words = (payload.get(name) for name in ("error", "error_description"))
        secrets = (*self._secrets.values(), self._client_secret)
        error, description = (
            clean(text, secrets) if isinstance(text, str) and text else None
            for text in words
        )
        said = ": ".join(part for part in (error, description) if part)
        if said:
            problem = f"{problem} ({said})"
        advice = hint(said, self.redirect_uri) or _advice(status, error, self)
        return TokenEndpointError(
            f"The token endpoint answered with HTTP status {status} and {problem}. "
            f"{advice}",
            error=error,
            description=description,
            status_code=status,
        )


#: Never connected to: requests-oauthlib insists on https, and a service may be
#: on a loopback address.
_PLACEHOLDER_URL = "https://token.endpoint.invalid/"


def _read(response: requests.Response) -> bytes:
    body = b""
    for chunk in response.iter_content(65_536):
        body += chunk
        if len(body) > _MAX_BYTES:
            return b""
    return body


def _advice(status: int, error: str | None, request: TokenRequest) -> str:
    if error == "invalid_grant":
        return "The code has expired or was used before: sign on again."
    if status in (401, 403):
        text = hint("invalid_client", request.redirect_uri)
        assert text is not None
        return text
    if status == 429 or status >= 500:
        return "Wait a minute, then try again."
    if 300 <= status < 400:
        return "Redirects are not followed: correct the service's token_endpoint."
    return "Check the service's token_endpoint, then sign on again."
