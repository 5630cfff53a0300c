"""The header of a request, and sending it once more, as honestly as before."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from requests import cookies
from requests.adapters import BaseAdapter
from requests.exceptions import UnrewindableBodyError
from requests.utils import rewind_body, super_len
from urllib3.exceptions import HTTPError

from ._value import Secret

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

    from .token import Token

#: The bytes of a 401 that are kept. An API says what is wrong in far less.
_ENOUGH = 65_536


class Bearer(Secret):
    """The header's value (RFC 6750 2.1), which is left out of pickles.

    A response holds its request: what caches responses on a disk would
    otherwise keep tokens there, refused ones in the history among them.
    """

    __slots__ = ()

    def __new__(cls, token: Token) -> Bearer:
        return super().__new__(cls, f"Bearer {token.access_token}")

    def __deepcopy__(self, memo: object) -> Bearer:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return str, ("Bearer ***",)


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


def send_again(
    response: Response, authorization: str, kwargs: dict[str, Any]
) -> Response:
    """Send the response's request once more, with another token.

    :param kwargs: How it was sent: ``timeout``, ``verify``, ``proxies``...
    """
    _finish(response)
    first = response.request
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
    return second


def _finish(response: Any) -> None:
    """Read a 401 to its end, so that its connection can be used again.

    A body that is long, stalls or breaks off costs the connection, no more.
    """
    if response.raw is None:
        return  # from an adapter that has no connections
    if response._content is False:  # nobody has read it before
        kept = bytearray()
        with suppress(OSError, HTTPError):  # requests' errors are OSErrors
            for block in response.iter_content(4096):
                kept += block
                if len(kept) >= _ENOUGH:
                    break
        response._content = bytes(kept)
    response.close()


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
