"""Print what each piece of our auth step costs."""

from __future__ import annotations

import sys

sys.path.append(__file__.rsplit("probes", 1)[0])

import json
import time

import requests
from peers.requests_ticktick import make
from repeating import interleaved
from ways import HEADER, URL, Static


def main(rounds: int) -> None:
    auth, request = make(0), requests.Request("GET", URL).prepare()
    auth(request)
    header, hooks = request.headers[HEADER], request.hooks["response"]
    (hook,) = hooks
    names = {
        "auth": auth,
        "floor": Static(),
        "r": request,
        "headers": request.headers,
        "header": header,
        "hook": hook,
        "hooks": hooks,
        "token": auth.source.token,
        "time": time,
    }
    pieces = {
        "nothing": "pass",
        "all": "hooks.clear(); auth(r)",
        "all of the floor": "hooks.clear(); floor(r)",
        "cleared": "hooks.clear()",
        "header": f"headers[{HEADER!r}] = header",
        "guard": "auth.guard[r.url]",
        "token": "token()",
        "clocks": "time.time(); time.monotonic()",
        "hook": "hooks.clear(); r.hooks['response'].append(hook)",
    }
    things = []
    for piece in pieces.values():
        code = f"def repeat(count):\n for _ in range(count): {piece}"
        made = dict(names)
        exec(code, made)
        things.append(made["repeat"])
    measured = interleaved(things, rounds)
    print(json.dumps([dict(zip(pieces, took, strict=True)) for took in measured]))


if __name__ == "__main__":
    main(int(sys.argv[1]))
