"""Answers that are here in time, as a whole, and fit into memory.

requests has a time-out for connecting, and one between two reads: a server
that sends a byte a second meets both for days. A megabyte that it sends may
unpack to a gigabyte.
"""

from __future__ import annotations

import contextvars
import io
import logging
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import requests
from requests.adapters import BaseAdapter

#: Bytes of an answer, unpacked. A token response has some hundreds.
MAX_BYTES = 1_048_576

#: Bytes at a time: a reader looks at the time after each.
_BLOCK = 64

#: Seconds. Where Ctrl-C interrupts no wait (Windows), it is heard after this.
_MOMENT = 0.2

#: Whether what runs is a token request.
_sending: contextvars.ContextVar[bool] = contextvars.ContextVar(
    "requests_ticktick.sending", default=False
)

T = TypeVar("T")


class Punctual(BaseAdapter):
    """Another adapter, whose answers are here within a time, or not at all.

    :param adapter: It stays open.
    :param deadline: Seconds.
    """

    def __init__(self, adapter: BaseAdapter, deadline: float) -> None:
        super().__init__()
        self._adapter = adapter
        self._deadline = deadline

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Send the request, and wait for all of the answer."""
        end = time.monotonic() + self._deadline
        return _within(
            self._deadline, lambda: self._exchange(end, request, *args, **kwargs)
        )

    def close(self) -> None:
        """Leave the other adapter to its session."""

    def _exchange(
        self, end: float, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        sending = _sending.set(True)
        try:
            response = self._adapter.send(request, *args, **kwargs)
            with response:
                body = _read(response, end)
        finally:
            _sending.reset(sending)
        response.raw = io.BytesIO(body)
        return response


def _read(response: requests.Response, end: float) -> bytes:
    """Return the body, or nothing where it is too long or spoilt."""
    body = bytearray()
    try:
        for block in _unpacked(response):
            body += block
            if len(body) > MAX_BYTES:
                return b""
            if time.monotonic() > end:
                raise requests.Timeout("the answer is not whole in time")
    except zlib.error:
        return b""
    return bytes(body)


def _unpacked(response: requests.Response) -> Iterable[bytes]:
    """Yield the body in blocks that fit into memory.

    Nobody asked for compression; some servers compress all the same. urllib3
    before 2.6 would unpack as much as there is at once. What is packed in
    another way than zlib's comes as it is, and is no JSON.
    """
    raw = response.raw
    if hasattr(raw, "stream"):
        blocks = raw.stream(_BLOCK, decode_content=False)
    else:
        blocks = iter(lambda: raw.read(_BLOCK), b"")
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("gzip", "x-gzip", "deflate"):
        yield from blocks
        return
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 32)  # the header tells which
    for block in blocks:
        yield unpacking.decompress(block, MAX_BYTES + 1)


def _says_nothing_of_headers(record: logging.LogRecord) -> bool:
    """Whether urllib3 does not quote a line of the token endpoint's.

    It warns of lines that are no headers, whatever they repeat.
    """
    return not (_sending.get() and "parse headers" in str(record.msg))


for _name in ("urllib3.connection", "urllib3.connectionpool"):  # as of 2, and before
    logging.getLogger(_name).addFilter(_says_nothing_of_headers)


def _within(seconds: float, function: Callable[[], T]) -> T:
    """Call a function in a thread, and wait for it so long.

    Nothing else ends the wait of any adapter, wherever it is. The thread goes
    on until its next read, a server that drips a head until that is over.

    :raises requests.Timeout: It has not returned yet.
    """
    results: list[T] = []
    errors: list[BaseException] = []
    context = contextvars.copy_context()

    def call() -> None:
        try:
            results.append(context.run(function))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=call, name="requests-ticktick", daemon=True)
    if not _starts(thread):
        return function()  # which looks at the time between its reads
    end = time.monotonic() + seconds
    while thread.is_alive():
        left = end - time.monotonic()
        if left <= 0:
            raise requests.Timeout("the answer is not here in time")
        thread.join(min(left, _MOMENT))
    if errors:
        raise errors.pop()
    return results.pop()


def _starts(thread: threading.Thread) -> bool:
    if sys.is_finalizing():
        return False  # it would never run, and start() would wait for it
    try:
        thread.start()
    except RuntimeError:
        return False  # the interpreter ends, or the system has no more threads
    return True
