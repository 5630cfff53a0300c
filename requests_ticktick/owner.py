"""Whose token it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._value import Value

if TYPE_CHECKING:
    from .token import Token


class Owner(Value):
    """Whose token it is: of which client, which service, which scopes.

    A response may grant other scopes than were asked for (RFC 6749 3.3), so
    the scopes *requested* are what a token is found by.

    :param client_id: The registered app's id; ``None`` matches any.
    :param token_endpoint: The service's; ``None`` matches any.
    :param scope: The scopes requested; ``None`` matches any.
    """

    __slots__ = ("client_id", "scope", "token_endpoint")

    client_id: str | None
    token_endpoint: str | None
    scope: str | None

    def __init__(
        self,
        client_id: str | None,
        token_endpoint: str | None,
        scope: str | None,
    ) -> None:
        self._set(client_id=client_id, token_endpoint=token_endpoint, scope=scope)

    @classmethod
    def of(cls, token: Token) -> Owner:
        """Read the token's stamp; without one, all fields are ``None``."""
        stamp = [
            token.extra.get(name)
            for name in ("client_id", "token_endpoint", "requested_scope")
        ]
        return cls(*(value if isinstance(value, str) else None for value in stamp))

    def stamp(self, token: Token) -> Token:
        """Mark the token as this owner's."""
        stamp = {
            "client_id": self.client_id,
            "token_endpoint": self.token_endpoint,
            "requested_scope": self.scope,
        }
        known = {name: value for name, value in stamp.items() if value is not None}
        return token.replace(extra={**token.extra, **known})

    def owns(self, token: Token) -> bool:
        """Whether the token may be used, and replaced, by this owner.

        A token without a stamp (ticktick-py's, a literal) is anybody's who
        asks for no more than it grants.
        """
        other = Owner.of(token)
        for mine, theirs in (
            (self.client_id, other.client_id),
            (self.token_endpoint, other.token_endpoint),
        ):
            if mine is not None and theirs is not None and mine != theirs:
                return False
        if self.scope is None:
            return True
        wanted = frozenset(self.scope.split())
        if other.scope is not None:
            return wanted == frozenset(other.scope.split())
        return token.scope is None or wanted <= token.scopes
