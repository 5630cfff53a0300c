"""The requests plugin: it attaches the token, and retries once after a 401."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from requests.auth import AuthBase

from . import _defaults
from ._client import Client
from ._errors import SignOnRequiredError
from ._header import Bearer, Guard, ResentBearer
from ._operations import TokenOperations
from ._replay import CANNOT_SEND_TWICE, ResponseHook, can_send_again, send_again
from ._stamp import Stamp, token_from_program
from ._token import Token
from ._value import discreet, public

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from requests import PreparedRequest, Response, Session

    from ._grant.request import AuthorizationRequest
    from ._service import Service
    from ._source.events import Event
    from ._wrong_host import WrongHostWarning
    from .stores import TokenStore

logger = logging.getLogger("requests_ticktick")


@public
class TickTickAuth(TokenOperations, AuthBase):
    """Attaches a valid bearer token to requests for the API.

    The constructor does no I/O. The first request reads the store, and signs
    on if there is no usable token; a usable token needs no client secret. Any
    number of sessions and threads can share one object. A pickle of it
    contains the client secret and the token of a :class:`MemoryStore`.

    :param client_id: The app's id. Default: ``$TICKTICK_CLIENT_ID``.
    :param client_secret: Its secret. Default: ``$TICKTICK_CLIENT_SECRET``.
        A client without one is a public client, which PKCE protects.
    :param redirect_uri: The redirect URI, exactly as registered. Default:
        ``$TICKTICK_REDIRECT_URI``, then ``service.default_redirect_uri``.
    :param scope: The scopes to request, as a list or separated by spaces.
    :param store: Where the token is kept. Default: ``$TICKTICK_TOKEN``, which
        is only read, then a private file.
    :param sign_on: How a person is asked for access. Default: a browser and a
        listener on the redirect URI, or the console. Nobody is asked where no
        person can be present.
    :param service: ``TICKTICK``, ``DIDA365`` or your own. Default:
        ``$TICKTICK_SERVICE``, then ``TICKTICK``.
    :param profile: One of several accounts: ``store=FileStore(profile=...)``.
        Default: the private file is ``$TICKTICK_PROFILE``'s.
    :param leeway: Seconds before its expiry at which a token is renewed.
    :param session: Sends the token requests, by its proxies and certificates.
    :param register: Whether a sign-on registers a client (RFC 7591) where no
        id is given; or the program's name, for the person who is asked.
    :param on_event: Is called with an :class:`Event` when a token is found,
        renewed, about to expire... No lock is held meanwhile.
    :raises TypeError: ``store``, ``leeway`` or ``on_event`` has the wrong
        type.
    :raises ValueError: ``leeway`` is negative, infinite or NaN; there is both
        a store and a profile; or a variable names no service or profile.
    """

    def __init__(
        self,
        client_id: str | None = None,
        client_secret: str | None = None,
        redirect_uri: str | None = None,
        scope: str | Iterable[str] = _defaults.SCOPE,
        *,
        store: TokenStore | None = None,
        sign_on: Callable[[AuthorizationRequest], str] | None = None,
        service: Service | None = None,
        profile: str | None = None,
        leeway: float = _defaults.LEEWAY_SECONDS,
        session: Session | None = None,
        register: bool | str = False,
        on_event: Callable[[Event], object] | None = None,
    ) -> None:
        from ._source import TokenSource  # a program may import us, and make none

        store = _defaults.chosen_store(store, profile)
        service = _defaults.default_service() if service is None else service
        _defaults.check_leeway(leeway)
        client = Client(client_id, client_secret, redirect_uri)
        self._service, self.guard = service, Guard(service)
        self.source = TokenSource(
            store,
            _defaults.grant_for(service, client, scope, session, register),
            sign_on,
            leeway=leeway,
            on_event=on_event,
        )
        self._hook: ResponseHook | None = None
        self._wrong_host: WrongHostWarning | None = None

    @classmethod
    @discreet
    def from_token(
        cls, token: str | Token, *, service: Service | None = None
    ) -> TickTickAuth:
        """Use an existing token, such as a personal API token.

        :param token: ``tp_...``, or ``dp_...`` on Dida365.
        :param service: The service to call. Default: the one that the token's
            stamp or prefix names, then as above.
        :raises InvalidTokenError: The value cannot be a token.
        """
        from ._sign_on import refuse
        from .stores import MemoryStore

        given = token_from_program(token)
        if service is None:
            service = _defaults.service_of(given)
        return cls(store=MemoryStore(given), sign_on=refuse, service=service)

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Attach the token if the request goes to the service's API."""
        if not self.guard[r.url]:
            self._explain_absence(r.url)
            return r
        token = self.source.token()
        hook = self._hook
        if hook is None or hook.token is not token:
            # One hook serves all requests that carry the same token.
            hook = self._hook = self._hook_for(token)
        r.headers["Authorization"] = hook.header
        hooks = r.hooks["response"]
        if hooks:
            hooks[:] = [other for other in hooks if not isinstance(other, ResponseHook)]
        hooks.append(hook)
        return r

    def _explain_absence(self, url: str | None) -> None:
        """Log why a request gets no token, if that may surprise somebody."""
        if self._wrong_host is None:
            from ._wrong_host import WrongHostWarning

            self._wrong_host = WrongHostWarning(self._service)
        self._wrong_host.log(url)

    def _hook_for(self, token: Token) -> ResponseHook:
        if not Stamp.of(token).is_registered:
            return ResponseHook(self, token)
        from ._first_use import FirstUse

        return FirstUse(self, token, self._service)

    def handle_401(self, token: Token, response: Response, **kwargs: Any) -> Response:
        """Send a request that got a 401 again, once, with another token.

        :param token: The token that the request was sent with.
        :param kwargs: The adapter's: ``timeout``, ``verify``, ``proxies``...
        :returns: The second response, or the 401 if there is no other token or
            the request cannot be sent twice.
        """
        request = response.request
        header = request.headers.get("Authorization")
        # requests keeps hooks across redirects. Without these checks, another
        # server's 401 would be answered with the token.
        if (
            response.status_code != 401
            or header != Bearer(token)
            or isinstance(header, ResentBearer)
            or not self.guard[request.url]
        ):
            return response
        try:
            token = self.source.token(instead_of=token)
        except SignOnRequiredError as error:
            logger.warning("The API refused the token. %s", error)
            return response
        except BaseException:
            response.close()  # the caller gets the exception, not the response
            raise
        if not can_send_again(response):
            logger.warning(CANNOT_SEND_TWICE)
            return response
        second = send_again(response, token, kwargs, self.guard)
        if second.status_code == 401:
            self.source.refused_at_once(token)
        return second

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_hook": None}

    def __repr__(self) -> str:
        return f"<TickTickAuth {self._service.authorization_endpoint}>"
