"""Real servers on loopback ports, under names that no resolver knows.

What a client connects to is decided by :class:`Net`, so that
``https://api.sandbox.test`` is a server here; what is sent there is real.
"""

from __future__ import annotations

import hashlib
import select
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import NamedTuple
from urllib.parse import urlsplit

from requests_ticktick import (
    ChainStore,
    MemoryStore,
    Service,
    TickTickAuth,
    Token,
    refuse,
)

BLOCK = 1 << 16

#: What :func:`knows_tokens` sends, each after the one before was refused.
TOKENS = [f"wire-token-{number}" for number in range(6)]


def knows_tokens(*origins):
    """Return an auth that has another token at hand for each 401.

    However often it renews, it never runs out here: a loop shows.
    """
    return TickTickAuth(
        store=ChainStore([MemoryStore(Token(token)) for token in TOKENS]),
        sign_on=refuse,
        service=Service(f"{origins[0]}/authorize", f"{origins[0]}/token", origins),
    )


class Seen(NamedTuple):
    """A request, as a server received it."""

    server: str
    method: str
    path: str
    headers: Mapping[str, str]
    length: int
    sha256: str
    connection: int  # its client's port


class Answer(NamedTuple):
    """What a server answers.

    :param body: Bytes; or blocks of bytes, sent as they come.
    :param says: What ``Content-Length`` says, if it is not the truth. What
        comes is then all that comes.
    :param close: Say that the connection will be closed, and close it.
    :param early: Answer before the request's body was read; with ``close``,
        it never is.
    """

    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes | Iterable[bytes] = b"{}"
    says: int | None = None
    close: bool = False
    early: bool = False


class Server:
    """Answers as it was told, and writes down what it saw.

    :param name: What tests call it.
    :param seen: Where it writes; several servers may share a list.
    :param tls: A server's context, for ``https``.
    """

    def __init__(self, name="api", *, seen=None, tls=None, host="127.0.0.1"):
        self.name, self.tls = name, tls
        self.seen = [] if seen is None else seen
        self.answers = deque()
        #: What is answered when nothing is left in ``answers``.
        self.otherwise = lambda seen: Answer()
        self._open, self._serving = set(), 0
        self._changed = threading.Condition()
        self._listener = _Listener(host, self)
        self.address = self._listener.server_address[:2]
        threading.Thread(
            target=self._listener.serve_forever, args=(0.01,), daemon=True
        ).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.address[1]}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown()
        self._listener.server_close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def accept(self, connection):
        """Begin to speak; called in the connection's own thread."""
        if self.tls is not None:
            connection = self.tls.wrap_socket(connection, server_side=True)
        self._open.add(connection)
        return connection

    def hang_up(self, connection):
        self._open.discard(connection)
        connection.close()

    def settle(self):
        """Wait until every request was seen to its end."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._serving, timeout=30)

    def take(self, request):
        with self._changed:
            self._serving += 1
        try:
            self.serve(request)
        finally:
            with self._changed:
                self._serving -= 1
                self._changed.notify_all()

    def serve(self, request):
        answer = self.answers.popleft() if self.answers else None
        if answer is not None and answer.early:
            request.close_connection = True
            request.answer(answer)
            if not answer.close:
                request.see()
        elif answer is not None:
            request.see()
            request.answer(answer)
        else:
            request.answer(self.otherwise(request.see()))


class _Listener(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, host, owner):
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.owner = owner
        super().__init__((host, 0), _Request)

    def handle_error(self, request, client_address):
        """Print nothing: a client hung up, or did not like the certificate."""


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        self.request = self.server.owner.accept(self.request)
        super().setup()

    def finish(self):
        with suppress(OSError):
            super().finish()
        self.server.owner.hang_up(self.request)

    def __getattr__(self, name):
        if name.startswith("do_"):
            return lambda: self.server.owner.take(self)
        raise AttributeError(name)

    def log_message(self, *_):
        """Print nothing."""

    def see(self, blocks=None):
        """Write the request down; its body is hashed, not kept."""
        digest, length = hashlib.sha256(), 0
        for block in self.blocks() if blocks is None else blocks:
            digest.update(block)
            length += len(block)
        owner = self.server.owner
        seen = Seen(
            owner.name,
            self.command,
            self.path,
            {name.lower(): value for name, value in self.headers.items()},
            length,
            digest.hexdigest(),
            self.client_address[1],
        )
        owner.seen.append(seen)
        return seen

    def blocks(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                yield from self._exactly(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            yield from self._exactly(int(self.headers.get("Content-Length", 0)))

    def _exactly(self, size):
        while size:
            block = self.rfile.read(min(size, BLOCK))
            if not block:
                raise ConnectionError("the client hung up")
            size -= len(block)
            yield block

    def answer(self, answer):
        blocks = [answer.body] if isinstance(answer.body, bytes) else answer.body
        self.send_response_only(answer.status)
        self.send_header("Date", self.date_time_string())
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.says is not None:
            self.send_header("Content-Length", str(answer.says))
            self.close_connection = True
        elif isinstance(answer.body, bytes):
            self.send_header("Content-Length", str(len(answer.body)))
        if answer.close or self.close_connection:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            for block in blocks:
                self.wfile.write(block)


class Proxy(Server):
    """A forward proxy: whole requests for ``http``, tunnels for ``https``."""

    def __init__(self, net, *, seen=None):
        super().__init__("proxy", seen=seen)
        self._net = net

    def serve(self, request):
        request.close_connection = True
        if request.command == "CONNECT":
            host, _, port = request.path.rpartition(":")
            request.see()
            head, body = b"", b""
        else:
            parts = urlsplit(request.path)
            host, port = parts.hostname, parts.port or 80
            body = b"".join(request.blocks())
            request.see([body])
            head = _head(request, parts)
        with socket.create_connection(self._net.find(host, int(port))) as onward:
            if request.command == "CONNECT":
                request.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                onward.sendall(head + body)
            _relay(request.connection, onward)


def _head(request, parts):
    lines = [f"{request.command} {parts.path}?{parts.query} HTTP/1.1"]
    for name, value in request.headers.items():
        if name.lower() not in ("connection", "proxy-authorization"):
            lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")


def _relay(one, other):
    """Carry bytes both ways until either end has no more."""
    ends = {one: other, other: one}
    with suppress(OSError):
        while True:
            for end in select.select(list(ends), [], [], 30)[0]:
                block = end.recv(BLOCK)
                if not block:
                    return
                ends[end].sendall(block)


class Net:
    """Which name and port is which server's."""

    def __init__(self):
        self._addresses = {}

    def add(self, url, server):
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        self._addresses[parts.hostname, port] = server.address

    def find(self, host, port):
        return self._addresses.get((host.strip("[]").lower(), port), (host, port))

    def install(self, monkeypatch):
        """Have urllib3 connect by these names."""
        from urllib3.util import connection

        connect = connection.create_connection

        def create_connection(address, *args, **kwargs):
            return connect(self.find(*address), *args, **kwargs)

        monkeypatch.setattr(connection, "create_connection", create_connection)


def server_context(certificate):
    """Speak TLS with a certificate of trustme's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context
