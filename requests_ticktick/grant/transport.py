"""One POST whose answer is there in time, as a whole, and fits into memory.

requests has a time-out for connecting, and one between two reads: a server
that sends a byte a second meets both for days. A megabyte that it sends may
unpack to a gigabyte.
"""

from __future__ import annotations

import contextlib
import contextvars
import io
import logging
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.util import Retry

#: A code is good once: what was sent is not sent again (RFC 6749 4.1.2). A
#: connection that was refused has sent nothing.
RETRY = Retry(
    total=None, connect=2, read=0, redirect=0, status=0, other=0, backoff_factor=0.2
)

#: Bytes of an answer, unpacked. A token response has some hundreds.
MAX_BYTES = 1_048_576

#: Bytes at a time, so that a reader that nobody waits for notices soon.
_BLOCK = 512

#: Seconds. Where Ctrl-C interrupts no wait (Windows), it is heard after this.
_MOMENT = 0.2

#: Whether what runs is a token request.
_sending: contextvars.ContextVar[bool] = contextvars.ContextVar(
    "requests_ticktick.sending", default=False
)

T = TypeVar("T")


def post(
    url: str,
    form: Mapping[str, str],
    *,
    headers: Mapping[str, str],
    auth: Callable[[requests.PreparedRequest], requests.PreparedRequest],
    session: requests.Session | None,
    timeout: tuple[float, float],
    deadline: float,
) -> requests.Response:
    """Send a form, and return the answer, redirect or not.

    :param session: Its adapter, proxies, certificates and headers apply. Its
        hooks, auth, parameters and cookies are for other requests.
    :param timeout: Seconds to connect, and between two reads.
    :param deadline: Seconds for all of it.
    :raises requests.Timeout: It took longer.
    """
    with contextlib.ExitStack() as stack:
        if session is None:
            session = stack.enter_context(_session_for(url))
        merged = CaseInsensitiveDict(session.headers)
        for name in ("Authorization", "Cookie"):
            merged.pop(name, None)
        merged.update(headers)
        merged["Accept-Encoding"] = "identity"
        # Prepared without a session: nothing of one gets into it.
        request = requests.Request(
            "POST", url, headers=merged, data=form, auth=auth
        ).prepare()
        settings = session.merge_environment_settings(url, {}, True, None, None)
        carrier = stack.enter_context(
            _Carrier(_Punctual(session.get_adapter(url), deadline))
        )
        return carrier.send(request, timeout=timeout, allow_redirects=False, **settings)


def _session_for(url: str) -> requests.Session:
    session = requests.Session()
    # No proxy leads to this machine's own loopback address.
    session.trust_env = url.startswith("https:")
    session.mount("https://", HTTPAdapter(max_retries=RETRY))
    session.mount("http://", HTTPAdapter(max_retries=RETRY))
    return session


class _Carrier(requests.Session):
    """A session of one adapter.

    What mocks and traces requests takes the place of ``Session.send``.
    """

    def __init__(self, adapter: BaseAdapter) -> None:
        super().__init__()
        self.trust_env = False  # the other session has looked
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow no redirect, nor look where it leads.

        A 307 would carry code and secret there; and to look, requests reads
        the body, however long it is.
        """


class _Punctual(BaseAdapter):
    """Another adapter, whose answers are here within a time, or not at all.

    :param adapter: It stays open.
    :param deadline: Seconds.
    """

    def __init__(self, adapter: BaseAdapter, deadline: float) -> None:
        super().__init__()
        self._adapter = adapter
        self._deadline = deadline
        self._late = False

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Send the request, and wait for all of the answer."""
        try:
            return _within(
                self._deadline, lambda: self._exchange(request, *args, **kwargs)
            )
        except BaseException:
            self._late = True
            raise

    def close(self) -> None:
        """Leave the other adapter to its session."""

    def _exchange(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        sending = _sending.set(True)
        try:
            response = self._adapter.send(request, *args, **kwargs)
            with response:
                body = self._read(response)
        finally:
            _sending.reset(sending)
        response.raw = io.BytesIO(body)
        return response

    def _read(self, response: requests.Response) -> bytes:
        """Return the body, or nothing where it is too long or spoilt."""
        body = b""
        try:
            for block in _unpacked(response):
                body += block
                if self._late or len(body) > MAX_BYTES:
                    return b""
        except zlib.error:
            return b""
        return body


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
        blocks = response.iter_content(_BLOCK)
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

    Only so can any adapter's wait be left. The thread ends with its next read,
    with the answer's head at the latest, or with the process.

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
    try:
        if sys.is_finalizing():
            raise RuntimeError("too late for a thread")
        thread.start()
    except RuntimeError:
        # The interpreter ends, or the system has no more threads: there is
        # nothing but the time-outs between reads then.
        return function()
    end = time.monotonic() + seconds
    while thread.is_alive():
        left = end - time.monotonic()
        if left <= 0:
            raise requests.Timeout(f"no whole answer within {seconds:g} seconds")
        thread.join(min(left, _MOMENT))
    if errors:
        raise errors.pop()
    return results.pop()
