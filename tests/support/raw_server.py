"""A server that says exactly the bytes that a test has it say."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress


class RawServer:
    """Hands each request to a function, and hangs up after that.

    :param answer: Called with a connection and the request; what it returns is
        sent, if it returns anything.
    :param tls: A server's context, for ``https``.
    """

    def __init__(self, answer, *, tls=None):
        self._answer, self._tls = answer, tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self.port = self._listener.getsockname()[1]
        self.scheme = "http" if tls is None else "https"
        self.requests = []
        #: Set when a whole request has come, and when the server closes.
        self.asked, self.closed = threading.Event(), threading.Event()

    def url(self, path=""):
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    def __enter__(self):
        self._listening.start()
        return self

    def __exit__(self, *_):
        self.closed.set()
        # On Linux, closing alone does not end an accept().
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._listening.join(10)

    def _listen(self):
        with suppress(OSError):
            while True:
                args = self._listener.accept()[:1]
                threading.Thread(target=self._serve, args=args, daemon=True).start()

    def _serve(self, connection):
        with suppress(OSError), connection:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                request = self._receive(connection)
                self.requests.append(request)
                self.asked.set()
                said = self._answer(connection, request)
                if said is not None:
                    connection.sendall(said)

    def _receive(self, connection):
        """Read a whole request."""
        received, length = b"", 0
        while b"\r\n\r\n" not in received or len(received) < length:
            block = connection.recv(65_536)
            if not block:
                raise ConnectionError("the client hung up")
            received += block
            head, _, _ = received.partition(b"\r\n\r\n")
            found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            length = len(head) + 4 + (int(found[1]) if found else 0)
        return received


def answer(status=200, body=b"{}", **headers):
    """Return the bytes of an answer; ``_`` in a header's name is a hyphen."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {text}" for name, text in headers.items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


class Greeter(RawServer):
    """Speaks first."""

    def _receive(self, connection):
        return b""
