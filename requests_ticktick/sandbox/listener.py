"""HTTP/1.1 on a loopback port, in threads, and gone when it is stopped."""

from __future__ import annotations

import errno
import io
import logging
import secrets
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import ClientDisconnected
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response
from werkzeug.wsgi import get_input_stream

from .quiet import quieten_oauthlib, serve_quietly

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_LOGGER = logging.getLogger("requests_ticktick.sandbox")

_POLL = 0.02  # seconds; the longest that stopping waits for the accept loop
_PATIENCE = 5.0  # seconds; the longest that it waits for a request in hand

#: Below every system's ephemeral ports: no outgoing connection takes one of
#: these between its choice and its use.
_FIRST_PORT, _PORTS = 20000, 12000


class Listener:
    """A server on its socket.

    :param host: A loopback address.
    :param port: ``0`` for any.
    :raises OSError: The port is taken.
    """

    def __init__(self, app: WSGIApplication, host: str, port: int) -> None:
        quieten_oauthlib()
        self._connections = _Connections()
        handler = type("Handler", (_Handler,), {"connections": self._connections})
        # Werkzeug ends the process where it cannot bind: better to know first.
        _bind(host, port).close()
        self._server = make_server(
            host, port, app, threaded=True, request_handler=handler
        )
        self.port = self._server.port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL,), daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Accept nothing more, hang up on everybody and free the port."""
        # A child forked meanwhile holds the socket too: closing this copy
        # alone would leave callers waiting in the queue of a dead server.
        with suppress(OSError):
            self._server.socket.shutdown(socket.SHUT_RDWR)
        self._server.shutdown()
        self._thread.join()
        self._connections.close()

    def join(self) -> None:
        """Wait for the requests in hand, whose answers nobody gets."""
        self._connections.join(_PATIENCE)


class _Connections:
    """The threads and their connections, so that none outlives the server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads: dict[threading.Thread, socket.socket] = {}
        self._closed = False

    def add(self, thread: threading.Thread, connection: socket.socket) -> None:
        with self._lock:
            for ended in [each for each in self._threads if not each.is_alive()]:
                del self._threads[ended]
            self._threads[thread] = connection
            if self._closed:
                _hang_up(connection)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for connection in self._threads.values():
                _hang_up(connection)

    def join(self, timeout: float) -> None:
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(timeout)


class _Handler(WSGIRequestHandler):
    """Werkzeug's handler, with keep-alive and without its log.

    Werkzeug closes every connection, because an application may leave a
    part of the body unread. Here the body is read first.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    connections: _Connections

    def setup(self) -> None:
        serve_quietly()
        super().setup()
        self.connections.add(threading.current_thread(), self.connection)

    def run_wsgi(self) -> None:
        try:
            environ = self.make_environ()
            body = get_input_stream(environ).read()
        except (ClientDisconnected, OSError, ValueError):
            self.send_error(400)
            return
        environ["wsgi.input"] = io.BytesIO(body)
        environ["wsgi.input_terminated"] = True
        response = Response.from_app(self.server.app, environ, buffered=True)
        self.send_response(response.status_code, response.status.partition(" ")[2])
        for name, value in response.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(response.get_data())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log the path alone: a query may hold a state or a code."""
        path = getattr(self, "path", "").partition("?")[0]
        _LOGGER.debug("%s %s %s", self.command, path, int(code))

    def log(self, type: str, message: str, *args: Any) -> None:
        """Log nothing else: a malformed request's line would be quoted."""


def free_port(host: str) -> int:
    """Find a port that nobody has, and that nobody is given by chance."""
    while True:
        port = _FIRST_PORT + secrets.randbelow(_PORTS)
        try:
            with _bind(host, port):
                return port
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise  # of the host, such as IPv6 where there is none


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
