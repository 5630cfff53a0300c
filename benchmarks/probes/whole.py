"""Print what whole requests to a server cost, by a session with a header."""

from __future__ import annotations

import sys

sys.path.append(__file__.rsplit("probes", 1)[0])

import importlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import requests
from ways import HEADER, TOKEN, Static, by_auth

#: Seconds in which one way makes requests, before it is another's turn.
_BLOCK = 0.05
_TURNS = 3

Get = Callable[[str], object]


def main(peer: str, rounds: int, origin: str) -> None:
    os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
    logging.disable()
    bare = requests.Session()
    bare.headers[HEADER] = f"Bearer {TOKEN}"
    gets: dict[str, Get] = {"bare": bare.get}
    if peer == "requests_ticktick":
        gets["an auth with a constant header"] = by_auth("", Static()).get
    with tempfile.TemporaryDirectory() as folder:
        for way in importlib.import_module(f"peers.{peer}").ways(Path(folder), origin):
            if way.get is not None:
                gets[way.name] = way.get
        found = [_round(gets, f"{origin}/open/v1/project") for _ in range(rounds)]
    print(json.dumps(found))


def _round(gets: dict[str, Get], url: str) -> dict[str, tuple[float, float]]:
    """Return the wall clock and the processor time of a request, by way."""
    counts = {}
    for name, get in gets.items():
        get(url)
        counts[name] = max(2, int(_BLOCK / _took(get, url, 3)[0]))
    turns = [
        {name: _took(get, url, counts[name]) for name, get in gets.items()}
        for _ in range(_TURNS)
    ]
    return {
        name: (
            min(turn[name][0] for turn in turns),
            min(turn[name][1] for turn in turns),
        )
        for name in gets
    }


def _took(get: Get, url: str, count: int) -> tuple[float, float]:
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(count):
        get(url)
    return (
        (time.perf_counter() - wall) / count,
        (time.process_time() - processor) / count,
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
