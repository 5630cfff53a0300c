"""What an auth takes up: a program may have one for each of its people."""

from __future__ import annotations

import gc
import sys
import tracemalloc

import pytest

from requests_ticktick import FileStore, MemoryStore, TickTickAuth, Token

#: Bytes that an auth may take when it is new, and with its token. The
#: attributes of an object take more in Python 3.10.
NEW, WITH_TOKEN = (2200, 4400) if sys.version_info >= (3, 11) else (2500, 5000)

AUTHS = 1000


@pytest.fixture
def auths(tmp_path, request):
    """A function that makes an auth, whose store has a token."""
    path, token = tmp_path / "t.json", Token("a" * 36, scope="tasks:read tasks:write")
    FileStore(path).save(token)
    FileStore().save(token)
    stores = {
        "memory": lambda: MemoryStore(token),
        "file": lambda: FileStore(path),
        "default": lambda: None,
    }
    store = stores[request.param]
    return lambda: TickTickAuth("id", "secret", store=store())


@pytest.mark.parametrize("auths", ["memory", "file", "default"], indirect=True)
def test_an_auth_is_small(auths):
    """Bytes, not seconds: the same on each machine."""
    auths().token()  # what all of them share
    gc.collect()
    tracemalloc.start()
    try:
        made = [auths() for _ in range(AUTHS)]
        gc.collect()
        new = tracemalloc.get_traced_memory()[0] / AUTHS
        for auth in made:
            auth.token()
        gc.collect()
        with_token = tracemalloc.get_traced_memory()[0] / AUTHS
    finally:
        tracemalloc.stop()

    assert new < NEW
    assert with_token < WITH_TOKEN
