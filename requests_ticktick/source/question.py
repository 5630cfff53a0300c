"""What a caller wants to know."""

from __future__ import annotations

from .._value import Value
from ..token import Token


class Question(Value):
    """Which token? And what the caller knew when it asked.

    :param asked_at: When it asked, in epoch seconds.
    :param instead_of: The token that it does not want, the API refusing it.
    :param failure: The failure on record by then, which is no answer.
    :param forced: Whether only a token issued since will do.
    """

    __slots__ = ("asked_at", "failure", "forced", "instead_of")

    asked_at: float
    instead_of: Token | None
    failure: str | None
    forced: bool

    def __init__(
        self,
        asked_at: float,
        *,
        instead_of: Token | None = None,
        failure: str | None = None,
        forced: bool = False,
    ) -> None:
        self._set(
            asked_at=asked_at, instead_of=instead_of, failure=failure, forced=forced
        )

    def is_answered_by(self, token: Token) -> bool:
        """Whether it was issued since: then it will do, however short."""
        return token.issued_at is not None and token.issued_at > self.asked_at
