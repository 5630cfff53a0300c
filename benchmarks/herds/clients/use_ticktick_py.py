"""ticktick-py: its OAuth2 object, which signs on again after the expiry.

https://lazeroffmichael.github.io/ticktick-py/usage/oauth2/. It has no refresh
tokens. Each process, and where a file is shared each thread, constructs one,
since its constructor is what reads the file.
"""

from __future__ import annotations

import json
import threading
import webbrowser
from collections.abc import Callable
from typing import Any

import requests
from ticktick.oauth2 import OAuth2

prompts = 0
_pages = threading.local()


def prepare(order: dict[str, Any]) -> None:
    """Save the token that the herd is to find; none for a sign-on."""
    if order["store"] == "file" and order["mode"] != "sign-on":
        # As its CacheHandler writes it.
        with open(order["path"], "w", encoding="utf-8") as file:
            json.dump(_token(order), file)


def client(order: dict[str, Any]) -> Callable[[str], int]:
    OAuth2.OAUTH_AUTHORIZE_URL = f"{order['base']}/oauth/authorize"
    OAuth2.OBTAIN_TOKEN_URL = f"{order['base']}/oauth/token"
    # The two places at which a person would take part.
    webbrowser.open = _open
    OAuth2._get_user_input = staticmethod(_enter)
    shared: list[OAuth2] = []
    if order["store"] == "memory":
        # It signed on while the program started; then the token expired.
        OAuth2._request_access_token, request = (
            lambda self: _token(order),
            OAuth2._request_access_token,
        )
        shared.append(_construct(order, check_cache=False))
        OAuth2._request_access_token = request

    def get(url: str) -> int:
        oauth = shared[0] if shared else _construct(order)
        headers = {"Authorization": f"Bearer {oauth.get_access_token()}"}
        return requests.get(url, headers=headers).status_code

    return get


def _construct(order: dict[str, Any], *, check_cache: bool = True) -> OAuth2:
    return OAuth2(
        client_id="the-client",
        client_secret="the-secret",
        redirect_uri="http://127.0.0.1:8765/callback",
        state="state",
        cache_path=order["path"],
        check_cache=check_cache,
    )


def _token(order: dict[str, Any]) -> dict[str, Any]:
    is_valid = order["mode"] == "valid"
    return {
        "access_token": order["valid_token"] if is_valid else "expired-token",
        "token_type": "bearer",
        "expires_in": 86400,
        "scope": "tasks:read tasks:write",
        "expire_time": 4_000_000_000 if is_valid else 1,
        "readable_expire_time": "",
    }


def _open(url: str) -> bool:
    global prompts
    prompts += 1
    _pages.url = requests.get(url, allow_redirects=False).headers["Location"]
    return True


def _enter(prompt: str = "") -> str:
    url: str = _pages.url
    return url
