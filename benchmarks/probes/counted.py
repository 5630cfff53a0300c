"""Do a number of steps, for callgrind to count their instructions."""

from __future__ import annotations

import sys

sys.path.append(__file__.rsplit("probes", 1)[0])

import tempfile
from pathlib import Path

import requests
from requests.hooks import dispatch_hook
from ways import URL, Static, Way


def main(what: str, count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        way = _way(what, Path(folder))
        request = requests.Request("GET", URL).prepare()
        hooks = request.hooks["response"]
        way.step(request)
        if what.endswith("hook"):
            response = requests.Response()
            response.status_code, response.request = 200, request
            for _ in range(count):
                dispatch_hook("response", request.hooks, response, timeout=None)
            return
        step = way.step
        for _ in range(count):
            hooks.clear()
            step(request)


def _way(what: str, folder: Path) -> Way:
    # Both are imported for both, so that nothing but the steps differs.
    from peers.requests_ticktick import ways

    return next(ways(folder, None)) if "ours" in what else Way("", Static(), None)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
