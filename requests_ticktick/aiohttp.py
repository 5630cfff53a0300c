"""The token for aiohttp, by way of a middleware of its client.

::

    session = aiohttp.ClientSession(middlewares=[TickTickMiddleware()])
    await session.get("https://api.ticktick.com/open/v1/project")
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

try:
    from aiohttp import BytesPayload, ClientError, ClientHandlerType
except ImportError as error:
    raise ImportError(
        "requests_ticktick.aiohttp needs aiohttp 3.12 or newer: "
        "pip install 'requests-ticktick[aiohttp]'"
    ) from error

from yarl import URL

from ._auth import TickTickAuth
from ._errors import SignOnRequiredError, TickTickAuthError
from ._flow import FlowAuth, log_body, log_refusal
from ._flow.waiting import token_of
from ._source.failures import shareable

if TYPE_CHECKING:
    from aiohttp import ClientRequest, ClientResponse
    from typing_extensions import Self

    from ._token import Token

#: Where this task is redirected to by the answer to a request that was sent
#: again. aiohttp calls the middleware anew for each redirect of a call.
_goes_on_at: ContextVar[URL | None] = ContextVar("_goes_on_at", default=None)


class TickTickMiddleware:
    """Attaches a valid bearer token to requests of aiohttp for the API.

    Nothing blocks the event loop. The total time-out of a call, which is 300
    seconds by default, includes the wait for a sign-on.

    :param auth: Whose token it is: any
        :class:`requests_ticktick.TickTickAuth`, which is shared. Or give what
        the constructor of that class takes.
    """

    def __init__(
        self, auth: TickTickAuth | str | None = None, *args: Any, **options: Any
    ) -> None:
        if not isinstance(auth, TickTickAuth):
            auth = TickTickAuth(auth, *args, **options)
        #: The auth, with all that one does: ``token()``, ``sign_on()``...
        self.auth = FlowAuth.of(auth)

    @classmethod
    def of(cls, auth: TickTickAuth) -> Self:
        """Return a middleware that shares the token of an auth."""
        return cls(FlowAuth.of(auth))

    async def __call__(
        self, request: ClientRequest, handler: ClientHandlerType
    ) -> ClientResponse:
        """Send a request; after a 401 once more."""
        was_sent_again = _goes_on_at.get() == request.url
        _goes_on_at.set(None)
        if not self.auth.gets_token(request.url):
            return await handler(request)
        with _errors_kept():
            token = await token_of(self.auth.source)
        response = await self._send(request, handler, token)
        if self.auth.is_to_be_renewed(token, response.status) and not was_sent_again:
            new = await self._token_for_second(request, response, token)
            if new is not None:
                response.release()
                response = await self._send(request, handler, new)
                self.auth.look_at_second(new, response.status)
                was_sent_again = True
        if was_sent_again:
            _goes_on_at.set(_target_of(response))
        return response

    async def _send(
        self, request: ClientRequest, handler: ClientHandlerType, token: Token
    ) -> ClientResponse:
        request.headers["Authorization"] = self.auth.bearer(token)
        return await handler(request)

    async def _token_for_second(
        self, request: ClientRequest, response: ClientResponse, refused: Token
    ) -> Token | None:
        """Return another token, if the request can be sent again with it."""
        try:
            with _errors_kept():
                token = await token_of(self.auth.source, instead_of=refused)
        except SignOnRequiredError as error:
            log_refusal(error)
            return None
        except BaseException:
            response.close()  # the caller gets the exception, not the response
            raise
        body = request.body
        if body and not isinstance(body, BytesPayload):
            log_body()  # a file, or a generator
            return None
        return token


def _target_of(response: ClientResponse) -> URL | None:
    """Return where a redirect leads to; ``None`` if it is none."""
    location = response.headers.get("Location")
    if not 300 <= response.status < 400 or location is None:
        return None
    try:
        return response.url.join(URL(location))
    except ValueError:
        return None


@contextmanager
def _errors_kept() -> Iterator[None]:
    """Raise our errors as errors of aiohttp as well, like those of requests.

    aiohttp would make a ``ClientOSError`` of them, since they are OSErrors.
    """
    try:
        yield
    except TickTickAuthError as error:
        whole: Any = shareable(error)  # others may get the error itself
        kind: Any = type(whole)
        whole.__class__ = _as_client_error(kind)
        raise whole.with_traceback(error.__traceback__) from error.__cause__


@functools.cache
def _as_client_error(kind: Any) -> Any:
    """Return a subclass that aiohttp lets pass. It is pickled as the class."""

    def reduce(error: TickTickAuthError) -> Any:
        return kind, *kind.__reduce__(error)[1:]

    names = {"__module__": kind.__module__, "__reduce__": reduce}
    return type(kind.__name__, (kind, ClientError), names)
