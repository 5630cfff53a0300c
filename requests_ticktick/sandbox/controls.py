"""What a test can see and change while the sandbox runs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from .faults import RATE_LIMIT, Faults
from .ledger import Grant, Ledger
from .observed import Observed, Received
from .policy import SCOPES, Policy


class Controls(Policy):
    """The counters, and what can be made to happen.

    Takes what :class:`Policy` takes.
    """

    def __init__(self, **policy: Any) -> None:
        super().__init__(**policy)
        self._ledger = Ledger(self)
        self._faults = Faults()
        self._observed = Observed()

    @property
    def authorizations(self) -> int:
        """How often access was granted."""
        return self._observed.count("granted")

    sign_ons = authorizations

    @property
    def token_requests(self) -> int:
        """How many requests the token endpoint got, whatever it answered."""
        return self._observed.count("token")

    @property
    def api_calls(self) -> int:
        """How many requests the API got, whatever it answered."""
        return self._observed.count("api")

    @property
    def reuse_detected(self) -> int:
        """How often a refresh token came that had been used before."""
        return self._ledger.reuse_detected

    @property
    def received(self) -> list[Received]:
        """The latest requests to all three endpoints, oldest first.

        1,000 at most, and 16 MiB of them.
        """
        return self._observed.received()

    @property
    def secrets(self) -> list[str]:
        """The client secret, and the codes and tokens that were issued.

        What a test looks for in logs and output, where none may appear. All
        that are good for something, and the latest 10,000 whatever they are.
        """
        return [self.client_secret or "", *self._ledger.issued()]

    def issue_token(
        self, access_token: str | None = None, *, scope: str = " ".join(SCOPES)
    ) -> str:
        """Issue a token without a sign-on, for :attr:`expires_in` seconds.

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

        :returns: Whether it was alive, or expired at least.
        """
        return self._ledger.revoke(access_token)

    def revoke_all(self, *, refresh_tokens: bool = False) -> None:
        """Revoke every access token, and every refresh token if asked to."""
        self._ledger.revoke_all(refresh_tokens=refresh_tokens)

    def expire_all(self) -> None:
        """Let every access token that was issued expire now."""
        self._ledger.expire_all()

    def deny(self, times: int | None = 1) -> None:
        """Refuse the next consents with ``error=access_denied``.

        :param times: How many; ``None``: all, until ``deny(0)``.
        """
        self._faults.deny(times)

    def delay(self, seconds: float, endpoint: str = "token") -> None:
        """Take that long over every request, until ``delay(0)``.

        :param endpoint: ``authorize``, ``token`` or ``api``.
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
        """Answer the next calls with this. They do nothing else.

        :param body: A ``str`` or ``bytes`` is sent as HTML, anything else
            as JSON.
        :param endpoint: ``authorize``, ``token`` or ``api``.
        :param headers: Added to the answer; ``Content-Type`` is replaced.
        """
        self._faults.fail(times, status, body, endpoint, headers)

    def rate_limit(self, times: int = 1) -> None:
        """Answer the next API calls as TickTick does beyond its limit."""
        self.fail(times, 500, RATE_LIMIT, "api")
