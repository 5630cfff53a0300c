"""One process of a herd: import, wait at the gate, call, report.

Its only argument is JSON: the peer, the mode, and where everything is. Its
standard input is the gate, which ends for all processes at once. Nothing is
imported here that ``requests`` does not import anyway.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time
from typing import Any


def main() -> None:
    """Do as the argument says."""
    order: dict[str, Any] = json.loads(sys.argv[1])
    use = importlib.import_module(f"use_{order['peer']}")
    if order.get("prepare"):
        use.prepare(order)
        return
    failures: list[str] = []
    get = use.client(order)

    def call() -> None:
        try:
            status = get(order["url"])
            if status != 200:
                failures.append(f"status {status}")
        except Exception as error:
            failures.append(f"{type(error).__name__}: {error}")

    say({"ready": os.getpid()})
    sys.stdin.buffer.read()
    began = time.monotonic()
    if order["threads"] == 1:
        call()
    else:
        threads = [threading.Thread(target=call) for _ in range(order["threads"])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    say(
        {
            "began": began,
            "ended": time.monotonic(),
            "failed": len(failures),
            "why": failures[0][:500] if failures else "",
            "prompts": use.prompts,
        }
    )
    os._exit(0)  # so that its end costs the others least


def say(report: dict[str, Any]) -> None:
    """Write one line at once, since all processes share the pipe."""
    os.write(1, json.dumps(report).encode() + b"\n")


if __name__ == "__main__":
    main()
