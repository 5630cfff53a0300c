"""``session.auth = TickTickAuth(...)``, its token in memory or in a file.

https://requests-ticktick.readthedocs.io/en/stable/
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from ways import TOKEN, Way, by_auth

from requests_ticktick import (
    ChainStore,
    EnvStore,
    FileStore,
    MemoryStore,
    Service,
    TickTickAuth,
    Token,
)

IMPORT = "from requests_ticktick import TickTickAuth"
COLD = """
import os, requests
from requests_ticktick import FileStore, Service, TickTickAuth
api = os.environ["API"]
session = requests.Session()
session.auth = TickTickAuth(
    store=FileStore(os.environ["FILE"]), service=Service(api + "/a", api + "/t", api)
)
assert session.get(api).status_code == 200
"""


def keep(path: Path) -> None:
    """Keep a valid token where :data:`COLD` finds it."""
    FileStore(path).save(_token(TOKEN))


def ways(folder: Path, origin: str | None) -> Iterator[Way]:
    service = Service(f"{origin}/a", f"{origin}/t", origin) if origin else None
    keep(folder / "token.json")
    file = FileStore(folder / "token.json")
    memory = MemoryStore(_token(TOKEN))
    for name, store in {
        "memory": memory,
        "file": file,
        "variable, then file": ChainStore([EnvStore("TICKTICK_TOKEN"), file]),
    }.items():
        auth = TickTickAuth(store=store, service=service)
        yield by_auth(f"requests-ticktick, {name}", auth)


def make(number: int) -> TickTickAuth:
    """Make the auth of one of many people."""
    return TickTickAuth(store=MemoryStore(_token(f"{TOKEN}{number}")))


def _token(value: str) -> Token:
    now = time.time()
    return Token(value, expires_at=now + 1e7, issued_at=now)
