"""Authlib: a session that refreshes by itself, for all threads.

https://docs.authlib.org/en/latest/client/oauth2.html, "Refresh & Auto Update
Token".
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from authlib.integrations.requests_client import OAuth2Session

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # the service is on this machine
prompts = 0


def prepare(order: dict[str, Any]) -> None:
    """Do nothing: the token is in memory."""


def client(order: dict[str, Any]) -> Callable[[str], int]:
    is_valid = order["mode"] == "valid"
    session = OAuth2Session(
        "the-client",
        "the-secret",
        token={
            "access_token": order["valid_token"] if is_valid else "expired-token",
            "refresh_token": order["refresh_token"],
            "token_type": "Bearer",
            "expires_at": 4_000_000_000 if is_valid else 1,
        },
        token_endpoint=f"{order['base']}/oauth/token",
        update_token=lambda token, refresh_token=None, access_token=None: None,
    )
    return lambda url: session.get(url).status_code
