"""The authorization codes and tokens that were issued, and their state."""

from __future__ import annotations

import secrets
import string
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from ._entries import (
    AccessToken,
    Code,
    Grant,
    RefreshToken,
    is_alive,
    seconds_left,
)
from ._policy import Policy

Entry = TypeVar("Entry")

_CODE_ALPHABET = string.ascii_letters + string.digits
_CODE_CHARACTERS = 6  # as many as TickTick's codes have

#: The ledger keeps so many codes, so many access tokens and so many refresh
#: tokens. It forgets the oldest, as if they had been revoked.
MAX_ENTRIES = 10_000


class Ledger:
    """Keeps the codes and tokens.

    Its methods are atomic: no two requests can use the same code or token.

    :param policy: How tokens are issued, and what time it is.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._lock = threading.Lock()
        self._codes: dict[str, Code] = {}
        self._access: dict[str, AccessToken] = {}
        self._refresh: dict[str, RefreshToken] = {}
        self._issued: deque[str] = deque(maxlen=MAX_ENTRIES)
        self.codes_issued = 0
        self.reuse_detected = 0

    def new_code(self) -> str:
        """Make up a code that is not in use."""
        with self._lock:
            while True:
                code = "".join(
                    secrets.choice(_CODE_ALPHABET) for _ in range(_CODE_CHARACTERS)
                )
                if code not in self._codes:
                    return code

    def add_code(self, value: str, code: Code) -> None:
        """Keep a code until it is used, and count it."""
        with self._lock:
            self.codes_issued += 1
            self._keep(self._codes, value, code)

    def take_code(self, value: str, client_id: str) -> Code | None:
        """Use a code up, and return it if it is this client's and alive."""
        with self._lock:
            code = self._codes.pop(value, None)
        if code is None or code.grant.client_id != client_id:
            return None
        return code if self._policy.clock() < code.expires_at else None

    def issue(
        self, value: str, grant: Grant, scopes: tuple[str, ...], *, reissue: bool
    ) -> tuple[str, int | None]:
        """Issue an access token, or one that was issued before.

        :param value: The token, if a new one is issued.
        :param reissue: Whether to return the client's token of these scopes,
            if one is alive.
        :returns: The token, and the seconds until it expires.
        """
        now = self._policy.clock()
        with self._lock:
            if reissue:
                for live, token in self._access.items():
                    if (
                        token.grant.client_id == grant.client_id
                        and set(token.scopes) == set(scopes)
                        and is_alive(token, now)
                    ):
                        return live, seconds_left(token, now)
            lifetime = self._policy.expires_in
            expires_at = None if lifetime is None else now + lifetime
            self._keep(self._access, value, AccessToken(grant, scopes, expires_at))
            return value, lifetime

    def find(self, value: str) -> AccessToken | None:
        """Return an access token that is alive."""
        with self._lock:
            token = self._access.get(value)
        if token is None or not is_alive(token, self._policy.clock()):
            return None
        return token

    def add_refresh_token(self, value: str, grant: Grant) -> None:
        """Keep a refresh token."""
        with self._lock:
            self._keep(self._refresh, value, RefreshToken(grant))

    def take_refresh_token(
        self, value: str, client_id: str, scopes: list[str] | None
    ) -> RefreshToken | None:
        """Use a refresh token up, and return it if the client may use it.

        A token that is used a second time has leaked. Nobody knows which of
        its two users is the thief, so that the whole family is revoked
        (RFC 9700 4.14.2).

        :param scopes: The requested scopes. If the grant does not cover them,
            oauthlib refuses the request, and the token is not used up.
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
        """List the latest codes and tokens, and all others that are kept."""
        with self._lock:
            kept = (*self._codes, *self._access, *self._refresh)
            return list(dict.fromkeys((*self._issued, *kept)))

    def revoke(self, value: str) -> bool:
        """Revoke one access token, and return whether it was kept."""
        with self._lock:
            return self._access.pop(value, None) is not None

    def give_back(self, value: str, client_id: str | None) -> bool:
        """Revoke a token as its client asks (RFC 7009 2.1).

        With a refresh token end all tokens of its grant; with an access token
        it alone.

        :param client_id: The client; ``None`` for whoever has the token.
        :returns: Whether the token is unknown, or was this client's.
        """
        with self._lock:
            token = self._refresh.get(value) or self._access.get(value)
            if token is None:
                return True
            if client_id not in (None, token.grant.client_id):
                return False
            if isinstance(token, AccessToken):
                del self._access[value]
                return True
            for kept in (self._access, self._refresh):
                for other in [v for v, e in kept.items() if e.grant == token.grant]:
                    kept.pop(other)
            return True

    def revoke_all(self, *, refresh_tokens: bool) -> None:
        """Revoke all access tokens, and all refresh tokens if asked to."""
        with self._lock:
            self._access.clear()
            if refresh_tokens:
                self._refresh.clear()

    def expire_all(self) -> None:
        """Let all access tokens expire now."""
        now = self._policy.clock()
        with self._lock:
            for value, token in self._access.items():
                self._access[value] = replace(token, expires_at=now)

    def _keep(self, entries: dict[str, Entry], value: str, entry: Entry) -> None:
        entries[value] = entry
        self._issued.append(value)
        while len(entries) > MAX_ENTRIES:
            del entries[next(iter(entries))]

    def _revoke_family(self, family: str) -> None:
        # The refresh tokens are kept as used: to use one again is reuse, too.
        for refresh in self._refresh.values():
            refresh.used = refresh.used or refresh.grant.id == family
        for value, token in list(self._access.items()):
            if token.grant.id == family:
                del self._access[value]
