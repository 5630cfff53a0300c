"""Whose token it is."""

from __future__ import annotations

from typing import Any

from ._errors import InvalidTokenError
from ._pasted import stand_in, unwrapped
from ._service import DIDA365, TICKTICK, Service
from ._token import Token
from ._urls import origin
from ._value import Value

#: The keys that say whose a token is.
STAMP = ("client_id", "token_endpoint", "requested_scope")

#: The key of the redirect URI of a client that registered itself.
REGISTERED = "registered_redirect_uri"

#: The prefixes of personal API tokens.
PREFIXES = {"tp_": TICKTICK, "dp_": DIDA365}


class Stamp(Value):
    """Whose token it is: of which client, which service, which scopes.

    A response may grant other scopes than were requested (RFC 6749 3.3), so a
    token is found by the scopes that were *requested*.

    :param client_id: The registered app's id. ``None`` matches any.
    :param token_endpoint: The service's token endpoint. ``None`` matches any.
    :param scope: The scopes requested. ``None`` matches any.
    :param is_local: Whether the service's API is on this machine.
    :param is_registered: Whether the client registered itself (RFC 7591). Any
        such client is as good as another.
    """

    __slots__ = ("client_id", "is_local", "is_registered", "scope", "token_endpoint")

    client_id: str | None
    token_endpoint: str | None
    scope: str | None
    is_local: bool
    is_registered: bool

    def __init__(
        self,
        client_id: str | None,
        token_endpoint: str | None,
        scope: str | None,
        *,
        is_local: bool = False,
        is_registered: bool = False,
    ) -> None:
        self._set(
            client_id=client_id,
            token_endpoint=token_endpoint,
            scope=scope,
            is_local=is_local,
            is_registered=is_registered,
        )

    @classmethod
    def of(cls, token: Token) -> Stamp:
        """Read the token's stamp; without one, all fields are ``None``."""
        extra = token.extra
        stamp = [extra.get(name) for name in STAMP]
        return cls(
            *(value if isinstance(value, str) else None for value in stamp),
            is_registered=isinstance(extra.get(REGISTERED), str),
        )

    def put_on(self, token: Token) -> Token:
        """Return the token with this stamp."""
        stamp = {
            "client_id": self.client_id,
            "token_endpoint": self.token_endpoint,
            "requested_scope": self.scope,
        }
        known = {name: value for name, value in stamp.items() if value is not None}
        if self.is_registered:
            # The token of a client that is yet to be registered, as a sample.
            unknown = {"client_id": "to be registered", REGISTERED: ""}
            known = {**unknown, **token.extra, **known}
        return token.replace(extra={**token.extra, **known})

    def fits(self, token: Token) -> bool:
        """Whether the token may be used and replaced under this stamp."""
        return self.difference(token) is None

    def difference(self, token: Token) -> str | None:
        """Return what the token is for instead, or ``None`` if it matches.

        A token without a stamp (ticktick-py's, a literal) matches any client
        that requests no more than it grants. Its service follows from
        :func:`presumed_service`.
        """
        other = Stamp.of(token)
        service = self._other_service(token, other.token_endpoint)
        if service is not None:
            return f"another service, {service}"
        is_ours = self.client_id is None or other.client_id in (None, self.client_id)
        if not is_ours and not (self.is_registered and other.is_registered):
            return f"another client, {other.client_id}"
        if self.scope is None:
            return None
        wanted = frozenset(self.scope.split())
        if other.scope is not None:
            fits = wanted == frozenset(other.scope.split())
        else:
            fits = token.scope is None or wanted <= token.scopes
        return None if fits else f"other scopes, {other.scope or token.scope}"

    def _other_service(self, token: Token, stamped: str | None) -> str | None:
        if stamped is not None:
            return None if self.token_endpoint in (None, stamped) else stamped
        if token.found_in is None:
            return None
        service, why = presumed_service(token)
        if service is None:
            return why
        fits = self.token_endpoint in (None, service.token_endpoint)
        # Another program may have the port of a sandbox that has ended.
        if fits and (service.is_local or not self.is_local):
            return None
        return f"{origin(service.api_origins[0])}, {why}"


def presumed_service(token: Token) -> tuple[Service | None, str]:
    """Return the service of a token without a stamp, and the reason.

    All services share the default variable and the default file. A token found
    there is for the service that its prefix names, or ``TICKTICK_SERVICE``.
    """
    prefix = token.access_token[:3]
    if prefix in PREFIXES:
        return PREFIXES[prefix], f"as its prefix {prefix} says"
    from ._named import service_of_environment

    return service_of_environment()


def is_stamped_for(service: Service, token: Token) -> bool:
    """Whether the token's stamp, or else its prefix, names the service."""
    stamped = Stamp.of(token).token_endpoint
    if stamped is not None:
        return stamped == service.token_endpoint
    return PREFIXES.get(token.access_token[:3]) == service


def token_from_program(value: Any) -> Token:
    """Return the token that a program passed, as a string or as a token.

    :raises InvalidTokenError: The value cannot be a token.
    """
    if isinstance(value, Token):
        return value
    if not isinstance(value, str):
        return Token(value)
    text = unwrapped(value)
    instead = stand_in(text)
    if instead is not None:
        raise InvalidTokenError(
            f"Expected a token, got {instead}: copy the token from TickTick's web app "
            "(Settings, Account, API Token)."
        )
    return Token(text)
