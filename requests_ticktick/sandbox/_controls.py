"""What a test can see and change while the sandbox runs."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from ._clients import Clients
from ._entries import Grant
from ._faults import RATE_LIMIT, Faults
from ._ledger import Ledger
from ._policy import SCOPES, Policy
from ._request_log import Received, RequestLog


def _setting(name: str, description: str) -> Any:
    """Make an attribute that is read from the policy, and written to it."""

    def read(controls: Controls) -> Any:
        return getattr(controls._policy, name)

    def write(controls: Controls, value: Any) -> None:
        setattr(controls._policy, name, value)

    return property(read, write, doc=description)


class Controls:
    """The settings, the counters, and the failures that a test can order.

    :param policy: The settings.
    :param clients: The clients that registered themselves.
    :param ledger: The codes and tokens that were issued.
    :param faults: The failures that are still to come.
    :param request_log: The requests that were received.
    """

    client_id: str = _setting("client_id", "The registered app's id.")
    client_secret: str | None = _setting(
        "client_secret", "Its secret; ``None`` for a public client."
    )
    redirect_uris: list[str] = _setting(
        "redirect_uris", "Its redirect URIs, matched character for character."
    )
    expires_in: int | None = _setting(
        "expires_in", "Seconds until an access token expires; ``None``: never."
    )
    reissue: bool = _setting(
        "reissue", "Whether a second sign-on returns the token that is alive."
    )
    refresh_tokens: bool = _setting(
        "refresh_tokens", "Whether refresh tokens are issued and accepted."
    )
    clock: Callable[[], float] = _setting(
        "clock", "Returns epoch seconds. Codes and tokens expire by it."
    )
    code_lifetime: float = _setting(
        "code_lifetime", "Seconds until an authorization code expires."
    )

    def __init__(
        self,
        policy: Policy,
        clients: Clients,
        ledger: Ledger,
        faults: Faults,
        request_log: RequestLog,
    ) -> None:
        self._policy = policy
        self._clients = clients
        self._ledger = ledger
        self._faults = faults
        self._request_log = request_log

    @property
    def public(self) -> bool:
        """Whether the client has no secret and must use PKCE instead."""
        return self._policy.public

    @property
    def redirect_uri(self) -> str:
        """The first registered redirect URI. Setting it leaves no other."""
        return self.redirect_uris[0]

    @redirect_uri.setter
    def redirect_uri(self, value: str) -> None:
        self.redirect_uris = [value]

    @property
    def authorizations(self) -> int:
        """How many times access was granted."""
        return self._ledger.codes_issued

    sign_ons = authorizations

    @property
    def token_requests(self) -> int:
        """How many requests the token endpoint received, failed ones too."""
        return self._request_log.count("token")

    @property
    def revocation_requests(self) -> int:
        """How many requests the revocation endpoint received."""
        return self._request_log.count("revoke")

    @property
    def registration_requests(self) -> int:
        """How many requests the registration endpoint received."""
        return self._request_log.count("register")

    @property
    def registered_clients(self) -> list[str]:
        """The ids of the clients that registered themselves, oldest first.

        The latest 1,000 are kept.
        """
        return self._clients.registered()

    def forget_clients(self) -> None:
        """Know none of the clients that registered themselves any more."""
        self._clients.forget()

    @property
    def api_calls(self) -> int:
        """How many requests the API received, failed ones too."""
        return self._request_log.count("api")

    @property
    def reuse_detected(self) -> int:
        """How many times a used refresh token was sent again."""
        return self._ledger.reuse_detected

    @property
    def received(self) -> list[Received]:
        """The latest requests to all endpoints, oldest first.

        At most 1,000 requests and 16 MiB are kept.
        """
        return self._request_log.received()

    @property
    def secrets(self) -> list[str]:
        """The client secret, and the codes and tokens that were issued.

        A test looks for them in logs and output, where none may appear. The
        list has all codes and tokens that still work, and the latest 10,000
        that were issued.
        """
        return [self.client_secret or "", *self._ledger.issued()]

    def issue_token(
        self, access_token: str | None = None, *, scope: str = " ".join(SCOPES)
    ) -> str:
        """Issue a token for :attr:`expires_in` seconds, without a sign-on.

        :param access_token: The token; by default one like TickTick's
            personal API tokens.
        :returns: The token.
        """
        value = access_token or f"tp_{uuid.uuid4().hex}"
        scopes = tuple(scope.split())
        grant = Grant(self.client_id, scopes)
        self._ledger.issue(value, grant, scopes, reissue=False)
        return value

    def revoke(self, access_token: str) -> bool:
        """Revoke one access token.

        :returns: Whether there was such a token, alive or expired.
        """
        return self._ledger.revoke(access_token)

    def revoke_all(self, *, refresh_tokens: bool = False) -> None:
        """Revoke all access tokens, and all refresh tokens if asked to."""
        self._ledger.revoke_all(refresh_tokens=refresh_tokens)

    def expire_all(self) -> None:
        """Let all access tokens that were issued expire now."""
        self._ledger.expire_all()

    def deny(self, times: int | None = 1) -> None:
        """Refuse the next consents with ``error=access_denied``.

        :param times: How many; ``None`` refuses all until ``deny(0)``.
        """
        self._faults.deny(times)

    def delay(self, seconds: float, endpoint: str = "token") -> None:
        """Delay every answer of an endpoint, until ``delay(0)``.

        :param endpoint: ``authorize``, ``token``, ``revoke``, ``register`` or
            ``api``.
        """
        self._faults.delay(seconds, endpoint)

    def fail(
        self,
        times: int,
        status: int,
        body: object = "",
        endpoint: str = "token",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer the next requests with this response, and do nothing else.

        :param times: How many requests.
        :param status: The HTTP status.
        :param body: A ``str`` or ``bytes`` is sent as HTML, anything else
            as JSON.
        :param endpoint: ``authorize``, ``token``, ``revoke``, ``register`` or
            ``api``.
        :param headers: Added to the response; ``Content-Type`` is replaced.
        """
        self._faults.fail(times, status, body, endpoint, headers)

    def rate_limit(self, times: int = 1) -> None:
        """Answer the next API calls as TickTick does beyond its rate limit."""
        self.fail(times, 500, RATE_LIMIT, "api")
