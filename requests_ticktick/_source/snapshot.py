"""What the stores held when a caller asked for a token."""

from __future__ import annotations

from collections.abc import Iterable

from .._token import Token
from .._value import Value


class Snapshot(Value):
    """The content of the stores at one moment. What comes later answers it.

    Tokens are compared by their identity and not by their time of issue, since
    the clock may be set back in between.

    :param known: The tokens in the stores; ``None`` if they could not be read.
        Then no later token is known to be new.
    :param failure: The failure that was recorded at that moment.
    :param refused: A token that the API refused.
    :param forced: Whether only a newly issued token will do.
    :param by_person: Whether a person has to grant it, and no refresh token
        is used.
    """

    __slots__ = ("_failure", "_known", "by_person", "forced", "refused")

    _known: frozenset[tuple[str, float | None]] | None
    _failure: str | None
    refused: Token | None
    forced: bool
    by_person: bool

    def __init__(
        self,
        known: Iterable[Token] | None = (),
        *,
        failure: str | None = None,
        refused: Token | None = None,
        forced: bool = False,
        by_person: bool = False,
    ) -> None:
        self._set(
            _known=None if known is None else frozenset(map(_grant_of, known)),
            _failure=failure,
            refused=refused,
            forced=forced,
            by_person=by_person,
        )

    @property
    def is_whole(self) -> bool:
        """Whether all stores could be read."""
        return self._known is not None

    def is_answered_by(self, token: Token) -> bool:
        """Whether the token is new. Any lifetime will then do."""
        if self._known is None or token.issued_at is None:
            return False
        return _grant_of(token) not in self._known

    def has(self, token: Token) -> bool:
        """Whether the stores certainly held this token."""
        return self._known is not None and _grant_of(token) in self._known

    def is_news(self, failure: str) -> bool:
        """Whether this failure was recorded later."""
        return self._known is not None and failure != self._failure


def _grant_of(token: Token) -> tuple[str, float | None]:
    return token.access_token, token.issued_at
