"""The HTTP server under the listener: a thread for each connection.

``http.server`` reads the requests; what it would show of them, on pages, in
its log and in tracebacks, is kept back, since they hold the code.
"""

from __future__ import annotations

import contextlib
import os
import socket
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol

from . import pages
from .pages import Page
from .terminal import TICK

#: Seconds without a byte, and seconds in all, that a connection may take.
#: Browsers open some that they do not use, others send a byte at a time.
_IDLE = 10.0
_PATIENCE = 30.0

#: Connections, each a thread. One more, and the oldest has to go.
_MOST = 128


class Listening(Protocol):
    """What judges the requests."""

    def answer(self, target: str, hosts: list[str], sender: socket.socket) -> Page:
        """Return the page for a request."""

    def delivered(self) -> None:
        """Take note that a final page was sent."""


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Accepts on one loopback address, and knows what it has accepted.

    :raises OSError: The address cannot be bound.
    """

    # The port of a sign-on that just ended can be bound again. On Windows the
    # same option would let another program bind it at the same time.
    allow_reuse_address = os.name == "posix"
    block_on_close = False
    daemon_threads = True
    request_queue_size = _MOST
    timeout: float = TICK

    def __init__(self, address: str, port: int, listener: Listening) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = listener
        self._pending = True
        self._open: dict[Any, float] = {}
        self._changed = threading.Condition()
        super().__init__((address, port), _Handler)

    def serve(self, stopping: threading.Event) -> None:
        """Answer until told to stop, and then those who have connected."""
        while not stopping.is_set():
            self.handle_request()
            self._drop_slow()
        # Who has connected by now gets an answer, not a reset.
        self.timeout, self._pending = 0, True
        for _ in range(_MOST):
            if self._pending:
                self.handle_request()

    def server_bind(self) -> None:
        # Windows alone has it, and lets others bind the port as well without.
        exclusive = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)
        if exclusive is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, exclusive, 1)
        super().server_bind()

    def handle_timeout(self) -> None:
        self._pending = False

    def linger(self, seconds: float) -> None:
        """Wait until all connections have ended, at most this long."""
        with self._changed:
            self._changed.wait_for(lambda: not self._open, seconds)

    def server_close(self) -> None:
        with self._changed:
            connections = list(self._open)
        for connection in connections:
            self._drop(connection)
        # A process forked meanwhile holds a copy of this socket: closing ours
        # alone would leave the port taken for as long as it lives.
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        super().server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._open[request] = time.monotonic()
            oldest = next(iter(self._open)) if len(self._open) > _MOST else None
        if oldest is not None:
            self._drop(oldest)
        try:
            super().process_request(request, client_address)
        except RuntimeError:
            # No thread is to be had: they are served one after the other.
            self.process_request_thread(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._open.pop(request, None)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A browser that goes away is no news, and a traceback shows the code.
        return

    def _drop_slow(self) -> None:
        latest = time.monotonic() - _PATIENCE
        with self._changed:
            slow = [c for c, since in self._open.items() if since < latest]
        for connection in slow:
            self._drop(connection)

    def _drop(self, connection: Any) -> None:
        with self._changed:
            self._open.pop(connection, None)
        # Its thread wakes up, finds the end of the request, and ends.
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = _IDLE
    protocol_version = "HTTP/1.1"
    # Inherited: 0.9, in which the answer to garbage would have no headers.
    default_request_version = "HTTP/1.0"

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        if self.command == "GET":
            return True
        self._send(pages.WRONG_METHOD)
        return False

    def do_GET(self) -> None:
        listener = self.server.listener
        # self.path would be the target after http.server has mended it.
        target = self.requestline.split()[1]
        hosts = self.headers.get_all("Host", [])
        page = listener.answer(target, hosts, self.connection)
        try:
            self._send(page)
        finally:
            if page.final:
                listener.delivered()

    def send_error(
        self, code: int, message: str | None = None, explain: str | None = None
    ) -> None:
        # The inherited page quotes the request.
        self._send(pages.MALFORMED._replace(status=code))

    def log_message(self, format: str, *args: Any) -> None:
        # The request line holds the code and the state.
        return

    def _send(self, page: Page) -> None:
        body = page.html()
        self.send_response_only(page.status)
        for name, value in pages.HEADERS:
            self.send_header(name, value)
        if page is pages.WRONG_METHOD:
            self.send_header("Allow", "GET")
        if page.location is not None:
            self.send_header("Location", page.location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
