"""The codes and tokens that were issued, and what has become of them."""

from __future__ import annotations

import secrets
import string
import threading
import uuid
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from .policy import Policy

T = TypeVar("T")

_CODE_ALPHABET = string.ascii_letters + string.digits
_CODE_LENGTH = 6  # as TickTick's

#: How many codes, access tokens and refresh tokens there are at a time, of
#: each. The oldest are forgotten, as if they had been revoked.
MOST = 10_000


@dataclass(frozen=True)
class Grant:
    """What a person granted once; the family of all tokens that follow."""

    client_id: str
    scopes: tuple[str, ...]
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True)
class Code:
    """An authorization code, bound as RFC 6749 4.1.3 and RFC 7636 4.4 ask."""

    grant: Grant
    redirect_uri: str
    expires_at: float
    challenge: str | None = None
    challenge_method: str | None = None


@dataclass(frozen=True)
class AccessToken:
    """A bearer token's grant, scopes and expiry (``None``: never)."""

    grant: Grant
    scopes: tuple[str, ...]
    expires_at: float | None


@dataclass
class RefreshToken:
    """A refresh token's grant, and whether it has been used up."""

    grant: Grant
    used: bool = False


class Ledger:
    """Every step is one step: no two requests can use one code or token.

    :param policy: How tokens are issued, and what time it is.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._lock = threading.Lock()
        self._codes: dict[str, Code] = {}
        self._access: dict[str, AccessToken] = {}
        self._refresh: dict[str, RefreshToken] = {}
        self._issued: deque[str] = deque(maxlen=MOST)
        self.reuse_detected = 0

    def new_code(self) -> str:
        """Make up a code that nobody holds."""
        with self._lock:
            while True:
                code = "".join(
                    secrets.choice(_CODE_ALPHABET) for _ in range(_CODE_LENGTH)
                )
                if code not in self._codes:
                    return code

    def add_code(self, value: str, code: Code) -> None:
        """Remember a code until it is used."""
        with self._lock:
            self._keep(self._codes, value, code)

    def take_code(self, value: str, client_id: str) -> Code | None:
        """Use a code up, and return it if it was good."""
        with self._lock:
            code = self._codes.pop(value, None)
        if code is None or code.grant.client_id != client_id:
            return None
        return code if self._policy.clock() < code.expires_at else None

    def issue(
        self, value: str, grant: Grant, scopes: tuple[str, ...], *, reissue: bool
    ) -> tuple[str, int | None]:
        """Record a token, or find the live one that is to be handed back.

        :param value: The new token, should one be needed.
        :param reissue: Whether a live token of the client will do.
        :returns: The token, and how many seconds it has left.
        """
        now = self._policy.clock()
        with self._lock:
            if reissue:
                for live, token in self._access.items():
                    if (
                        token.grant.client_id == grant.client_id
                        and set(token.scopes) == set(scopes)
                        and _alive(token, now)
                    ):
                        return live, _seconds_left(token, now)
            lifetime = self._policy.expires_in
            expires_at = None if lifetime is None else now + lifetime
            self._keep(self._access, value, AccessToken(grant, scopes, expires_at))
            return value, lifetime

    def find(self, value: str) -> AccessToken | None:
        """Look an access token up, if it is alive."""
        with self._lock:
            token = self._access.get(value)
        if token is None or not _alive(token, self._policy.clock()):
            return None
        return token

    def add_refresh_token(self, value: str, grant: Grant) -> None:
        """Remember a refresh token."""
        with self._lock:
            self._keep(self._refresh, value, RefreshToken(grant))

    def take_refresh_token(
        self, value: str, client_id: str, scopes: list[str] | None
    ) -> RefreshToken | None:
        """Use a refresh token up, and return it if it was good.

        A token that comes a second time has leaked: RFC 9700 4.14.2 has the
        whole family revoked, since nobody knows which of the two is the
        thief.

        :param scopes: Those asked for. Where they go beyond the grant the
            request fails later on, and the token stays good.
        """
        with self._lock:
            token = self._refresh.get(value)
            if token is None or token.grant.client_id != client_id:
                return None
            if token.used:
                self.reuse_detected += 1
                self._revoke_family(token.grant.id)
                return None
            token.used = set(scopes or ()) <= set(token.grant.scopes)
            return token

    def issued(self) -> Iterable[str]:
        """List the latest codes and tokens, used and revoked ones too.

        And those that are older and still good for something.
        """
        with self._lock:
            good = (*self._codes, *self._access, *self._refresh)
            return list(dict.fromkeys((*self._issued, *good)))

    def revoke(self, value: str) -> bool:
        """Revoke one access token, and say whether there was such a one."""
        with self._lock:
            return self._access.pop(value, None) is not None

    def revoke_all(self, *, refresh_tokens: bool) -> None:
        """Revoke every access token, and every refresh token if asked to."""
        with self._lock:
            self._access.clear()
            if refresh_tokens:
                self._refresh.clear()

    def expire_all(self) -> None:
        """Let every access token expire now."""
        now = self._policy.clock()
        with self._lock:
            for value, token in self._access.items():
                self._access[value] = replace(token, expires_at=now)

    def _keep(self, kept: dict[str, T], value: str, meaning: T) -> None:
        kept[value] = meaning
        self._issued.append(value)
        while len(kept) > MOST:
            del kept[next(iter(kept))]

    def _revoke_family(self, family: str) -> None:
        # The used refresh tokens stay: their next use is a reuse as well.
        for refresh in self._refresh.values():
            refresh.used = refresh.used or refresh.grant.id == family
        for value, token in list(self._access.items()):
            if token.grant.id == family:
                del self._access[value]


def _alive(token: AccessToken, now: float) -> bool:
    return token.expires_at is None or now < token.expires_at


def _seconds_left(token: AccessToken, now: float) -> int | None:
    return None if token.expires_at is None else int(token.expires_at - now)
