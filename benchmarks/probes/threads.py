"""Print what an auth step costs where threads share one auth."""

from __future__ import annotations

import sys

sys.path.append(__file__.rsplit("probes", 1)[0])

import importlib
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import requests
from ways import URL, Static

#: Seconds of one block.
_BLOCK = 0.03


def main(peer: str, rounds: int, *numbers: int) -> None:
    os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        way = next(importlib.import_module(f"peers.{peer}").ways(Path(folder), None))
        way.step(requests.Request("GET", URL).prepare())
        found = {number: _ratios(way.step, number, rounds) for number in numbers}
    print(json.dumps({way.name: found}))


def _ratios(step: Callable[..., object], number: int, rounds: int) -> list[float]:
    """Return what the steps take in so many threads, over the floor's."""
    count = max(1000, int(1000 * _BLOCK / _once(step, 1, 1000)))
    return [
        min(_once(step, number, count) for _ in range(3))
        / min(_once(Static(), number, count) for _ in range(3))
        for _ in range(rounds)
    ]


def _once(step: Callable[..., object], number: int, count: int) -> float:
    """Return the wall clock of a number of steps, shared by threads."""
    start = threading.Barrier(number + 1)
    threads = [
        threading.Thread(target=_work, args=(step, start, count // number))
        for _ in range(number)
    ]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def _work(step: Callable[..., object], start: threading.Barrier, count: int) -> None:
    request = requests.Request("GET", URL).prepare()
    hooks = request.hooks["response"]
    start.wait()
    for _ in range(count):
        hooks.clear()
        step(request)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
