"""The plugin: a header on the way out, one answer to a 401 on the way in."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from requests.auth import AuthBase

from ._defaults import LEEWAY_SECONDS, SCOPE, default_store
from ._header import Bearer, SentAgain
from ._replay import Answer401, can_send_again, send_again
from ._value import discreet
from .client import Client
from .elsewhere import Elsewhere
from .errors import SignOnRequiredError
from .grant import AuthorizationCodeGrant, AuthorizationRequest
from .owner import handed_over, is_of
from .service import DIDA365, TICKTICK, Service
from .sign_on import automatic, refuse
from .source import TokenSource
from .stores import MemoryStore, TokenStore
from .token import Token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from requests import PreparedRequest, Response, Session

logger = logging.getLogger("requests_ticktick")


class TickTickAuth(AuthBase):
    """Attaches a valid bearer token, signing on for one where need be.

    Nothing happens until the first request: no file is opened, no browser, and
    with a token in the store no client secret is needed. One object may serve
    any number of sessions and threads. A pickle of it holds what was passed
    here, the client secret included, and what a :class:`MemoryStore` keeps.

    :param client_id: The app's id, or ``$TICKTICK_CLIENT_ID``.
    :param client_secret: Its secret, or ``$TICKTICK_CLIENT_SECRET``.
    :param redirect_uri: As registered, letter for letter; by default
        ``$TICKTICK_REDIRECT_URI``, or ``service.default_redirect_uri``.
    :param scope: The scopes to ask for, a list or separated by spaces.
    :param store: Where the token is kept. By default ``$TICKTICK_TOKEN`` is
        read, then a private file, which is written.
    :param sign_on: How a person is asked. By default a listener on the
        redirect URI, or the console; nobody, where nobody can be there.
    :param service: ``TICKTICK``, ``DIDA365`` or one's own.
    :param leeway: How long before its expiry a token is renewed, in seconds.
    :param session: Carries the token requests, for proxies and certificates.
    """

    def __init__(
        self,
        client_id: str | None = None,
        client_secret: str | None = None,
        redirect_uri: str | None = None,
        *,
        scope: str | Iterable[str] = SCOPE,
        store: TokenStore | None = None,
        sign_on: Callable[[AuthorizationRequest], str] | None = None,
        service: Service = TICKTICK,
        leeway: float = LEEWAY_SECONDS,
        session: Session | None = None,
    ) -> None:
        if store is None:
            store = default_store()
        client = Client(client_id, client_secret, redirect_uri)
        self._service, self._elsewhere = service, Elsewhere(service)
        self.source = TokenSource(
            store,
            AuthorizationCodeGrant(service, client, scope=scope, session=session),
            automatic if sign_on is None else sign_on,
            leeway=leeway,
        )
        self._answer: Answer401 | None = None

    @classmethod
    @discreet
    def from_token(
        cls, token: str | Token, *, service: Service | None = None
    ) -> TickTickAuth:
        """Use a token that is there already, such as a personal API token.

        :param token: ``tp_...``, or ``dp_...`` on Dida365.
        :param service: By default the one that the token's prefix names.
        :raises InvalidTokenError: It cannot be a token.
        """
        given = handed_over(token)
        if service is None:
            service = DIDA365 if is_of(DIDA365, given) else TICKTICK
        return cls(store=MemoryStore(given), sign_on=refuse, service=service)

    def token(self) -> Token:
        """Return a valid token, signing on if need be.

        :raises TickTickAuthError: There is none, and none was to be had.
        """
        return self.source.token()

    def sign_on(self, force: bool = False) -> Token:
        """Sign on now, unless there is a valid token; with ``force``, anyway.

        :raises TickTickAuthError: It failed.
        """
        return self.source.sign_on(force=force)

    def begin_sign_on(self) -> AuthorizationRequest:
        """Begin a sign-on in two steps, as a web application needs it.

        Send the person to ``.url``; keep the request (``.to_dict()``) in the
        person's session until they come back.

        :raises SignOnRequiredError: The client's id or secret is missing.
        """
        return self.source.begin()

    @discreet
    def complete_sign_on(
        self, request: AuthorizationRequest, redirected_url: str
    ) -> Token:
        """End the sign-on that :meth:`begin_sign_on` began, in any process.

        :param redirected_url: The URL that the person came back with.
        :raises SignOnError: It does not carry the code of this very sign-on.
        :raises TokenEndpointError: The code was not accepted.
        """
        return self.source.complete(request, redirected_url)

    def forget(self) -> None:
        """Drop the token from memory, and from every store that has it."""
        self._answer = None
        self.source.forget()

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Attach the token, if the request goes to the service's API."""
        if not self._service.is_api_url(r.url):
            self._elsewhere.tell(r.url)
            return r
        token = self.source.token()
        answer = self._answer
        if answer is None or answer.token is not token:
            # Made once a token: requests are many, tokens are few.
            answer = self._answer = Answer401(self, token)
        r.headers["Authorization"] = answer.header
        hooks = r.hooks["response"]
        if hooks:
            hooks[:] = [hook for hook in hooks if not isinstance(hook, Answer401)]
        hooks.append(answer)
        return r

    def handle_401(self, token: Token, response: Response, **kwargs: Any) -> Response:
        """Answer a 401 once: send the same request again, with another token.

        :param token: What the request was sent with.
        :param kwargs: How it was sent: ``timeout``, ``verify``, ``proxies``...
        :returns: The second response, or the 401 where there is no way.
        """
        request = response.request
        header = request.headers.get("Authorization")
        # requests keeps hooks across redirects: without this, a foreign 401
        # would be answered with the token.
        if (
            response.status_code != 401
            or header != Bearer(token)
            or isinstance(header, SentAgain)
            or not self._service.is_api_url(request.url)
        ):
            return response
        try:
            token = self.source.token(instead_of=token)
        except SignOnRequiredError as error:
            logger.warning("The API refuses the token. %s", error)
            return response
        except BaseException:
            response.close()  # nobody else will: the caller never sees it
            raise
        if not can_send_again(response):
            logger.warning(
                "The API refused the token. There is a new one, but this request "
                "cannot be sent twice: make the call again."
            )
            return response
        second = send_again(response, token, kwargs)
        if second.status_code == 401:
            self.source.refused_at_once(token)
        return second

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_answer": None}

    def __repr__(self) -> str:
        return f"<TickTickAuth {self._service.authorization_endpoint}>"
