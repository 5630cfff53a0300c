"""What is let in: requests under our own name, of our own pages, of a size.

A web page that a developer visits can have the browser send requests to the
loopback interface. What it cannot do is to forge ``Host`` and ``Origin``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message
from http import HTTPStatus
from io import BufferedIOBase
from urllib.parse import urlsplit

#: The longest body, in bytes. TickTick's own requests are of a few kilobytes.
MAX_BODY = 1_048_576

#: The longest line between two chunks, and how many of them end a body.
_MAX_LINE, _MAX_TRAILERS = 256, 64

_READING = ("GET", "HEAD", "OPTIONS")


class RefusalError(Exception):
    """A request that is answered at the door, and not read to its end.

    :param status: Of the answer.
    :param reason: What the answer says.
    """

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Door:
    """Knows the names of the server.

    :param netloc: The address that it listens on, in brackets if it has to be.
    """

    def __init__(self, netloc: str, port: int) -> None:
        self._home = f"http://{netloc}:{port}"
        names = {netloc.lower(), "localhost", "127.0.0.1", "[::1]"}
        self._names = {f"{name}:{port}" for name in names}
        if port == 80:  # which a browser leaves out (RFC 9110 4.2.1)
            self._names |= names

    def check(self, method: str, target: str, headers: Message) -> None:
        """Let a request in, before its body is read.

        :param target: As it stands in the request line.
        :raises RefusalError: It is not for us, of another site, or too large.
        """
        hosts = headers.get_all("Host", [])
        if len(hosts) != 1:  # RFC 9112 3.2
            raise RefusalError(HTTPStatus.BAD_REQUEST, "A request has one Host header.")
        self._require_our_name(hosts[0])
        if not target.startswith("/"):  # RFC 9112 3.2.2: then it has the host as well
            try:
                parts = urlsplit(target)
            except ValueError:
                raise RefusalError(
                    HTTPStatus.BAD_REQUEST, "That is no address."
                ) from None
            self._require_our_name(parts.netloc or hosts[0])
        if method not in _READING:
            self._require_our_page(headers)
        _length(headers)

    def _require_our_name(self, host: str) -> None:
        # A name of somebody's own may lead here (DNS rebinding).
        if host.strip().lower() not in self._names:
            raise RefusalError(
                HTTPStatus.MISDIRECTED_REQUEST, f"The sandbox is at {self._home} alone."
            )

    def _require_our_page(self, headers: Message) -> None:
        """Refuse what a page of another site has the browser send."""
        origin = headers.get("Origin")
        is_ours = origin is None or (
            origin.startswith("http://") and origin[7:].lower() in self._names
        )
        if not is_ours or headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
            raise RefusalError(
                HTTPStatus.FORBIDDEN, "Another site's page may not do this here."
            )


def read_body(headers: Message, stream: BufferedIOBase) -> bytes:
    """Read the body that follows the headers, and no more of it than we take.

    :raises RefusalError: It is too large, or none (RFC 9112 6).
    """
    length = _length(headers)
    if length is None:
        return b"".join(_chunks(stream))
    body = stream.read(length)
    if len(body) < length:
        raise RefusalError(HTTPStatus.BAD_REQUEST, "The body ended early.")
    return body


def _length(headers: Message) -> int | None:
    """Return how long the body is; ``None`` where it comes in chunks."""
    lengths = headers.get_all("Content-Length", [])
    encodings = headers.get_all("Transfer-Encoding", [])
    if encodings and not lengths and [e.lower() for e in encodings] == ["chunked"]:
        return None
    if encodings or len(lengths) > 1 or not re.fullmatch("[0-9]*", "".join(lengths)):
        # RFC 9112 6.3: two answers, and somebody may go by the other one.
        raise RefusalError(
            HTTPStatus.BAD_REQUEST, "It is unclear how long the body is."
        )
    digits = "".join(lengths).lstrip("0") or "0"
    if len(digits) > 9 or int(digits) > MAX_BODY:
        raise _too_large()
    return int(digits)


def _chunks(stream: BufferedIOBase) -> Iterator[bytes]:
    """Yield the chunks of a body (RFC 9112 7.1)."""
    total = 0
    while True:
        size = _line(stream).partition(b";")[0].strip()
        if not re.fullmatch(b"[0-9a-fA-F]{1,8}", size):
            raise RefusalError(HTTPStatus.BAD_REQUEST, "That is no chunk.")
        total += int(size, 16)
        if total > MAX_BODY:
            raise _too_large()
        if int(size, 16) == 0:
            break
        chunk = stream.read(int(size, 16))
        if len(chunk) < int(size, 16) or _line(stream):
            raise RefusalError(HTTPStatus.BAD_REQUEST, "A chunk ended early.")
        yield chunk
    for _ in range(_MAX_TRAILERS):
        if not _line(stream):
            return
    raise RefusalError(HTTPStatus.BAD_REQUEST, "The body has no end.")


def _line(stream: BufferedIOBase) -> bytes:
    line = stream.readline(_MAX_LINE)
    if not line.endswith(b"\n"):
        raise RefusalError(HTTPStatus.BAD_REQUEST, "A line of the body has no end.")
    return line.rstrip(b"\r\n")


def _too_large() -> RefusalError:
    return RefusalError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The sandbox takes bodies of {MAX_BODY} bytes at most.",
    )
