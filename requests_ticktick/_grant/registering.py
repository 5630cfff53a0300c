"""The authorization code grant of a client that registers itself."""

from __future__ import annotations

import copy
import socket
import threading
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

import requests

from .._client import Client
from .._errors import (
    AuthorizationDeniedError,
    SignOnError,
    StateMismatchError,
    TickTickAuthError,
    TokenEndpointError,
)
from .._service import Service
from .._stamp import REGISTERED, Stamp
from .._token import Token
from .._value import PerProcess, Recent
from . import AuthorizationCodeGrant
from .registration import register
from .request import AuthorizationRequest


class RegisteringGrant(AuthorizationCodeGrant):
    """Obtains tokens as a configured client, else as one that it registers.

    The token has the client's id and its redirect URI, so that whoever finds
    it uses that client as well. The service's metadata stay as they are: only
    a person's sign-on registers.

    :param service: The service's endpoints.
    :param client: The app's credentials, if there is an app.
    :param scope: The scopes to request, as a list or separated by spaces.
    :param session: Sends the requests, by its proxies and certificates.
    :param client_name: What a person is shown who is asked for access.
    """

    def __init__(
        self,
        service: Service,
        client: Client,
        *,
        scope: str | Iterable[str],
        session: requests.Session | None = None,
        client_name: str,
    ) -> None:
        super().__init__(service, client, scope=scope, session=session)
        self.terms = (*self.terms, client_name)
        self._client_name = client_name
        self._lock = PerProcess(threading.Lock)
        # The last client that was registered here, and whether no sign-on has
        # used it before; the ids that the service may not know any more.
        self._last: Client | None = None
        self._is_new = False
        self._doubtful = Recent[str | None, bool]()

    @property
    def registers(self) -> bool:
        """Whether no client is configured."""
        return self._client.client_id is None

    @property
    def stamp(self) -> Stamp:
        """Return whose tokens this grant obtains."""
        known = super().stamp
        return Stamp(
            known.client_id,
            known.token_endpoint,
            known.scope,
            is_local=known.is_local,
            is_registered=self.registers,
        )

    def begin(self, kept: Iterable[Token] = ()) -> AuthorizationRequest:
        """Return a new authorization request, of a known client or a new one.

        :param kept: Tokens, some of which may name a client.
        :raises RegistrationError: There is no client, and none was registered.
        """
        if not self.registers:
            return super().begin()
        with self._lock.get():
            client = next(self._usable(kept), None)
            self._is_new = client is None
            if client is None:
                client = self._last = self._register()
        return self._as(client).begin()

    def begin_again(
        self, request: AuthorizationRequest, error: TickTickAuthError
    ) -> AuthorizationRequest | None:
        """Begin once more as a new client, if the service forgot the last.

        Its authorization page may say so to the person, and never redirect.
        Then the next sign-on registers a client.
        """
        client_id = request.client_id
        if not self.registers or self._is_new or client_id is None:
            return None
        if _names_an_unknown_client(error):
            self._doubtful.note(client_id, True)
            return self.begin()
        told = (AuthorizationDeniedError, StateMismatchError)
        if isinstance(error, SignOnError) and not isinstance(error, told):
            self._doubtful.note(client_id, True)
        return None

    def exchange(
        self, request: AuthorizationRequest, redirected_url: str, *, now: float
    ) -> Token:
        """Exchange the code as the client that requested it."""
        if not self.registers:
            return super().exchange(request, redirected_url, now=now)
        asked = [getattr(request, name, None) for name in ("client_id", "redirect_uri")]
        client = Client(asked[0] or "unknown", None, asked[1])
        token = self._as(client).exchange(request, redirected_url, now=now)
        return _marked(token, client)

    def refresh(self, token: Token, *, now: float) -> Token | None:
        """Use a refresh token as the client that it was issued to."""
        if not self.registers:
            return super().refresh(token, now=now)
        client = _client_of(token)
        if client is None:
            return None  # its client may have a secret
        try:
            renewed = self._as(client).refresh(token, now=now)
        except TokenEndpointError as error:
            if not _names_an_unknown_client(error):
                raise
            self._doubtful.note(client.require_id(), True)
            return None
        return None if renewed is None else _marked(renewed, client)

    def _usable(self, kept: Iterable[Token]) -> Iterator[Client]:
        clients = [self._last, *map(_client_of, kept)]
        for client in clients:
            if client is None or self._doubtful.recall(client.client_id):
                continue
            uri = self._client.redirect_uri
            if client.redirect_uri == uri or (
                uri is None and _can_listen(str(client.redirect_uri))
            ):
                yield client

    def _register(self) -> Client:
        uri = self._client.redirect_uri
        if uri is None:
            uri = _with_free_port(self._service.default_redirect_uri)
        client_id = register(
            self._service,
            uri,
            client_name=self._client_name,
            scope=self._scope,
            session=self._session,
        )
        return Client(client_id, None, uri)

    def _as(self, client: Client) -> AuthorizationCodeGrant:
        public = copy.copy(self._service)
        public._set(token_endpoint_auth_method="none", code_challenge_method="S256")
        return AuthorizationCodeGrant(
            public, client, scope=self._scope, session=self._session
        )


def _names_an_unknown_client(error: TickTickAuthError) -> bool:
    """Whether the service does not know the client (RFC 6749 5.2)."""
    if isinstance(error, TokenEndpointError) and error.status_code == 401:
        return True  # TickTick sends a page
    return getattr(error, "error", None) in ("invalid_client", "unauthorized_client")


def _client_of(token: Token) -> Client | None:
    """Return the client that registered itself and got this token."""
    client_id, uri = Stamp.of(token).client_id, token.extra.get(REGISTERED)
    if client_id and isinstance(uri, str) and uri:
        return Client(client_id, None, uri)
    return None


def _marked(token: Token, client: Client) -> Token:
    mark = {"client_id": client.client_id, REGISTERED: client.redirect_uri}
    return token.replace(extra={**token.extra, **mark})


def _with_free_port(uri: str) -> str:
    """Return the URI, with another port if its own is in use."""
    if _can_listen(uri):
        return uri
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"http://127.0.0.1:{port}{urlsplit(uri).path}"


def _can_listen(uri: str) -> bool:
    """Whether the URI's port is free, or nothing has to listen there."""
    try:
        parts = urlsplit(uri)
        if parts.scheme != "http":
            return True
        host = parts.hostname or ""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        socket.create_server((host, parts.port or 80), family=family).close()
    except (OSError, ValueError):
        return False
    return True
