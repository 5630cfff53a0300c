"""The hook that meets a 401, and sending a request once more, honestly."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from requests import cookies
from requests.adapters import BaseAdapter
from requests.exceptions import UnrewindableBodyError
from requests.models import REDIRECT_STATI
from requests.utils import rewind_body, super_len
from urllib3.exceptions import HTTPError

from ._header import Bearer, Kept, SentAgain

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

    from .auth import TickTickAuth
    from .token import Token

#: The bytes of a 401 that are kept. An API says what is wrong in far less.
_MAX_BYTES = 65_536

#: Seconds that its body may take.
_DEADLINE = 10.0

#: Content codings of which 1 KiB inflates to 1 MiB at most. Others may inflate
#: without bounds, where urllib3 is older than 2.6.
_INFLATE_LITTLE = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})


class Answer401:
    """The response hook of all requests that carry one token."""

    __slots__ = ("auth", "header", "token")

    def __init__(self, auth: TickTickAuth, token: Token) -> None:
        self.auth = auth
        self.token = token
        self.header = Bearer(token)

    def __call__(self, response: Response, **kwargs: Any) -> Response:
        status = response.status_code
        if status == 401:
            return self.auth.handle_401(self.token, response, **kwargs)
        if status in REDIRECT_STATI:
            response.request.headers = Kept(response.request.headers)
        return response

    def __deepcopy__(self, memo: object) -> Answer401:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # A pickled response holds its request, and that its hooks. They have
        # done their work; the client secret does not belong in there.
        return _Done, ()


class _Done:
    """A hook that leaves every response as it is."""

    def __call__(self, response: Response, **kwargs: Any) -> None:
        """Do nothing."""


def can_send_again(response: Response) -> bool:
    """Whether the response's request can be sent once more, byte for byte.

    Its body is then back where it began.
    """
    if not isinstance(getattr(response, "connection", None), BaseAdapter):
        return False  # no adapter has sent it: it was made up, or pickled
    request: Any = response.request
    body = request.body
    if body is None or isinstance(body, (str, bytes, bytearray, memoryview)):
        return True
    try:
        rewind_body(request)
        length = super_len(body)
    except (UnrewindableBodyError, ValueError):  # ValueError: it was closed
        return False
    # A file that has grown or shrunk is another body than the one announced.
    announced: str = request.headers.get("Content-Length", "0")
    return announced == str(length)


def send_again(response: Response, token: Token, kwargs: dict[str, Any]) -> Response:
    """Send the response's request once more, with another token.

    :param kwargs: How it was sent: ``timeout``, ``verify``, ``proxies``...
    """
    _finish(response)
    first, authorization = response.request, SentAgain(token)
    request = first.copy()
    request.headers["Authorization"] = authorization
    _take_cookies(request, response)
    began = time.perf_counter()
    connection: Any = response.connection  # set by the adapter
    second: Response = connection.send(request, **kwargs)
    second.elapsed = timedelta(seconds=time.perf_counter() - began)
    second.history.append(response)
    second.request = request
    if second.is_redirect:
        # requests goes on with a copy of the first request: that one is to
        # have the new token, and the history the one that was sent.
        response.request = first.copy()
        first.headers["Authorization"] = authorization
        first.headers = Kept(first.headers)
    return second


def _finish(response: Any) -> None:
    """Read a 401 to its end, so that its connection can be used again.

    A body that is long, stalls, drips or breaks off costs the connection, no
    more.
    """
    if response.raw is None:
        return  # from an adapter that has no connections
    if response._content is False:  # nobody has read it before
        response._content = _beginning_of(response)
    response.close()


def _beginning_of(response: Response) -> bytes:
    if response.headers.get("Content-Encoding", "").lower() not in _INFLATE_LITTLE:
        return b""
    # The call's own time-out, if it has one, counts from byte to byte.
    deadline = threading.Timer(_DEADLINE, _hang_up, [response.raw])
    deadline.daemon = True
    kept = b""
    with suppress(RuntimeError):  # no more threads, as at the interpreter's exit
        deadline.start()
        with suppress(OSError, HTTPError):  # requests' errors are OSErrors
            for block in response.iter_content(1024):
                kept += block
                if len(kept) >= _MAX_BYTES:
                    break
        deadline.cancel()
    return kept


def _hang_up(raw: Any) -> None:
    """End a read that another thread waits in. To close would wait as well."""
    with suppress(Exception):  # it has ended by itself, or has no socket
        connection = socket.socket(fileno=raw.fileno())
        try:
            connection.shutdown(socket.SHUT_RDWR)
        finally:
            connection.detach()


def _take_cookies(request: PreparedRequest, response: Response) -> None:
    """Take over the response's cookies, unless the caller wrote the header."""
    library: Any = cookies
    jar: Any = request._cookies
    sent = request.headers.pop("Cookie", None)
    from_jar = library.get_cookie_header(jar, request)
    library.extract_cookies_to_jar(jar, response.request, response.raw)
    header = library.get_cookie_header(jar, request) if sent == from_jar else sent
    if header is not None:
        request.headers["Cookie"] = header
