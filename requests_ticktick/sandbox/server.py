"""The sandbox: what a test, or a demonstration, holds in its hands."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from types import TracebackType

from ..service import Service, is_loopback
from .app import create_app
from .board import Board
from .controls import Controls
from .listener import Listener, free_port, netloc
from .sign_on import SandboxSignOn

#: 180 days less a second, as TickTick's.
EXPIRES_IN = 15551999

#: Characters that TickTick's secrets have and careless encoding spoils.
_AWKWARD = "^(%2F)!*&~+/"


class Sandbox(Controls):
    """A TickTick on a loopback port, from ``start()`` to ``stop()``.

    A context manager. The attributes of
    :class:`~requests_ticktick.sandbox.policy.Policy` can be assigned to at any
    time: ``sandbox.expires_in = 90``. Codes, tokens, lists and counters
    survive a stop and a start, and so does the port.

    :param host: A loopback address.
    :param port: ``0`` for any free one.
    :param client_id: The registered app's id; made up by default.
    :param client_secret: Its secret; made up by default.
    :param redirect_uri: Its redirect URI; by default an address with a free
        port on the same host.
    :param public: Whether the app has no secret and uses PKCE.
    :param auth_method: What :attr:`service` says of the client's
        authentication, ``client_secret_basic`` by default. ``none`` makes
        the client public. The server takes the others alike.
    :param code_challenge_method: What :attr:`service` says of PKCE, ``S256``
        by default. The server demands it of a public client alone, and checks
        the verifier of whoever has sent a challenge.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        client_id: str | None = None,
        client_secret: str | None = None,
        redirect_uri: str | None = None,
        public: bool = False,
        auth_method: str | None = None,
        code_challenge_method: str | None = "S256",
        expires_in: int | None = EXPIRES_IN,
        reissue: bool = False,
        refresh_tokens: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not is_loopback(host):
            raise ValueError(f"{host!r} is not a loopback address")
        self._host, self._port = host, port
        self._auth_method = auth_method or ("none" if public else "client_secret_basic")
        self._code_challenge_method = code_challenge_method
        super().__init__(
            client_id=client_id or f"sandbox{secrets.token_hex(6)}",
            client_secret=_secret(client_secret, self._auth_method, public),
            redirect_uris=[redirect_uri or _free_redirect_uri(host)],
            expires_in=expires_in,
            reissue=reissue,
            refresh_tokens=refresh_tokens,
            clock=clock,
        )
        self._app = create_app(
            self, self._ledger, self._faults, self._observed, Board()
        )
        self._listener: Listener | None = None

    def start(self) -> None:
        """Listen.

        :raises OSError: The port is taken.
        """
        if self._listener is not None:
            raise RuntimeError("The sandbox is running already")
        self._faults.interrupt(False)
        self._listener = Listener(self._app, self._host, self._port)
        self._port = self._listener.port

    def stop(self) -> None:
        """End what is going on, delays included, and free the port."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
            self._faults.interrupt(True)
            listener.join()

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "stopped" if self._listener is None else "running"
        return f"<Sandbox {netloc(self._host)}:{self._port} {state}>"

    def url(self, path: str = "/") -> str:
        """Make a path an absolute URL: ``url("/open/v1/project")``.

        :raises RuntimeError: The sandbox has not been started yet.
        """
        if self._port == 0:
            raise RuntimeError(
                "Start the sandbox first: with Sandbox() as sandbox: ..."
            )
        return f"http://{netloc(self._host)}:{self._port}{path}"

    @property
    def service(self) -> Service:
        """Where the endpoints are, and how the client authenticates."""
        return Service(
            self.url("/oauth/authorize"),
            self.url("/oauth/token"),
            [self.url("")],
            token_endpoint_auth_method=self._auth_method,
            code_challenge_method=(
                "S256" if self.public else self._code_challenge_method
            ),
        )

    @property
    def redirect_uri(self) -> str:
        """The first registered redirect URI. Setting it registers no other."""
        return self.redirect_uris[0]

    @redirect_uri.setter
    def redirect_uri(self, value: str) -> None:
        self.redirect_uris = [value]

    @property
    def sign_on(self) -> SandboxSignOn:
        """A sign-on that grants what is asked for, without a browser."""
        return SandboxSignOn()


def _secret(given: str | None, auth_method: str, public: bool) -> str | None:
    if auth_method == "none":
        public = True
    elif public:
        raise ValueError(f"A public client cannot use {auth_method}")
    if not public:
        return given or f"{_AWKWARD}{secrets.token_urlsafe(18)}"
    if given is not None:
        raise ValueError("A public client has no secret")
    return None


def _free_redirect_uri(host: str) -> str:
    return f"http://{netloc(host)}:{free_port(host)}/callback"
