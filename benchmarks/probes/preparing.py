"""Print what ``prepare_request`` costs, by that with a constant header."""

from __future__ import annotations

import sys

sys.path.append(__file__.rsplit("probes", 1)[0])

import importlib
import json
import tempfile
from pathlib import Path
from typing import Any

import requests
from repeating import Repeated, interleaved
from ways import URL, Static


def main(peer: str, rounds: int) -> None:
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for way in importlib.import_module(f"peers.{peer}").ways(Path(folder), None):
            if way.auth is None:
                continue
            things = [_preparing(way.auth), _preparing(Static())]
            measured = list(interleaved(things, rounds))
            found[way.name] = {
                "us": [own for own, _ in measured],
                "ratio": [own / floor for own, floor in measured],
            }
    print(json.dumps(found))


def _preparing(auth: Any) -> Repeated:
    session, request = requests.Session(), requests.Request("GET", URL)
    session.auth = auth

    def repeat(count: int) -> None:
        for _ in range(count):
            session.prepare_request(request)

    return repeat


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
