"""requests_auth: client credentials, and its file cache.

https://colin-b.github.io/requests_auth/, "Client Credentials flow" and
"Managing token cache". Its grants with a refresh token open a browser, and a
port that only one process can have, when the refresh token is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests
from requests_auth import JsonTokenFileCache, OAuth2, OAuth2ClientCredentials

prompts = 0


def prepare(order: dict[str, Any]) -> None:
    """Save the token that the herd is to find."""
    is_valid = order["mode"] == "valid"
    JsonTokenFileCache(order["path"])._add_token(
        _auth(order).state,
        order["valid_token"] if is_valid else "expired-token",
        4e9 if is_valid else 1.0,
    )


def client(order: dict[str, Any]) -> Callable[[str], int]:
    OAuth2.token_cache = JsonTokenFileCache(order["path"])
    auth = _auth(order)

    def get(url: str) -> int:
        with requests.Session() as session:
            session.auth = auth
            return session.get(url).status_code

    return get


def _auth(order: dict[str, Any]) -> OAuth2ClientCredentials:
    return OAuth2ClientCredentials(
        f"{order['base']}/oauth/token",
        client_id="the-client",
        client_secret="the-secret",
    )
