"""What the tests of the sandbox share: a client without an OAuth library."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests

from requests_ticktick.sandbox import Sandbox

SECONDS = 20.0
STATE = "the-state-of-this-sign-on"
VERIFIER = "verifier-with-at-least-forty-three-characters-in-it"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())
    .rstrip(b"=")
    .decode()
)


class App:
    """The registered app. ``None`` leaves a parameter out of a request."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def asks(self, **changes: str | None) -> SimpleNamespace:
        """Return an authorization request, as a sign-on gets it."""
        query = urlencode(self.parameters(**changes))
        return SimpleNamespace(url=f"{self.sandbox.url('/oauth/authorize')}?{query}")

    def parameters(self, **changes: str | None) -> dict[str, str]:
        return _given(
            changes,
            response_type="code",
            client_id=self.sandbox.client_id,
            redirect_uri=self.sandbox.redirect_uri,
            scope="tasks:read tasks:write",
            state=STATE,
        )

    def signs_on(self, **changes: str | None) -> dict[str, str]:
        """Sign on, and return the parameters that the redirect URI gets."""
        location = self.sandbox.sign_on(self.asks(**changes))
        return dict(parse_qsl(urlsplit(location).query))

    def exchanges(
        self, code: str | None, *, auth: Any = (), **changes: str | None
    ) -> requests.Response:
        """Send a token request, by default with Basic credentials."""
        credentials = (self.sandbox.client_id, self.sandbox.client_secret)
        return requests.post(
            self.sandbox.url("/oauth/token"),
            data=_given(
                changes,
                grant_type="authorization_code",
                code=code,
                redirect_uri=self.sandbox.redirect_uri,
            ),
            auth=credentials if auth == () else auth,
            timeout=SECONDS,
        )

    def gets_a_token(self, **changes: str | None) -> dict[str, Any]:
        """Sign on and exchange the code; return the token response."""
        response = self.exchanges(self.signs_on(**changes)["code"])
        assert response.status_code == 200, response.text
        token: dict[str, Any] = response.json()
        return token

    def refreshes(
        self, refresh_token: str | None, **changes: str | None
    ) -> requests.Response:
        """Send a refresh request."""
        return self.exchanges(
            None,
            redirect_uri=None,
            grant_type="refresh_token",
            refresh_token=refresh_token,
            **changes,
        )


def _given(changes: dict[str, str | None], **defaults: str | None) -> dict[str, str]:
    parameters = {**defaults, **changes}
    return {name: value for name, value in parameters.items() if value is not None}


def call(
    sandbox: Sandbox,
    token: str | None,
    method: str = "GET",
    path: str = "/project",
    **options: Any,
) -> requests.Response:
    """Call the API with this bearer token."""
    headers = options.pop("headers", {})
    if token is not None:
        headers = {**headers, "Authorization": f"Bearer {token}"}
    return requests.request(
        method,
        sandbox.url(f"/open/v1{path}"),
        headers=headers,
        timeout=SECONDS,
        **options,
    )


def sent_by(act: Callable[[], object], sandbox: Sandbox) -> tuple[str, str, Any]:
    """Method, path and JSON of the one request that is sent meanwhile, less nulls."""
    before = len(sandbox.received)
    act()
    (seen,) = sandbox.received[before:]
    body = json.loads(seen.body or b"{}")
    return seen.method, seen.path, {k: v for k, v in body.items() if v is not None}
