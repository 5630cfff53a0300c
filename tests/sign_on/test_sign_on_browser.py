"""A real browser, from the authorization page to the last tab."""

from __future__ import annotations

import http.server
import queue
import subprocess
import threading

import pytest
from people import STATE, Nobody
from ports import free_port

from requests_ticktick._grant.request import AuthorizationRequest
from requests_ticktick._sign_on import LoopbackSignOn


@pytest.fixture
def chromium(require, tmp_path):
    """Open a URL in Chromium; returns the page it ends up with, as HTML."""
    program = require("chromium")

    def browse(url, *flags):
        done = subprocess.run(
            [
                program,
                *["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"],
                *["--no-first-run", "--disable-background-networking"],
                *["--disable-component-update", "--disable-sync"],
                f"--user-data-dir={tmp_path / 'profile'}",
                *flags,
                "--dump-dom",
                url,
            ],
            capture_output=True,
            text=True,
            timeout=90,
        )
        return done.stdout

    return browse


class Consent(http.server.BaseHTTPRequestHandler):
    """An authorization endpoint at which everybody always says yes."""

    def do_GET(self):
        self.send_response(302)
        self.send_header("Location", self.server.redirected)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def consent():
    """The authorization endpoint, on a port of its own."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Consent) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_a_browser_signs_on_and_says_that_its_tab_can_be_closed(
    chromium, consent, host
):
    """The authorization page redirects it, and it shows the last page."""
    port = free_port("::1" if host == "[::1]" else "127.0.0.1")
    consent.redirected = f"http://{host}:{port}/callback?code=abc123&state={STATE}"
    request = AuthorizationRequest(
        f"http://127.0.0.1:{consent.server_port}/oauth/authorize",
        state=STATE,
        redirect_uri=f"http://{host}:{port}/callback",
    )
    pages = queue.Queue()
    sign_on = LoopbackSignOn(
        90.0, lambda url: pages.put(chromium(url)), output=Nobody()
    )

    assert sign_on(request) == consent.redirected
    page = pages.get(timeout=90.0)
    assert "<h1>Access was granted</h1>" in page
    assert "You can close this tab" in page
