"""The consent page in a real browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from queue import Queue
from urllib.parse import parse_qsl, urlsplit

import pytest
from browser import BROWSER_SECONDS, Browser
from sandbox_app import STATE, App

from requests_ticktick.sandbox import Sandbox


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
        browser.shows("Another site")
        server.shutdown()
        thread.join()

    assert sandbox.sign_ons == 0
    assert sandbox.received == []
