"""Print how many bytes an auth takes, of many."""

from __future__ import annotations

import sys

sys.path.append(__file__.rsplit("probes", 1)[0])

import gc
import importlib
import json
import tracemalloc
from collections.abc import Callable

import requests
from ways import URL


def main(peer: str, rounds: int, ours: int, others: int) -> None:
    module = importlib.import_module(f"peers.{peer}")
    make = getattr(module, "make", None)
    if make is None:
        print("{}")
        return
    count = ours if peer == "requests_ticktick" else others
    name = type(make(0)).__name__
    weighed = [_weigh(make, count) for _ in range(rounds)]
    made, used = zip(*weighed, strict=True)
    print(json.dumps({name: {"made": made, "used": used if used[0] else None}}))


def _weigh(make: Callable[[int], object], count: int) -> tuple[int, int | None]:
    made = make(0)
    is_auth = callable(made) and _use(made)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    auths: list[object] = [None] * count
    for number in range(count):
        auths[number] = make(number)
    gc.collect()
    weight = tracemalloc.get_traced_memory()[0] - before
    used = None
    if is_auth:
        for auth in auths:
            _use(auth)
        gc.collect()
        used = round((tracemalloc.get_traced_memory()[0] - before) / count)
    tracemalloc.stop()
    return round(weight / count), used


def _use(auth: Callable[..., object]) -> bool:
    auth(requests.Request("GET", URL).prepare())
    return True


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
