"""Kills writers of a token file, and reads it while it is written.

Arguments: the package, a folder, kills, rounds, seconds of each round.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable

TEXT = "x" * 36


def saver_of(package: str, path: str) -> Callable[[], object]:
    """Return what saves a token in this package's way."""
    token = {
        "access_token": TEXT,
        "refresh_token": TEXT,
        "token_type": "bearer",
        "expires_in": 86400,
        "expires_at": 4_000_000_000,
        "scope": "tasks:read tasks:write",
    }
    if package == "requests-ticktick":
        from requests_ticktick import FileStore, Token

        store = FileStore(path)
        found = Token.from_response(token, now=time.time())
        return lambda: store.save(found.replace(issued_at=time.time()))
    if package == "requests_auth":
        from requests_auth import JsonTokenFileCache

        cache = JsonTokenFileCache(path)
        return lambda: cache._add_token("access_token", TEXT, 4e9, TEXT)
    if package == "spotipy":
        from spotipy.cache_handler import CacheFileHandler

        handler = CacheFileHandler(cache_path=path)
        return lambda: handler.save_token_to_cache(token)
    if package == "ticktick-py":
        from ticktick.cache import CacheHandler

        return lambda: CacheHandler(path).write_token_to_cache(token)
    from msal_extensions import FilePersistence, PersistedTokenCache

    tokens = PersistedTokenCache(FilePersistence(path))
    event = {
        "client_id": "the-client",
        "scope": ["tasks:read"],
        "token_endpoint": "https://login.example.com/tenant/oauth/token",
        "response": token,
    }
    return lambda: tokens.add(event)


class Writer:
    """A process that saves without a pause, from its first save on."""

    def __init__(self, save: Callable[[], object]) -> None:
        reading, writing = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                save()
                os.write(writing, b"x")
                while True:
                    save()
            finally:
                os._exit(1)
        os.close(writing)
        os.read(reading, 1)
        os.close(reading)

    def kill(self) -> None:
        """End it in the midst of whatever it does."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


def is_left_locked(path: str) -> bool:
    """Free a lock that its holder's death has not freed; whether it was so."""
    try:
        os.unlink(f"{path}.lockfile")  # msal's, which exists while it is held
    except FileNotFoundError:
        return False
    return True


def is_whole(path: str) -> bool:
    """Whether any program would find the token."""
    try:
        with open(path, encoding="utf-8") as file:
            content = file.read()
        json.loads(content)
    except ValueError:
        return False
    return TEXT in content


def main() -> None:
    package, folder, kills, rounds, seconds = sys.argv[1:]
    path = os.path.join(folder, "token.json")
    save = saver_of(package, path)
    save()
    usual = set(os.listdir(folder))
    chance, unreadable, locked = random.Random(1), 0, 0
    for _ in range(int(kills)):
        writer = Writer(save)
        time.sleep(chance.uniform(0.0, 0.005))
        writer.kill()
        unreadable += not is_whole(path)
        locked += is_left_locked(path)
    # A lock's files are there for good, and are no litter.
    lasting = usual | {name for name in os.listdir(folder) if ".lock" in name}
    left = [set(os.listdir(folder)) - lasting]
    save()
    left.append(set(os.listdir(folder)) - lasting)
    for name in left[-1]:
        os.utime(os.path.join(folder, name), (time.time() - 120,) * 2)
    save()
    left.append(set(os.listdir(folder)) - lasting)
    torn, reads = [], []
    for _ in range(int(rounds)):
        writer, end = Writer(save), time.monotonic() + float(seconds)
        found = []
        while time.monotonic() < end:
            found.append(is_whole(path))
        writer.kill()
        is_left_locked(path)
        torn.append(found.count(False))
        reads.append(len(found))
        save()
    print(
        json.dumps(
            {
                "unreadable": unreadable,
                "locked": locked,
                "left": [len(names) for names in left],
                "torn": torn,
                "reads": reads,
            }
        )
    )


if __name__ == "__main__":
    main()
