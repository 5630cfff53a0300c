"""HTTP/1.1 on a loopback port, with a thread for each connection."""

from __future__ import annotations

import errno
import io
import logging
import secrets
import socket
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Response

from ._connections import Connections
from ._door import Door, RefusalError, read_body

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_LOGGER = logging.getLogger("requests_ticktick.sandbox")

#: The longest that stopping waits for the accept loop.
_POLL_SECONDS = 0.02
#: The longest that stopping waits for each request that is being served.
_JOIN_SECONDS = 5.0

#: How long, and how many times, the rest of a refused request is discarded.
LINGER_SECONDS, LINGER_READS = 2.0, 1024

#: Below every system's ephemeral ports, so that no outgoing connection takes
#: one of these between its choice and its use.
_FIRST_PORT, _PORTS = 20000, 12000


class WebServer:
    """Serves an application from its construction until it is closed.

    :param app: The application.
    :param host: A loopback address.
    :param port: ``0`` for any free port.
    :raises OSError: The port is taken.
    """

    def __init__(self, app: WSGIApplication, host: str, port: int) -> None:
        # Werkzeug ends the process if it cannot bind. Here it is an OSError.
        _bind(host, port).close()
        self._server = _Server(app, host, port)
        self.port = self._server.port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Free the port, and hang up on all connections."""
        # A forked child may hold the socket too. If only this copy of it were
        # closed, clients would wait in the queue of a server that is gone.
        with suppress(OSError):
            self._server.socket.shutdown(socket.SHUT_RDWR)
        self._server.shutdown()
        self._thread.join()
        self._server.connections.close()

    def join(self) -> None:
        """Wait for the requests that are being served to end."""
        self._server.connections.join(_JOIN_SECONDS)


class _Server(ThreadedWSGIServer):
    """Werkzeug's server, with a bound on its threads."""

    def __init__(self, app: WSGIApplication, host: str, port: int) -> None:
        super().__init__(host, port, app, Handler)
        self.connections = Connections()
        self.door = Door(netloc(host), self.port)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self.connections.admit(request):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        self.connections.remove(request)
        super().shutdown_request(request)


class Handler(WSGIRequestHandler):
    """Werkzeug's handler, with persistent connections and without its log.

    Werkzeug closes every connection, because an application may leave a
    part of the body unread. This handler reads the body first.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    #: A connection ends after so many seconds without a byte.
    timeout = 60.0
    server: _Server

    def setup(self) -> None:
        self.server.connections.add_thread(threading.current_thread())
        super().setup()

    def version_string(self) -> str:
        return "requests-ticktick-sandbox"

    def handle_expect_100(self) -> bool:
        """Refuse before the client sends the body, if it is to be refused."""
        try:
            self.server.door.check(self.command, self.path, self.headers)
        except RefusalError as refused:
            self._refuse(refused)
            return False
        return super().handle_expect_100()

    def run_wsgi(self) -> None:
        try:
            self.server.door.check(self.command, self.path, self.headers)
            body = read_body(self.headers, self.rfile)
            environ = self.make_environ()
        except (OSError, ValueError):
            self._refuse(
                RefusalError(HTTPStatus.BAD_REQUEST, "The request cannot be read.")
            )
            return
        except RefusalError as refused:
            self._refuse(refused)
            return
        environ["wsgi.input"] = io.BytesIO(body)
        environ["wsgi.input_terminated"] = True
        with self.server.connections.serving(self.connection):
            self._answer(Response.from_app(self.server.app, environ, buffered=True))

    def _answer(self, response: Response) -> None:
        self.send_response(response.status_code, response.status.partition(" ")[2])
        for name, value in response.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(response.get_data())

    def _refuse(self, refused: RefusalError) -> None:
        """Answer, and hang up: the bytes that follow are not a request."""
        self.send_error(refused.status, explain=refused.reason)
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            # If the rest were left unread, the system would send a reset, and
            # the client could lose the answer before it has read it.
            ends, left = time.monotonic() + LINGER_SECONDS, LINGER_SECONDS
            for _ in range(LINGER_READS):
                self.connection.settimeout(left)
                if not self.connection.recv(65_536):
                    break
                left = max(ends - time.monotonic(), 0.001)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log the path without its query, which may hold a state or a code."""
        path = getattr(self, "path", "").partition("?")[0]
        _LOGGER.debug("%s %s %s", self.command, path, int(code))

    def log(self, type: str, message: str, *args: Any) -> None:
        """Log nothing else: Werkzeug would quote a malformed request line."""


def free_port(host: str) -> int:
    """Find a free port that no outgoing connection is given."""
    while True:
        port = _FIRST_PORT + secrets.randbelow(_PORTS)
        try:
            with _bind(host, port):
                return port
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise  # the host is at fault, such as IPv6 on a machine without


def netloc(host: str) -> str:
    """Return a host as URLs have it."""
    return f"[{host}]" if ":" in host else host


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)
