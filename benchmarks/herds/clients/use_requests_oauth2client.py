"""requests_oauth2client: its auth with a refresh token, for all threads.

https://guillp.github.io/requests_oauth2client/, "Calling APIs with access
tokens".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests
from requests_oauth2client import BearerToken, OAuth2AccessTokenAuth, OAuth2Client

prompts = 0


def prepare(order: dict[str, Any]) -> None:
    """Do nothing: the token is in memory."""


def client(order: dict[str, Any]) -> Callable[[str], int]:
    is_valid = order["mode"] == "valid"
    service = OAuth2Client(
        token_endpoint=f"{order['base']}/oauth/token",
        auth=("the-client", "the-secret"),
        testing=True,  # the service is on this machine, without TLS
    )
    token = BearerToken(
        order["valid_token"] if is_valid else "expired-token",
        expires_in=86400 if is_valid else -30,
        refresh_token=order["refresh_token"],
    )
    auth = OAuth2AccessTokenAuth(service, token)

    def get(url: str) -> int:
        with requests.Session() as session:
            session.auth = auth
            return session.get(url).status_code

    return get
