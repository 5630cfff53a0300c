"""google-auth: credentials with a refresh token, for all threads.

https://googleapis.dev/python/google-auth/latest/user-guide.html, "User
credentials" and "Making authenticated requests".
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from google.auth.transport.requests import AuthorizedSession
from google.oauth2.credentials import Credentials

prompts = 0


def prepare(order: dict[str, Any]) -> None:
    """Do nothing: the token is in memory."""


def client(order: dict[str, Any]) -> Callable[[str], int]:
    is_valid = order["mode"] == "valid"
    credentials = Credentials(
        order["valid_token"] if is_valid else "expired-token",
        refresh_token=order["refresh_token"],
        token_uri=f"{order['base']}/oauth/token",
        client_id="the-client",
        client_secret="the-secret",
        expiry=datetime.datetime(2090 if is_valid else 2020, 1, 1),
    )
    session = AuthorizedSession(credentials)
    return lambda url: session.get(url).status_code
