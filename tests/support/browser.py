"""A real browser, which a test tells what to do."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: A browser may start slowly on a busy machine.
BROWSER_SECONDS = 60.0

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
    "--remote-debugging-pipe",
]

#: The browser reads commands from descriptor 3 and answers on 4.
START = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """Chromium, told what to do over a pipe (its DevTools protocol).

    :param path: The command.
    :param profile: An empty folder.
    :param temporary: A folder with a short name.
    """

    def __init__(self, path: str, profile: Path, temporary: str) -> None:
        theirs, self._out = os.pipe()
        self._in, also_theirs = os.pipe()
        pipes = (theirs, also_theirs)
        command = [path, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", START, *map(str, pipes), *command],
            pass_fds=pipes,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TMPDIR": temporary},
        )
        os.close(theirs)
        os.close(also_theirs)
        self._unread = b""
        self._sent = 0
        self._session: dict[str, str] = {}
        self.events: list[dict[str, Any]] = []

    def another_person(self) -> str:
        """Return a context for :meth:`opens`, which shares no cookies."""
        self.turns_to({})
        context: str = self.does("Target.createBrowserContext")["browserContextId"]
        return context

    def opens(self, url: str, context: str | None = None) -> dict[str, str]:
        """Open a page in a new tab, and wait until it has loaded.

        :returns: The tab, for :meth:`turns_to`.
        """
        self.turns_to({})
        of = {} if context is None else {"browserContextId": context}
        tab = self.does("Target.createTarget", url="about:blank", **of)["targetId"]
        attached = self.does("Target.attachToTarget", targetId=tab, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Log", "Runtime"):
            self.does(f"{domain}.enable")
        self.does("Page.navigate", url=url)
        self._reads_until(lambda seen: seen.get("method") == "Page.loadEventFired")
        return self._session

    def turns_to(self, tab: dict[str, str]) -> None:
        """Go on in another tab."""
        self._session = tab

    def shows(self, text: str) -> str:
        """Wait until the page shows a text, and return all that it shows."""
        deadline, shown = time.monotonic() + BROWSER_SECONDS, ""
        while text not in shown:
            assert time.monotonic() < deadline, shown
            time.sleep(0.05)
            with contextlib.suppress(KeyError):  # between two pages there is no body
                shown = str(self.runs("document.body.innerText"))
        return shown

    def runs(self, script: str) -> Any:
        """Run JavaScript in the page, and return its value."""
        answer = self.does("Runtime.evaluate", expression=script, returnByValue=True)
        return answer["result"].get("value")

    def does(self, method: str, **params: Any) -> dict[str, Any]:
        """Run one command of the protocol."""
        self._sent += 1
        number = self._sent
        command = {"id": number, "method": method, "params": params, **self._session}
        os.write(self._out, json.dumps(command).encode() + b"\0")
        answer = self._reads_until(lambda seen: seen.get("id") == number)
        result: dict[str, Any] = answer["result"]
        return result

    def complaints(self) -> list[str]:
        """Return what the browser's console reports about the page."""
        return [
            event["params"]["entry"]["text"]
            for event in self.events
            if event.get("method") == "Log.entryAdded"
        ]

    def quits(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def _reads_until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while True:
            while b"\0" not in self._unread:
                assert select.select([self._in], [], [], BROWSER_SECONDS)[0]
                more = os.read(self._in, 65536)
                assert more, "the browser has ended"
                self._unread += more
            text, _, self._unread = self._unread.partition(b"\0")
            event: dict[str, Any] = json.loads(text)
            if wanted(event):
                return event
            self.events.append(event)
