"""What the types promise about the tokens of many people; checked by mypy."""

from __future__ import annotations

from pathlib import Path

import redis
import sqlalchemy
from typing_extensions import assert_type

from requests_ticktick import (
    AuthorizationRequest,
    FileStore,
    MemoryStore,
    TextStore,
    TickTickAuth,
    Token,
    TokenStore,
)
from requests_ticktick.stores.encrypted import EncryptedStore
from requests_ticktick.stores.sql import SqlStore
from requests_ticktick.vault import TokenVault


def every_vault_is_one(path: Path) -> list[TokenVault]:
    engine = sqlalchemy.create_engine("sqlite:///tokens.db")
    return [
        TokenVault.files(path),
        TokenVault.files(str(path), scope="tasks:read", keys=[b"...", "..."]),
        TokenVault.redis(redis.Redis(), "my-app"),
        TokenVault.sql("postgresql+psycopg://app@db.internal/app", table="tokens"),
        TokenVault.sql(engine, sign_on_timeout=60),
        TokenVault(lambda name: FileStore(path / name)),
    ]


def a_vault_is_like_a_mapping(vault: TokenVault) -> None:
    assert_type(vault["me"], TokenStore)
    assert_type("me" in vault, bool)
    assert_type(list(vault), list[str])
    del vault["me"]
    vault[17]  # type: ignore[index]  # refused, as it should be


def sign_ons(vault: TokenVault, redirected_url: str) -> None:
    assert_type(vault.auth("me"), TickTickAuth)
    assert_type(vault.auth("me", scope="tasks:read"), TickTickAuth)
    assert_type(vault.token("me"), Token | None)
    assert_type(vault.begin_sign_on("me"), AuthorizationRequest)
    assert_type(vault.complete_sign_on("me", redirected_url), str)
    assert_type(vault.complete_sign_on(None, redirected_url), str)
    assert_type(vault.wait_for_token("me", 60), Token)


def stores(engine: sqlalchemy.Engine) -> list[TokenStore]:
    text_store: TextStore = SqlStore(engine, "me", table="app.tokens", lock_ttl=60)
    SqlStore(5)  # type: ignore[arg-type]  # refused, as it should be
    return [text_store, EncryptedStore(MemoryStore(), ["..."], "me")]
