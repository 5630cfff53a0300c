"""The flow of httpx, and of its fork httpx2."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, MutableMapping
from typing import TYPE_CHECKING, Any, ClassVar

from .._errors import SignOnRequiredError
from .._header import MASKED
from . import FlowAuth, log_body, log_refusal

if TYPE_CHECKING:
    from .._header import Bearer
    from .._token import Token


class HttpxFlow(FlowAuth):
    """Attaches the token to requests of either library.

    httpx follows redirects inside the flow. The answer may therefore be
    somebody else's: ``response.request`` says whose.
    """

    #: The library, and its headers with a token.
    library: ClassVar[Any]
    headers_with_token: ClassVar[Any]

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Send a request of a ``Client``; after a 401 once more."""
        if not self.gets_token(request.url):
            yield request
            return
        token = self.source.token()
        response = yield self._with_token(request, token)
        if self._has_lost_token(response):
            response = yield self._once_more(response, token)
        if not self._is_refused(response, token):
            return
        try:
            new = self.source.token(instead_of=token)
        except SignOnRequiredError as error:
            log_refusal(error)
            return
        if self._can_send_again(response):
            response = yield self._once_more(response, new)
            self._look_at_last(response, new)

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Send a request of an ``AsyncClient``; after a 401 once more."""
        from .waiting import token_of

        if not self.gets_token(request.url):
            yield request
            return
        token = await token_of(self.source)
        response = yield self._with_token(request, token)
        if self._has_lost_token(response):
            response = yield self._once_more(response, token)
        if not self._is_refused(response, token):
            return
        try:
            new = await token_of(self.source, instead_of=token)
        except SignOnRequiredError as error:
            log_refusal(error)
            return
        if self._can_send_again(response):
            response = yield self._once_more(response, new)
            self._look_at_last(response, new)

    def _with_token(self, request: Any, token: Token) -> Any:
        request.headers = self.headers_with_token(request.headers, self.bearer(token))
        return request

    def _once_more(self, response: Any, token: Token) -> Any:
        """Return a copy: the history has the request as it was sent before."""
        first = response.request
        request = self.library.Request(
            first.method,
            first.url,
            headers=first.headers,
            stream=first.stream,
            extensions=first.extensions,
        )
        if "Set-Cookie" in response.headers:  # as httpx.DigestAuth does
            # response.cookies would remain, and could not be pickled.
            cookies = self.library.Cookies()
            cookies.extract_cookies(response)
            cookies.set_cookie_header(request)
        return self._with_token(request, token)

    def _has_lost_token(self, response: Any) -> bool:
        """Whether a redirect within the API led to a 401, for want of a token.

        No redirect takes the token with it: httpx would send it to all paths
        of the host.
        """
        request = response.request
        return (
            response.status_code == 401
            and "Authorization" not in request.headers
            and not isinstance(request.headers, self.headers_with_token)
            and self.guard[str(request.url)]
            and can_send_again(request, self.library.ByteStream)
        )

    def _is_refused(self, response: Any, token: Token) -> bool:
        return self._is_of(response, token) and self.is_to_be_renewed(
            token, response.status_code
        )

    def _is_of(self, response: Any, token: Token) -> bool:
        """Whether this answers a request with the token."""
        header: str | None = response.request.headers.get("Authorization")
        return header == self.bearer(token)

    def _can_send_again(self, response: Any) -> bool:
        if can_send_again(response.request, self.library.ByteStream):
            return True
        log_body()
        return False

    def _look_at_last(self, response: Any, token: Token) -> None:
        if self._is_of(response, token):
            self.look_at_second(token, response.status_code)


def can_send_again(request: Any, byte_stream: Any) -> bool:
    """Whether a request's body can be sent again byte for byte."""
    stream = request.stream
    if isinstance(stream, byte_stream):
        return True
    fields = getattr(stream, "fields", None)  # multipart, of files and values
    if not isinstance(fields, list):
        return False
    if not all(_can_rewind(getattr(field, "file", b"")) for field in fields):
        return False
    # A file that has grown or shrunk no longer matches Content-Length.
    announced: str | None = request.headers.get("Content-Length")
    length: str | None = stream.get_headers().get("Content-Length")
    return announced == length


def _can_rewind(file: Any) -> bool:
    """Whether httpx reads the same again. It begins each time at 0."""
    if isinstance(file, (bytes, str)):
        return True
    try:
        return bool(file.seekable())
    except (AttributeError, ValueError):  # ValueError: it is closed
        return False


class TokenHeaders(MutableMapping[str, str]):
    """Headers whose copies have no token.

    httpx follows a redirect with a copy, and keeps the token in it within a
    host. The token is for some of a host's paths only.
    """

    #: The library's class, which is a base of the subclass.
    plain: ClassVar[Any]
    _bearer: Bearer | None = None

    def __init__(self, headers: Any, bearer: Bearer) -> None:
        super().__init__(headers)  # type: ignore[call-arg]  # the library's class
        self.pop("Authorization", None)
        self._bearer = bearer

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """What is sent."""
        raw: list[tuple[bytes, bytes]] = self.plain(self).raw
        if self._bearer is not None:
            raw.append((b"Authorization", self._bearer.encode()))
        return raw

    def multi_items(self) -> list[tuple[str, str]]:
        """Return names and values; httpx masks this one's in a ``repr``."""
        items: list[tuple[str, str]] = self.plain(self).multi_items()
        if self._bearer is not None:
            items.append(("authorization", self._bearer))
        return items

    def _is_token(self, name: object) -> bool:
        return self._bearer is not None and str(name).lower() == "authorization"

    def __contains__(self, name: object) -> bool:
        return self._is_token(name) or name in self.plain(self)

    def __getitem__(self, name: str) -> str:
        if self._is_token(name):
            return str(self._bearer)
        return super().__getitem__(name)

    def __setitem__(self, name: str, value: str) -> None:
        if self._is_token(name):
            self._bearer = None
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        if self._is_token(name):
            self._bearer = None
        else:
            super().__delitem__(name)

    def __reduce__(self) -> tuple[Any, ...]:
        items = self.plain(self).multi_items()
        if self._bearer is not None:
            items.append(("authorization", MASKED))
        return self.plain, (items,)
