"""The response hook, and how a request is sent a second time."""

from __future__ import annotations

import _socket
import sys
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

from ._header import Bearer, ResentBearer, register_with_yaml

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

    from ._auth import TickTickAuth
    from ._header import Guard
    from ._token import Token

#: Bytes of a 401's body that are kept. Error messages are far shorter.
_MAX_BODY_BYTES = 65_536

#: Seconds allowed for reading a 401's body.
BODY_SECONDS = 10.0

#: Content codings that inflate 1 KiB to at most 1 MiB. urllib3 before 2.6 does
#: not limit how far it inflates the others.
_BOUNDED_CODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})

#: A refusal, and redirects. All other responses are the caller's alone.
_HANDLED = frozenset({401, *REDIRECT_STATI})

#: Logged where a 401 goes back to the caller although there is a token.
CANNOT_SEND_TWICE = (
    "The API refused the token. There is a new one, but the body of this request "
    "cannot be sent twice: make the call again."
)


class ResponseHook:
    """The response hook shared by all requests that carry one token."""

    __slots__ = ("auth", "header", "token")

    def __init__(self, auth: TickTickAuth, token: Token) -> None:
        self.auth = auth
        self.token = token
        self.header = Bearer(token)

    def __call__(self, response: Response, **kwargs: Any) -> Response:
        # vcrpy saves the header later, and may have been imported after it.
        if "yaml.representer" in sys.modules:
            register_with_yaml()
        if response.status_code in _HANDLED:
            return self._handle(response, **kwargs)
        return response

    def _handle(self, response: Response, **kwargs: Any) -> Response:
        if response.status_code == 401:
            return self.auth.handle_401(self.token, response, **kwargs)
        from ._redirect import prepare_redirect  # few responses redirect

        prepare_redirect(response.request, response, self.auth.guard)
        return response

    def stands(self, status: int) -> bool:
        """Whether this answer of the API stands, and no renewal would help.

        :param status: The HTTP status, of whichever client.
        """
        return False

    def __deepcopy__(self, memo: object) -> ResponseHook:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # A pickled response includes its request and the request's hooks.
        # This one has done its work, and its auth knows the client secret.
        return _InertHook, ()


class _InertHook:
    """Takes the place of a pickled hook, and leaves responses unchanged."""

    def __call__(self, response: Response, **kwargs: Any) -> None:
        """Do nothing."""


def can_send_again(response: Response) -> bool:
    """Whether the response's request can be sent again byte for byte.

    If so, its body has been rewound.
    """
    if not isinstance(getattr(response, "connection", None), BaseAdapter):
        return False  # no adapter: the response was made by hand, or unpickled
    request: Any = response.request
    body = request.body
    if body is None or isinstance(body, (str, bytes, bytearray, memoryview)):
        return True
    try:
        rewind_body(request)
        length = super_len(body)
    except (UnrewindableBodyError, ValueError):  # ValueError: a closed file
        return False
    # A file that has grown or shrunk no longer matches Content-Length.
    announced: str = request.headers.get("Content-Length", "0")
    return announced == str(length)


def send_again(
    response: Response, token: Token, kwargs: dict[str, Any], guard: Guard
) -> Response:
    """Send the response's request again with another token.

    :param kwargs: The adapter's arguments: ``timeout``, ``verify``,
        ``proxies``...
    :param guard: Whether the token may follow a redirect that answers it.
    """
    _release(response)
    first, authorization = response.request, ResentBearer(token)
    request = first.copy()
    request.headers["Authorization"] = authorization
    _update_cookies(request, response)
    began = time.perf_counter()
    connection: Any = response.connection  # set by the adapter
    second: Response = connection.send(request, **kwargs)
    second.elapsed = timedelta(seconds=time.perf_counter() - began)
    second.history.append(response)
    second.request = request
    if second.is_redirect:
        # requests follows the redirect with a copy of the first request, which
        # therefore gets the new token. The history keeps a copy with the old.
        response.request = first.copy()
        first.headers["Authorization"] = authorization
        from ._redirect import prepare_redirect

        prepare_redirect(first, second, guard)
    return second


def _release(response: Any) -> None:
    """Read a 401 to its end, so that its connection can be reused.

    If the body is too long, too slow or incomplete, the connection is closed
    instead.
    """
    if response.raw is None:
        return  # from an adapter that has no connections
    if response._content is False:  # no hook has read the body
        response._content = _start_of_body(response)
    response.close()


def _start_of_body(response: Response) -> bytes:
    if response.headers.get("Content-Encoding", "").lower() not in _BOUNDED_CODINGS:
        return b""
    # The call's own time-out, if any, starts anew with each byte.
    deadline = threading.Timer(BODY_SECONDS, shut_down, [response.raw])
    deadline.daemon = True
    body = b""
    with suppress(RuntimeError):  # no thread can be started, as at exit
        deadline.start()
        with suppress(Exception):  # eventlet's EOFError, an adapter's own...
            for block in response.iter_content(1024):
                body += block
                if len(body) >= _MAX_BODY_BYTES:
                    break
        deadline.cancel()
    return body


def shut_down(raw: Any) -> None:
    """End a read in another thread. Closing would wait for that thread."""
    with suppress(Exception):  # the read has ended, or there is no socket
        # Not socket.socket: eventlet's takes the descriptor for a new one.
        connection = _socket.socket(fileno=raw.fileno())
        try:
            connection.shutdown(_socket.SHUT_RDWR)
        finally:
            connection.detach()


def _update_cookies(request: PreparedRequest, response: Response) -> None:
    """Send the response's cookies, unless the caller set the header."""
    library: Any = cookies
    jar: Any = request._cookies
    sent = request.headers.pop("Cookie", None)
    from_jar = library.get_cookie_header(jar, request)
    library.extract_cookies_to_jar(jar, response.request, response.raw)
    header = library.get_cookie_header(jar, request) if sent == from_jar else sent
    if header is not None:
        request.headers["Cookie"] = header
