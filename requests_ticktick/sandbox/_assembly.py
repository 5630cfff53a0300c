"""The sandbox, put together from its parts, and started and stopped."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from types import TracebackType

from .._service import Service, is_loopback
from ._clients import Clients
from ._consent import SandboxSignOn
from ._controls import Controls
from ._faults import Faults
from ._ledger import Ledger
from ._policy import Policy
from ._request_log import RequestLog
from ._web_app import create_app
from ._web_server import WebServer, free_port, netloc

#: 180 days less a second, as TickTick's tokens have it.
TOKEN_LIFETIME_SECONDS = 15551999

#: TickTick's secrets have such characters, and careless encoding spoils them.
_AWKWARD_CHARACTERS = "^(%2F)!*&~+/"


class Sandbox(Controls):
    """A TickTick on a loopback port, from ``start()`` to ``stop()``.

    As a context manager it starts and stops itself. Its settings can be
    changed at any time: ``sandbox.expires_in = 90``. Codes, tokens, lists,
    tasks, counters and the port survive a stop and a start.

    :param host: A loopback address.
    :param port: ``0`` for any free port.
    :param client_id: The registered app's id; made up by default.
    :param client_secret: Its secret; made up by default.
    :param redirect_uri: Its redirect URI; by default an address with a free
        port on the same host.
    :param public: Whether the app has no secret and uses PKCE.
    :param auth_method: The client authentication method that :attr:`service`
        names, ``client_secret_basic`` by default. ``none`` makes the client
        public. The server accepts the other methods alike.
    :param code_challenge_method: The PKCE method that :attr:`service` names,
        ``S256`` by default. The server demands PKCE of a public client only,
        and checks the verifier of any client that has sent a challenge.
    :param expires_in: The lifetime of an access token in seconds; ``None``
        issues tokens that state no lifetime and do not expire.
    :param reissue: Whether a second sign-on returns the access token that is
        still alive, with the rest of its lifetime.
    :param refresh_tokens: Whether refresh tokens are issued and accepted.
    :param clock: Returns epoch seconds. Codes and tokens expire by it.
    :raises ValueError: ``host`` is not a loopback address, or a public client
        was given a secret or an authentication method.
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
        expires_in: int | None = TOKEN_LIFETIME_SECONDS,
        reissue: bool = False,
        refresh_tokens: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not is_loopback(host):
            raise ValueError(f"{host!r} is not a loopback address")
        method = auth_method or ("none" if public else "client_secret_basic")
        policy = Policy(
            client_id=client_id or f"sandbox{secrets.token_hex(6)}",
            client_secret=_client_secret(client_secret, method, public),
            redirect_uris=[redirect_uri or _free_redirect_uri(host)],
            expires_in=expires_in,
            reissue=reissue,
            refresh_tokens=refresh_tokens,
            clock=clock,
        )
        parts = policy, Clients(policy), Ledger(policy), Faults(), RequestLog()
        super().__init__(*parts)
        self._app = create_app(*parts)
        self._auth_method = method
        self._code_challenge_method = code_challenge_method
        self._host, self._port = host, port
        self._web_server: WebServer | None = None

    def start(self) -> None:
        """Start to listen.

        :raises OSError: The port is taken.
        """
        if self._web_server is not None:
            raise RuntimeError("The sandbox is running already")
        self._faults.resume_delays()
        self._web_server = WebServer(self._app, self._host, self._port)
        self._port = self._web_server.port

    def stop(self) -> None:
        """Free the port, and hang up on all clients, waiting ones too."""
        web_server, self._web_server = self._web_server, None
        if web_server is not None:
            web_server.close()
            self._faults.end_delays()
            web_server.join()

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
        state = "stopped" if self._web_server is None else "running"
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
            [self.url("/open/")],
            revocation_endpoint=self.url("/oauth/revoke"),
            registration_endpoint=self.url("/oauth/register"),
            token_endpoint_auth_method=self._auth_method,
            code_challenge_method=(
                "S256" if self.public else self._code_challenge_method
            ),
        )

    @property
    def sign_on(self) -> SandboxSignOn:
        """A sign-on that grants what it is asked for, without a browser."""
        return SandboxSignOn()


def _client_secret(given: str | None, auth_method: str, public: bool) -> str | None:
    if public and auth_method != "none":
        raise ValueError(f"A public client cannot use {auth_method}")
    if auth_method != "none":
        return given or f"{_AWKWARD_CHARACTERS}{secrets.token_urlsafe(18)}"
    if given is not None:
        raise ValueError("A public client has no secret")
    return None


def _free_redirect_uri(host: str) -> str:
    return f"http://{netloc(host)}:{free_port(host)}/callback"
