"""What the tests of the sign-on share: a person, a browser, a request."""

from __future__ import annotations

import contextlib
import io
import os
import queue
import select
import socket
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from requests_ticktick._grant.request import AuthorizationRequest
from requests_ticktick._sign_on import ConsoleSignOn, LoopbackSignOn

STATE = "the-state-of-this-sign-on"
SECONDS = 20.0


def a_request(redirect_uri="https://app.example/callback"):
    return AuthorizationRequest(
        f"https://ticktick.example/oauth/authorize?response_type=code&state={STATE}",
        state=STATE,
        redirect_uri=redirect_uri,
    )


class Person:
    """Somebody at a real terminal: types on its keyboard, sees its screen."""

    def __init__(self):
        self.hand, terminal = os.openpty()
        self.input = os.fdopen(terminal)
        self.output = os.fdopen(os.dup(terminal), "w")
        self.screen = ""

    def sits_down(self, monkeypatch):
        """Take the terminal of this process, for the rest of the test."""
        monkeypatch.setattr(sys, "stdin", self.input)
        monkeypatch.setattr(sys, "stderr", self.output)

    def types(self, text):
        os.write(self.hand, text.encode())

    def sees(self, text):
        end = time.monotonic() + SECONDS
        while text not in self.screen:
            assert time.monotonic() < end, self.screen
            if select.select([self.hand], [], [], 0.1)[0]:
                seen = os.read(self.hand, 4096).decode(errors="replace")
                self.screen += seen.replace("\r\n", "\n")
        return True

    def leaves(self):
        """Close the window: the program's terminal hangs up."""
        if self.hand is not None:
            os.close(self.hand)
            self.hand = None

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.leaves()
        self.input.close()
        with contextlib.suppress(OSError):
            self.output.close()


class Nobody:
    """No terminal: what a program shows there goes to a log."""

    def __init__(self):
        self.screen = ""

    def write(self, text):
        self.screen += text

    def flush(self):
        pass


@contextlib.contextmanager
def waiting(redirect_uri, **options):
    """A listener that waits: a future of the URL that it will return.

    :param fails: Whether no browser can be opened.
    """
    opened = queue.Queue()
    urls, fails = options.pop("opened", []), options.pop("fails", False)
    options.setdefault("output", Nobody())

    def open_url(url):
        opened.put(url)
        return not fails

    sign_on = LoopbackSignOn(open_url=open_url, **options)
    with ThreadPoolExecutor(1) as pool:
        answer: Future[str] = pool.submit(sign_on, a_request(redirect_uri))
        try:
            # The browser is opened once the port is bound.
            urls.append(opened.get(timeout=SECONDS))
            yield answer
        finally:
            if not answer.done():
                with contextlib.suppress(OSError):
                    browse(f"{redirect_uri}?code=at-the-end&state={STATE}")


def connected(redirect_uri):
    host, _, port = redirect_uri.split("/")[2].rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS)


def received(connection):
    """All that the listener sends until it closes or resets."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65536):
            answer += part
    return answer


def sent(redirect_uri, request):
    with connected(redirect_uri) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(request)
        return received(connection)


def get(url, host=None):
    """The bytes of a GET as a browser sends it."""
    _, _, authority, *path = url.split("/", 3)
    target = "/" + "".join(path)
    host = authority if host is None else host
    return f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def browse(url, host=None):
    return sent(url, get(url, host))


def run(code, *, env=(), **options):
    """Run a program of its own; returns what it did."""
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    base = {k: v for k, v in os.environ.items() if k not in PERSONAL}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**base, "PYTHONPATH": path, **dict(env)},
        text=True,
        timeout=60,
        **{"capture_output": True, "stdin": subprocess.DEVNULL, **options},
    )


#: The variables that tell whether a person can be here.
PERSONAL = (
    *("BROWSER", "CI", "DISPLAY", "MSYSTEM", "PYCHARM_HOSTED", "SSH_CONNECTION"),
    *("WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"),
)


def piped(text, **options):
    """A console sign-on that reads this text."""
    return ConsoleSignOn(input=io.StringIO(text), output=io.StringIO(), **options)
