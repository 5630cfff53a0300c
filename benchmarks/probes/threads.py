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

#: Steps of one block, of all threads together.
_STEPS = 20_000


def main(peer: str, rounds: int, *numbers: int) -> None:
    os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        way = next(importlib.import_module(f"peers.{peer}").ways(Path(folder), None))
        way.step(requests.Request("GET", URL).prepare())
        found = {
            number: [
                _took(way.step, number) / _took(Static(), number) for _ in range(rounds)
            ]
            for number in numbers
        }
    print(json.dumps({way.name: found}))


def _took(step: Callable[..., object], number: int) -> float:
    """Return the wall clock of so many threads, the best of three."""
    return min(_once(step, number) for _ in range(3))


def _once(step: Callable[..., object], number: int) -> float:
    start = threading.Barrier(number + 1)
    threads = [
        threading.Thread(target=_work, args=(step, start, _STEPS // number))
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
