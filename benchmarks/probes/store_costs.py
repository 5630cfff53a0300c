"""What the steps of waiting for a token cost.

Arguments: a folder, and Redis's port or "None".
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import requests

from requests_ticktick import FileStore, LockTimeoutError, Token, TokenStore
from requests_ticktick._source import turns

_ROUNDS = 7


def main() -> None:
    folder, port = sys.argv[1:]
    requests.Session()
    found: dict[str, Any] = {"memory": _own_memory(), "pauses": _pauses()}
    found["file"] = _costs(FileStore(os.path.join(folder, "token.json")))
    if port != "None":
        import redis

        from requests_ticktick.stores.redis import RedisStore

        client = redis.Redis(port=int(port))
        found["redis"] = _costs(RedisStore(client, "costs"), _cpu_of(client))
    print(json.dumps(found))


def _costs(store: TokenStore, other: Callable[[], float] | None = None) -> Any:
    store.save(Token("expired", expires_at=1.0, scope="tasks:read tasks:write"))
    steps: dict[str, Callable[[], object]] = {
        "read": store.load,
        "look": lambda: (time.sleep(0.0005), store.version()),
        "save": lambda: store.save(Token("expired", expires_at=1.0)),
    }
    # A save waits for the disk, a hundred times as long as it computes.
    found = {
        name: _cost(step, other, 20 if name == "save" else 200)
        for name, step in steps.items()
    }
    context = multiprocessing.get_context("fork")
    ready, end = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(store, ready, end))
    holder.start()
    ready.wait()
    found["attempt"] = _cost(lambda: _attempt(store), other, 200)
    end.set()
    holder.join()
    return found


def _cost(
    step: Callable[[], object], other: Callable[[], float] | None, times: int
) -> Any:
    """Return what a step costs here and elsewhere, in the middle of rounds."""
    here, there = [], []
    for _ in range(_ROUNDS):
        before, elsewhere = time.process_time(), other() if other else 0.0
        for _ in range(times):
            step()
        here.append((time.process_time() - before) / times)
        there.append(((other() if other else 0.0) - elsewhere) / times)
    return {"here": sorted(here)[_ROUNDS // 2], "there": sorted(there)[_ROUNDS // 2]}


def _hold(store: TokenStore, ready: Any, end: Any) -> None:
    with store.lock(5.0):
        ready.set()
        end.wait(60)


def _attempt(store: TokenStore) -> None:
    with contextlib.suppress(LockTimeoutError), store.lock(0.0):
        raise RuntimeError("the lock is free")


def _cpu_of(client: Any) -> Callable[[], float]:
    def cpu() -> float:
        info = client.info("cpu")
        return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])

    return cpu


def _pauses() -> dict[str, float]:
    """Return the pauses between two looks, which the library chose."""
    return {
        "try_every": turns.TRY_EVERY,
        "part": turns._LOOK_AGAIN_PART,
        "shortest": turns._SHORTEST_PAUSE,
        "longest": turns._LONGEST_PAUSE,
        "per_look": turns._PAUSE_PER_LOOK,
    }


def _own_memory() -> int:
    """Return what another such process would need, in bytes."""
    with contextlib.suppress(OSError), open("/proc/self/smaps_rollup") as file:
        return sum(
            int(line.split()[1]) * 1024
            for line in file
            if line.startswith(("Private_Clean", "Private_Dirty"))
        )
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
