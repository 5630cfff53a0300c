"""An adapter that limits how long a response takes and how large it is.

requests has time-outs for connecting and between two reads. A server that
sends one byte a second keeps both for days. A compressed megabyte may expand
to a gigabyte.
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

#: Bytes of a decompressed response. A token response has some hundreds.
MAX_BYTES = 1_048_576

#: Bytes in one read. The deadline is checked after each.
_BLOCK_BYTES = 64

#: Seconds between two checks for Ctrl-C, which does not interrupt a wait on
#: Windows.
_INTERRUPT_CHECK_SECONDS = 0.2

#: Whether the current context sends a token request.
_sending: contextvars.ContextVar[bool] = contextvars.ContextVar(
    "requests_ticktick.sending", default=False
)

T = TypeVar("T")


class DeadlineAdapter(BaseAdapter):
    """Sends requests through another adapter, and limits the time they take.

    :param adapter: The other adapter, which stays open.
    :param deadline: Seconds until the whole response must have arrived.
    """

    def __init__(self, adapter: BaseAdapter, deadline: float) -> None:
        super().__init__()
        self._adapter = adapter
        self._deadline = deadline

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Send the request and return the whole response."""
        end = time.monotonic() + self._deadline
        return _call_within(
            self._deadline, lambda: self._exchange(end, request, *args, **kwargs)
        )

    def close(self) -> None:
        """Leave the other adapter open: it belongs to a session."""

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
    """Return the body, or no bytes if it is too long or damaged."""
    body = bytearray()
    try:
        for block in _decompressed(response):
            body += block
            if len(body) > MAX_BYTES:
                return b""
            if time.monotonic() > end:
                raise requests.Timeout("the response was incomplete at the deadline")
    except zlib.error:
        return b""
    return bytes(body)


def _decompressed(response: requests.Response) -> Iterable[bytes]:
    """Yield the body in blocks of limited size.

    Some servers compress although the request did not ask for it. urllib3
    before 2.6 does not limit how far it decompresses. A body in a coding other
    than zlib's is returned unchanged, and is then not JSON.
    """
    raw = response.raw
    if hasattr(raw, "stream"):
        blocks = raw.stream(_BLOCK_BYTES, decode_content=False)
    else:
        blocks = iter(lambda: raw.read(_BLOCK_BYTES), b"")
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("gzip", "x-gzip", "deflate"):
        yield from blocks
        return
    decompressor = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib header
    for block in blocks:
        yield decompressor.decompress(block, MAX_BYTES + 1)


def _is_not_header_warning(record: logging.LogRecord) -> bool:
    """Whether a log record may be shown during a token request.

    urllib3 warns of malformed header lines and quotes them, and such a line
    may repeat a secret.
    """
    return not (_sending.get() and "parse headers" in str(record.msg))


for _name in ("urllib3.connection", "urllib3.connectionpool"):  # urllib3 2 and 1.26
    logging.getLogger(_name).addFilter(_is_not_header_warning)


def _call_within(seconds: float, function: Callable[[], T]) -> T:
    """Call a function in a thread, and wait for its result.

    Only a thread ends the wait of an arbitrary adapter. The thread itself goes
    on until its next read, or until the last header of a slow server.

    :raises requests.Timeout: The function has not returned in time.
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
        return function()  # it checks the deadline between its reads
    end = time.monotonic() + seconds
    while thread.is_alive():
        left = end - time.monotonic()
        if left <= 0:
            raise requests.Timeout("no response arrived before the deadline")
        thread.join(min(left, _INTERRUPT_CHECK_SECONDS))
    if errors:
        raise errors.pop()
    return results.pop()


def _starts(thread: threading.Thread) -> bool:
    if sys.is_finalizing():
        return False  # it would never run, and start() would wait for ever
    try:
        thread.start()
    except RuntimeError:
        return False  # Python is exiting, or the system has no more threads
    return True
