"""What a caller knew when it asked for a token."""

from __future__ import annotations

from collections.abc import Iterable

from .._token import Token
from .._value import Value


class Snapshot(Value):
    """One look at the stores: what comes later is an answer to who looked.

    What was there already is told from what came since by what it is, and not
    by when it was issued: a clock may be set back in between.

    :param known: The tokens in the stores; ``None`` where they could not be
        read: then nothing that is found there later is known to be new.
    :param failure: The failure on record, which is no answer.
    :param refused: The token that the caller does not want, as the API refused
        it.
    :param forced: Whether only a token that was issued since will do.
    """

    __slots__ = ("_failure", "_known", "forced", "refused")

    _known: frozenset[tuple[str, float | None]] | None
    _failure: str | None
    refused: Token | None
    forced: bool

    def __init__(
        self,
        known: Iterable[Token] | None = (),
        *,
        failure: str | None = None,
        refused: Token | None = None,
        forced: bool = False,
    ) -> None:
        self._set(
            _known=None if known is None else frozenset(map(_grant_of, known)),
            _failure=failure,
            refused=refused,
            forced=forced,
        )

    @property
    def is_whole(self) -> bool:
        """Whether all stores could be read."""
        return self._known is not None

    def is_answered_by(self, token: Token) -> bool:
        """Whether the token was issued since: then any lifetime will do."""
        if self._known is None or token.issued_at is None:
            return False
        return _grant_of(token) not in self._known

    def has(self, token: Token) -> bool:
        """Whether the token was there already, for certain."""
        return self._known is not None and _grant_of(token) in self._known

    def is_news(self, failure: str) -> bool:
        """Whether this failure came on record since."""
        return self._known is not None and failure != self._failure


def _grant_of(token: Token) -> tuple[str, float | None]:
    return token.access_token, token.issued_at
