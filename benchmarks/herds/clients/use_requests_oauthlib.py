"""requests-oauthlib: a session that refreshes by itself, for all threads.

https://requests-oauthlib.readthedocs.io/en/latest/oauth2_workflow.html, "Third
(recommended)".
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from requests_oauthlib import OAuth2Session

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # the service is on this machine
prompts = 0


def prepare(order: dict[str, Any]) -> None:
    """Do nothing: the token is in memory."""


def client(order: dict[str, Any]) -> Callable[[str], int]:
    is_valid = order["mode"] == "valid"
    session = OAuth2Session(
        "the-client",
        token={
            "access_token": order["valid_token"] if is_valid else "expired-token",
            "refresh_token": order["refresh_token"],
            "token_type": "Bearer",
            "expires_in": 86400 if is_valid else -30,
        },
        auto_refresh_url=f"{order['base']}/oauth/token",
        auto_refresh_kwargs={"client_id": "the-client", "client_secret": "the-secret"},
        token_updater=lambda token: None,
    )
    return lambda url: session.get(url).status_code
