"""spotipy: its authorization code flow with its file cache.

https://spotipy.readthedocs.io/en/latest/#authorization-code-flow. Each API
call of spotipy asks the auth manager for a token as is done here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests
from spotipy.cache_handler import CacheFileHandler
from spotipy.oauth2 import SpotifyOAuth

prompts = 0
_SCOPE = "tasks:read tasks:write"


def prepare(order: dict[str, Any]) -> None:
    """Save the token that the herd is to find; none for a sign-on."""
    if order["mode"] == "sign-on":
        return
    is_valid = order["mode"] == "valid"
    CacheFileHandler(cache_path=order["path"]).save_token_to_cache(
        {
            "access_token": order["valid_token"] if is_valid else "expired-token",
            "refresh_token": order["refresh_token"],
            "token_type": "Bearer",
            "expires_in": 86400,
            "expires_at": 4_000_000_000 if is_valid else 1,
            "scope": _SCOPE,
        }
    )


def client(order: dict[str, Any]) -> Callable[[str], int]:
    SpotifyOAuth.OAUTH_AUTHORIZE_URL = f"{order['base']}/oauth/authorize"
    SpotifyOAuth.OAUTH_TOKEN_URL = f"{order['base']}/oauth/token"
    manager = SpotifyOAuth(
        client_id="the-client",
        client_secret="the-secret",
        redirect_uri="http://127.0.0.1:8765/callback",
        scope=_SCOPE,
        cache_handler=CacheFileHandler(cache_path=order["path"]),
        open_browser=False,
    )

    def enter(prompt: str) -> str:
        global prompts
        prompts += 1
        page = manager.get_authorize_url()
        return requests.get(page, allow_redirects=False).headers["Location"]

    manager._get_user_input = enter  # where a person would paste the address

    def get(url: str) -> int:
        token = manager.get_access_token(as_dict=False)
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(url, headers=headers).status_code

    return get
