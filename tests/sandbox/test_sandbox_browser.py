"""The consent page in a real browser."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from sandbox_app import STATE, App

from requests_ticktick.sandbox import Sandbox

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

    def opens(self, url: str) -> None:
        """Open a page in a new tab, and wait until it has loaded."""
        tab = self.does("Target.createTarget", url="about:blank")["targetId"]
        attached = self.does("Target.attachToTarget", targetId=tab, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Log", "Runtime"):
            self.does(f"{domain}.enable")
        self.does("Page.navigate", url=url)
        self._reads_until(lambda seen: seen.get("method") == "Page.loadEventFired")

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


@pytest.fixture
def browser(require: Callable[[str], str], tmp_path: Path) -> Iterator[Browser]:
    """A headless browser."""
    # A browser that is killed leaves things in the system's temporary folder;
    # tmp_path is too long a name for the socket among them.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(require("chromium"), tmp_path / "profile", folder)
        yield browser
        browser.quits()


@pytest.fixture
def returned(sandbox: Sandbox) -> Iterator[Queue[dict[str, str]]]:
    """The parameters that the browser brings to the app's redirect URI."""
    found: Queue[dict[str, str]] = Queue()

    class Callback(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path == "/callback":
                found.put(dict(parse_qsl(url.query)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Do not log to the terminal."""

    port = urlsplit(sandbox.redirect_uri).port or 0
    with HTTPServer(("127.0.0.1", port), Callback) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield found
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_a_person_decides_and_is_sent_back_to_the_app(
    browser: Browser,
    sandbox: Sandbox,
    returned: Queue[dict[str, str]],
    decision: str,
) -> None:
    """The page's security policy permits its style and the redirect."""
    browser.opens(App(sandbox).asks().url)
    card = browser.runs("getComputedStyle(document.querySelector('main')).maxWidth")

    browser.runs(f"document.querySelector('button[value={decision}]').click()")
    answer = returned.get(timeout=BROWSER_SECONDS)

    assert answer["state"] == STATE
    assert answer.get("error") == (None if decision == "allow" else "access_denied")
    assert sandbox.sign_ons == (decision == "allow")
    assert card == "432px"
    assert browser.complaints() == []


def test_assistive_technology_can_read_the_page(
    browser: Browser, sandbox: Sandbox
) -> None:
    """It has a language, a title, a heading, a named list and named buttons."""
    browser.opens(App(sandbox).asks().url)

    nodes = browser.does("Accessibility.getFullAXTree")["nodes"]
    seen = {
        (node["role"]["value"], node["name"]["value"])
        for node in nodes
        if not node["ignored"] and node.get("name", {}).get("value")
    }

    assert browser.runs("document.documentElement.lang") == "en"
    assert browser.runs("document.title") == "Allow access? - TickTick sandbox"
    heading = f"Allow {sandbox.client_id} to use your TickTick?"
    assert {
        ("heading", heading),
        ("list", "It asks to"),
        ("button", "Allow"),
        ("button", "Deny"),
    } <= seen


FORGED = "<form method=post action={action}>{fields}</form>"


def test_another_sites_page_cannot_grant_access(
    browser: Browser, sandbox: Sandbox
) -> None:
    """The browser says which site has sent the form."""
    parameters = {**App(sandbox).parameters(), "decision": "allow", "consent": "0"}
    page = FORGED.format(
        action=sandbox.url("/oauth/authorize"),
        fields="".join(
            f"<input name={name} value='{value}'>" for name, value in parameters.items()
        ),
    )

    class Evil(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *args: object) -> None:
            """Do not log to the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Evil) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        browser.opens(f"http://127.0.0.1:{server.server_port}/")
        browser.runs("document.forms[0].submit()")
        deadline, shown = time.monotonic() + BROWSER_SECONDS, ""
        while "Another site" not in shown:
            assert time.monotonic() < deadline, shown
            time.sleep(0.05)
            with contextlib.suppress(KeyError):  # between two pages there is no body
                shown = str(browser.runs("document.body.innerText"))
        server.shutdown()
        thread.join()

    assert sandbox.sign_ons == 0
    assert sandbox.received == []
