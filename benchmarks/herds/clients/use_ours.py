"""requests-ticktick, as its documentation says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests

from requests_ticktick import (
    FileStore,
    MemoryStore,
    Service,
    TickTickAuth,
    Token,
    TokenStore,
)

prompts = 0


def prepare(order: dict[str, Any]) -> None:
    """Save the token that the herd is to find; none for a sign-on."""
    if order["mode"] != "sign-on" and order["store"] != "memory":
        # By an auth, so that the store notes whose token it is.
        auth_of(order, store_of(order)).source.store.save(token_of(order))


def client(order: dict[str, Any]) -> Callable[[str], int]:
    store = store_of(order)
    if order["store"] == "memory" and order["mode"] != "sign-on":
        store.save(token_of(order))
    auth = auth_of(order, store)

    def get(url: str) -> int:
        with requests.Session() as session:
            session.auth = auth
            return session.get(url).status_code

    return get


def auth_of(order: dict[str, Any], store: TokenStore) -> TickTickAuth:
    base = order["base"]
    service = Service(
        f"{base}/oauth/authorize", f"{base}/oauth/token", [f"{base}/open/"]
    )
    return TickTickAuth(
        "the-client",
        "the-secret",
        "http://127.0.0.1:8765/callback",
        store=store,
        service=service,
        sign_on=sign_on if order["mode"] == "sign-on" else None,
    )


def store_of(order: dict[str, Any]) -> TokenStore:
    if order["store"] == "memory":
        return MemoryStore()
    if order["store"] == "redis":
        import redis

        from requests_ticktick.stores.redis import RedisStore

        return RedisStore(redis.Redis(port=order["redis_port"]), order["key"])
    return FileStore(order["path"])


def token_of(order: dict[str, Any]) -> Token:
    scope = "tasks:read tasks:write"
    if order["mode"] == "valid":
        return Token(order["valid_token"], expires_at=4e9, scope=scope)
    return Token(
        "expired-token",
        expires_at=1.0,
        scope=scope,
        refresh_token=order["refresh_token"],
    )


def sign_on(request: Any) -> str:
    """Grant access at once, as a person would who is very quick."""
    global prompts
    prompts += 1
    response = requests.get(request.url, allow_redirects=False)
    return response.headers["Location"]
