"""What a caller wants to know."""

from __future__ import annotations

from collections.abc import Iterable

from .._value import Value
from ..token import Token


class Question(Value):
    """Which token? And what the caller knew when it asked.

    What was there already is told from what came since by what it is, and not
    by when it was issued: a clock may be set back in between.

    :param known: The tokens in the store by then; ``None`` where it could
        not be read: then nothing that is found there is known to be new.
    :param instead_of: The token that it does not want, the API refusing it.
    :param failure: The failure on record by then, which is no answer.
    :param forced: Whether only a token issued since will do.
    """

    __slots__ = ("_failure", "_known", "forced", "instead_of")

    _known: frozenset[tuple[str, float | None]] | None
    _failure: str | None
    instead_of: Token | None
    forced: bool

    def __init__(
        self,
        known: Iterable[Token] | None = (),
        *,
        instead_of: Token | None = None,
        failure: str | None = None,
        forced: bool = False,
    ) -> None:
        self._set(
            _known=None if known is None else frozenset(map(_grant_of, known)),
            _failure=failure,
            instead_of=instead_of,
            forced=forced,
        )

    def is_answered_by(self, token: Token) -> bool:
        """Whether it was issued since: then it will do, however short."""
        if self._known is None or token.issued_at is None:
            return False
        return _grant_of(token) not in self._known

    def has_seen(self, token: Token) -> bool:
        """Whether it was there already, for certain."""
        return self._known is not None and _grant_of(token) in self._known

    def is_news(self, failure: str) -> bool:
        """Whether this failure came on record since."""
        return self._known is not None and failure != self._failure


def _grant_of(token: Token) -> tuple[str, float | None]:
    return token.access_token, token.issued_at
