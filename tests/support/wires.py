"""Bare requests to the sandbox."""

from __future__ import annotations

import socket
from http.client import HTTPResponse


def sends(wire: socket.socket, *lines: str, host: str | None = None) -> None:
    """Send a request line, the ``Host`` header and these headers."""
    address = "{}:{}".format(*wire.getpeername())
    head = [lines[0], f"Host: {host or address}", *lines[1:], "", ""]
    wire.sendall("\r\n".join(head).encode())


def answer_on(wire: socket.socket) -> tuple[int, str]:
    """Read the next response. The status is 0 if the connection ends first."""
    response = HTTPResponse(wire)
    try:
        response.begin()
    except (ConnectionError, TimeoutError):
        return 0, ""
    return response.status, response.read().decode()
