"""Print what an auth step costs, by the floor of the same process."""

from __future__ import annotations

import sys

sys.path.append(__file__.rsplit("probes", 1)[0])

import importlib
import json
import os
import tempfile
from pathlib import Path

import requests
from repeating import Repeated, interleaved
from requests.hooks import dispatch_hook
from ways import URL, Static, Way


def main(peer: str, rounds: int) -> None:
    os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for way in importlib.import_module(f"peers.{peer}").ways(Path(folder), None):
            found[way.name] = {"looks": way.looks, **_of(way, rounds)}
    print(json.dumps(found))


def _of(way: Way, rounds: int) -> dict[str, list[float]]:
    """Return for each round: the step, over the floor, and the hooks."""
    things = (_step(way), _step(Way("", Static(), None)), _hooks(way), _hooks(None))
    found: dict[str, list[float]] = {"us": [], "ratio": [], "hook": []}
    for step, floor, hooks, no_hooks in interleaved(things, rounds):
        found["us"].append(step)
        found["ratio"].append(step / floor)
        found["hook"].append(hooks - no_hooks)
    return found


def _step(way: Way) -> Repeated:
    """Return the step, for a request that is as new each time."""
    request, step = requests.Request("GET", URL).prepare(), way.step
    hooks = request.hooks["response"]

    def repeat(count: int) -> None:
        for _ in range(count):
            hooks.clear()
            step(request)

    return repeat


def _hooks(way: Way | None) -> Repeated:
    """Return how requests calls the hooks of a request that got a 200."""
    request, response = requests.Request("GET", URL).prepare(), requests.Response()
    if way is not None:
        way.step(request)
    response.status_code, response.request = 200, request
    hooks = request.hooks
    options = {"timeout": None, "verify": True, "proxies": {}, "stream": False}

    def repeat(count: int) -> None:
        for _ in range(count):
            dispatch_hook("response", hooks, response, cert=None, **options)

    return repeat


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
