"""The listener's HTTP server, with a thread for each connection.

``http.server`` parses the requests. Its error pages, log and tracebacks are
suppressed, because they would show the authorization code.
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
from .terminal import POLL_SECONDS

#: Seconds without a byte, and seconds in total, that a connection may take.
#: Browsers open connections that they do not use; attackers send slowly.
_IDLE_SECONDS = 10.0
CONNECTION_SECONDS = 30.0

#: Open connections, each with a thread. A further one replaces the oldest.
MAX_CONNECTIONS = 128


class Responder(Protocol):
    """Decides which page a request gets."""

    def answer(self, target: str, hosts: list[str], sender: socket.socket) -> Page:
        """Return the page for a request."""

    def delivered(self) -> None:
        """Note that a final page was sent."""


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Accepts connections on one loopback address, and keeps track of them.

    :raises OSError: The address cannot be bound.
    """

    # Allows binding the port of a sign-on that has just ended. On Windows, the
    # option would let another program bind the port at the same time.
    allow_reuse_address = os.name == "posix"
    block_on_close = False
    daemon_threads = True
    request_queue_size = MAX_CONNECTIONS
    timeout: float = POLL_SECONDS

    def __init__(self, address: str, port: int, responder: Responder) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.responder = responder
        self._pending = True
        self._open: dict[Any, float] = {}
        self._changed = threading.Condition()
        super().__init__((address, port), Handler)

    def serve(self, stopping: threading.Event) -> None:
        """Serve until told to stop, then serve those already connected."""
        # A busy machine may run this thread when the socket is closed already.
        with contextlib.suppress(ValueError):
            while not stopping.is_set():
                self.handle_request()
                self._drop_slow()
            # A client that has connected gets a page and not a reset.
            self.timeout, self._pending = 0, True
            for _ in range(MAX_CONNECTIONS):
                if self._pending:
                    self.handle_request()

    def server_bind(self) -> None:
        # Windows only: without it, other programs can bind the port as well.
        exclusive = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)
        if exclusive is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, exclusive, 1)
        super().server_bind()

    def handle_timeout(self) -> None:
        self._pending = False

    def linger(self, seconds: float) -> None:
        """Wait until all connections have ended.

        :param seconds: How long to wait at most.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._open, seconds)

    def server_close(self) -> None:
        with self._changed:
            connections = list(self._open)
        for connection in connections:
            self._drop(connection)
        # A process forked meanwhile has a copy of this socket. Closing this
        # one would leave the port in use until that process ends.
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        super().server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._open[request] = time.monotonic()
            oldest = (
                next(iter(self._open)) if len(self._open) > MAX_CONNECTIONS else None
            )
        if oldest is not None:
            self._drop(oldest)
        try:
            super().process_request(request, client_address)
        except RuntimeError:
            # No thread can be started: serve the connections in turn.
            self.process_request_thread(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._open.pop(request, None)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A browser may disconnect, and the inherited traceback shows the code.
        return

    def _drop_slow(self) -> None:
        oldest_start = time.monotonic() - CONNECTION_SECONDS
        with self._changed:
            slow = [c for c, since in self._open.items() if since < oldest_start]
        for connection in slow:
            self._drop(connection)

    def _drop(self, connection: Any) -> None:
        with self._changed:
            self._open.pop(connection, None)
        # Its thread wakes up, reads the end of the request, and ends.
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


class Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = _IDLE_SECONDS
    protocol_version = "HTTP/1.1"
    # The inherited HTTP/0.9 would send error pages without headers.
    default_request_version = "HTTP/1.0"

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        if self.command == "GET":
            return True
        self._send(pages.WRONG_METHOD)
        return False

    def do_GET(self) -> None:
        responder = self.server.responder
        # http.server changes self.path, so the target is read again.
        target = self.requestline.split()[1]
        hosts = self.headers.get_all("Host", [])
        page = responder.answer(target, hosts, self.connection)
        try:
            self._send(page)
        finally:
            if page.final:
                responder.delivered()

    def send_error(
        self, code: int, message: str | None = None, explain: str | None = None
    ) -> None:
        # The inherited page quotes the request.
        self._send(pages.MALFORMED._replace(status=code))

    def log_message(self, format: str, *args: Any) -> None:
        # The request line contains the code and the state.
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
