"""What a process takes up, and a token endpoint that remembers nothing itself."""

from __future__ import annotations

import gc
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import requests

from requests_ticktick import (
    FileStore,
    MemoryStore,
    Service,
    TickTickAuth,
    Token,
    refuse,
)
from requests_ticktick.testing import FakeClock
from requests_ticktick.vault import TokenVault

URL = "https://api.ticktick.com/open/v1/project"


def ours_alive():
    """Return how many objects of the library's classes there are."""
    gc.collect()
    return sum(
        str(type(thing).__module__).partition(".")[0] == "requests_ticktick"
        for thing in gc.get_objects()
    )


def taken_up():
    """Return the process's memory in KiB, its open files and its threads."""
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    files = len(os.listdir("/proc/self/fd"))
    return int(fields["VmRSS"].split()[0]), files, int(fields["Threads"])


class Rotating:
    """A token endpoint, each of whose refresh tokens is good for one request.

    :ivar issued: How many tokens it issued.
    :ivar misused: How many requests came with another one than the latest.
    """

    #: How long its tokens last, in seconds.
    LIFETIME = 3600

    def __init__(self):
        self.issued = self.misused = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                sent = parse_qs(form)["refresh_token"][0]
                outer.misused += sent != f"refresh-{outer.issued}"
                body = json.dumps(outer.answer()).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def auth(self, store, clock):
        """Return an auth over a store, into which a token is put."""
        store.save(Token.from_response(self.answer(), now=clock.time()))
        base = f"http://127.0.0.1:{self._server.server_port}"
        service = Service(f"{base}/authorize", f"{base}/token", base)
        auth = TickTickAuth(
            "id", "secret", store=store, sign_on=refuse, service=service
        )
        auth.source.clock = clock
        return auth

    def answer(self):
        """Issue a token, and return what says so."""
        self.issued += 1
        return {
            "access_token": f"access-{self.issued}",
            "token_type": "bearer",
            "expires_in": self.LIFETIME,
            "refresh_token": f"refresh-{self.issued}",
        }


def renew(auth, clock, times):
    """Renew so often: every other time because the API refused the token."""
    for number in range(times):
        if number % 2:
            auth.source.token(instead_of=auth.token())
        else:
            clock.advance(Rotating.LIFETIME)
            auth.token()


def steps(path, *, cleared, times):
    """Authenticate requests; return what was taken up, before and after.

    :param cleared: Whether each is a new one, which has no hooks yet.
    """
    store = FileStore(path)
    store.save(Token("a"))
    auth = TickTickAuth("id", "secret", store=store)
    request = requests.Request("GET", URL).prepare()

    def run(number):
        for _ in range(number):
            auth(request)
            if cleared:
                request.hooks["response"].clear()

    run(1000)
    before = taken_up(), ours_alive()
    run(times)
    return before, (taken_up(), ours_alive()), len(request.hooks["response"])


def renewals(path, *, warm_up, times):
    """Renew; return what was taken up, and how many tokens were misused.

    :param path: The token's file; ``None`` to keep it in memory.
    """
    clock = FakeClock()
    with Rotating() as endpoint:
        auth = endpoint.auth(MemoryStore() if path is None else FileStore(path), clock)
        renew(auth, clock, warm_up)
        before = taken_up(), ours_alive()
        renew(auth, clock, times)
        return before, (taken_up(), ours_alive()), endpoint.misused


def auths(path, kind, times):
    """Make auths, use and drop them; return what was taken up."""
    token = Token("a")
    FileStore(path).save(token)
    vault = TokenVault(lambda name: MemoryStore(token), client_id="id")
    make = {
        "memory": lambda n: TickTickAuth("id", store=MemoryStore(token)),
        "file": lambda n: TickTickAuth("id", store=FileStore(path)),
        "vault": lambda n: vault.auth(f"user-{n}"),
    }[kind]

    def run(numbers):
        for number in numbers:
            make(number)(requests.Request("GET", URL).prepare())

    run(range(2000))
    before = taken_up(), ours_alive()
    run(range(2000, 2000 + times))
    return before, (taken_up(), ours_alive())
