"""Which requests the server lets in: by their host, their origin, their size.

Any web page that a developer visits can make the browser send requests to the
loopback interface. It cannot make the browser forge ``Host`` and ``Origin``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message
from http import HTTPStatus
from io import BufferedIOBase
from urllib.parse import urlsplit

#: The longest body. Requests to TickTick have a few kilobytes.
MAX_BODY_BYTES = 1_048_576

#: The methods that only read (RFC 9110 9.2.1).
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

#: The longest line of a chunked body, and the number of trailers after it.
_MAX_LINE_BYTES, _MAX_TRAILERS = 256, 64


class RefusalError(Exception):
    """The server refuses a request, and does not read it to its end.

    :param status: The response's status.
    :param reason: The response's text.
    """

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Door:
    """Lets in the requests that are addressed to this server.

    :param netloc: The server's loopback address; an IPv6 address in brackets.
    :param port: The server's port.
    """

    def __init__(self, netloc: str, port: int) -> None:
        self._home = f"http://{netloc}:{port}"
        names = {netloc.lower(), "localhost", "127.0.0.1", "[::1]"}
        self._names = {f"{name}:{port}" for name in names}
        if port == 80:  # browsers leave it out (RFC 9110 4.2.1)
            self._names |= names

    def check(self, method: str, target: str, headers: Message) -> None:
        """Check a request before its body is read.

        :param target: The target of the request line.
        :raises RefusalError: The request names another host, was sent by
            another site's page, or is too large.
        """
        hosts = headers.get_all("Host", [])
        if len(hosts) != 1:  # RFC 9112 3.2
            raise RefusalError(
                HTTPStatus.BAD_REQUEST, "A request must have one Host header."
            )
        self._require_our_name(hosts[0])
        if not target.startswith("/"):  # it may be a whole URL (RFC 9112 3.2.2)
            try:
                parts = urlsplit(target)
            except ValueError:
                raise RefusalError(
                    HTTPStatus.BAD_REQUEST, "The address cannot be read."
                ) from None
            self._require_our_name(parts.netloc or hosts[0])
        if method not in SAFE_METHODS:
            self._require_our_page(headers)
        _length(headers)

    def _require_our_name(self, host: str) -> None:
        # Anybody can make a name of their own resolve to here (DNS rebinding).
        if host.strip().lower() not in self._names:
            raise RefusalError(
                HTTPStatus.MISDIRECTED_REQUEST, f"The sandbox is at {self._home} only."
            )

    def _require_our_page(self, headers: Message) -> None:
        """Refuse what another site's page makes the browser send."""
        is_ours = all(
            origin.startswith("http://") and origin[7:].lower() in self._names
            for origin in headers.get_all("Origin", [])
        )
        sites = {site.lower() for site in headers.get_all("Sec-Fetch-Site", [])}
        if not is_ours or not sites.isdisjoint(("cross-site", "same-site")):
            raise RefusalError(
                HTTPStatus.FORBIDDEN, "Another site's page must not do this."
            )


def read_body(headers: Message, stream: BufferedIOBase) -> bytes:
    """Read the body that follows the headers.

    :raises RefusalError: The body is too large or malformed (RFC 9112 6).
    """
    length = _length(headers)
    if length is None:
        return b"".join(_chunks(stream))
    body = stream.read(length)
    if len(body) < length:
        raise RefusalError(HTTPStatus.BAD_REQUEST, "The body ended early.")
    return body


def _length(headers: Message) -> int | None:
    """Return the length of the body in bytes; ``None`` for a chunked one."""
    lengths = headers.get_all("Content-Length", [])
    encodings = headers.get_all("Transfer-Encoding", [])
    if encodings and not lengths and [e.lower() for e in encodings] == ["chunked"]:
        return None
    if encodings or len(lengths) > 1 or not re.fullmatch("[0-9]*", "".join(lengths)):
        # Another party may go by the other length (RFC 9112 6.3).
        raise RefusalError(
            HTTPStatus.BAD_REQUEST, "The length of the body is ambiguous or invalid."
        )
    digits = "".join(lengths).lstrip("0") or "0"
    if len(digits) > 9 or int(digits) > MAX_BODY_BYTES:
        raise _too_large()
    return int(digits)


def _chunks(stream: BufferedIOBase) -> Iterator[bytes]:
    """Yield the chunks of a body (RFC 9112 7.1)."""
    total = 0
    while True:
        size = _line(stream).partition(b";")[0].strip()
        if not re.fullmatch(b"[0-9a-fA-F]{1,8}", size):
            raise RefusalError(HTTPStatus.BAD_REQUEST, "A chunk has no valid size.")
        total += int(size, 16)
        if total > MAX_BODY_BYTES:
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
    raise RefusalError(HTTPStatus.BAD_REQUEST, "The body has too many trailers.")


def _line(stream: BufferedIOBase) -> bytes:
    line = stream.readline(_MAX_LINE_BYTES)
    if not line.endswith(b"\n"):
        raise RefusalError(
            HTTPStatus.BAD_REQUEST, "A line of the chunked body is too long or cut off."
        )
    return line.rstrip(b"\r\n")


def _too_large() -> RefusalError:
    return RefusalError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The sandbox accepts bodies of at most {MAX_BODY_BYTES} bytes.",
    )
