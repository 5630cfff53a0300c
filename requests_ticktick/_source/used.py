"""The refresh tokens that are not sent again."""

from __future__ import annotations

from array import array

from .._token import Token
from .._value import fingerprint_of

#: How many are remembered, in four bytes each.
LIMIT = 1000


class UsedTokens:
    """The refresh tokens that were used or refused, by their fingerprints.

    To send one twice looks like theft, and may end the whole grant (RFC 9700
    4.14.2). The latest are remembered, so that a process can renew for ever.
    One that a store still hands back counts as the latest.
    """

    def __init__(self) -> None:
        self._latest = array("I")

    def add(self, fingerprint: str) -> None:
        """Remember a refresh token, and forget the oldest beyond the limit."""
        number = int(fingerprint, 16)
        if number in self._latest:
            self._latest.remove(number)
        self._latest.append(number)
        del self._latest[:-LIMIT]

    def has(self, token: Token) -> bool:
        """Whether the refresh token of this token was used."""
        fingerprint = fingerprint_of(str(token.refresh_token))
        was_used = int(fingerprint, 16) in self._latest
        if was_used:
            self.add(fingerprint)
        return was_used

    def __len__(self) -> int:
        return len(self._latest)
