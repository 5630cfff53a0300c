"""HTTP/1.1 on a loopback port, in threads, and gone when it is stopped."""

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

from .connections import Connections
from .door import Door, RefusalError, read_body
from .quiet import quieten_oauthlib, serve_quietly

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_LOGGER = logging.getLogger("requests_ticktick.sandbox")

_POLL = 0.02  # seconds; the longest that stopping waits for the accept loop
_PATIENCE = 5.0  # seconds; the longest that it waits for a request in hand

#: How long, and how often, the rest of a refused request is thrown away.
_LINGER, _LINGER_READS = 2.0, 1024

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
        self._connections = Connections()

        class Handler(_Handler):
            connections = self._connections

        # Werkzeug ends the process where it cannot bind: better to know first.
        _bind(host, port).close()
        self._server = _Server(host, port, app, Handler)
        self._server.connections = self._connections
        self.port = self._server.port
        Handler.door = Door(netloc(host), self.port)
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


class _Server(ThreadedWSGIServer):
    """Werkzeug's server, with a bound on its threads."""

    connections: Connections

    def process_request(self, request: Any, client_address: Any) -> None:
        if self.connections.admit(request):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        self.connections.leave(request)
        super().shutdown_request(request)


class _Handler(WSGIRequestHandler):
    """Werkzeug's handler, with keep-alive and without its log.

    Werkzeug closes every connection, because an application may leave a
    part of the body unread. Here the body is read first.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    #: Seconds without a byte, after which a connection is idle no more.
    timeout = 60.0
    connections: Connections
    door: Door

    def setup(self) -> None:
        serve_quietly()
        self.connections.joined_by(threading.current_thread())
        super().setup()

    def version_string(self) -> str:
        return "requests-ticktick-sandbox"

    def handle_expect_100(self) -> bool:
        """Say no before the body is sent, if that is the answer."""
        try:
            self.door.check(self.command, self.path, self.headers)
        except RefusalError as refused:
            self._refuse(refused)
            return False
        return super().handle_expect_100()

    def run_wsgi(self) -> None:
        try:
            self.door.check(self.command, self.path, self.headers)
            body = read_body(self.headers, self.rfile)
            environ = self.make_environ()
        except (OSError, ValueError):
            self._refuse(RefusalError(HTTPStatus.BAD_REQUEST, "That is no request."))
            return
        except RefusalError as refused:
            self._refuse(refused)
            return
        environ["wsgi.input"] = io.BytesIO(body)
        environ["wsgi.input_terminated"] = True
        with self.connections.serving(self.connection):
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
        """Answer, and hang up: what follows is no request."""
        self.send_error(refused.status, explain=refused.reason)
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            # What is on its way would be answered by a reset, which takes the
            # answer away from a client that has not read it yet.
            ends, left = time.monotonic() + _LINGER, _LINGER
            for _ in range(_LINGER_READS):
                self.connection.settimeout(left)
                if not self.connection.recv(65_536):
                    break
                left = max(ends - time.monotonic(), 0.001)

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


def netloc(host: str) -> str:
    """Write a host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)
