"""What TickTick issued: a bearer token, its expiry and its scopes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from . import _fields
from ._value import Value, discreet, fingerprint_of


class Token(Value):
    """A bearer token (RFC 6750), frozen, and masked wherever it is shown.

    Two tokens are equal when all fields are, scopes compared as sets.

    :param access_token: The opaque token: a UUID, ``tp_...``, a JWT.
    :param token_type: ``bearer``, in any case (RFC 6749 7.1).
    :param expires_at: When it expires, in epoch seconds; ``None`` if unknown.
    :param scope: The scopes granted, separated by spaces; ``None`` if unknown.
        Commas separate them too, and an empty text is unknown.
    :param refresh_token: RFC 6749 1.5. TickTick issues none today.
    :param issued_at: When it was asked for, in epoch seconds.
    :param extra: Further keys of the response or the file, kept as they came.
    :raises InvalidTokenError: A field is not what it must be.
    """

    __slots__ = (
        "_extra",
        "access_token",
        "expires_at",
        "found_in",
        "issued_at",
        "refresh_token",
        "scope",
        "token_type",
    )

    access_token: str
    token_type: str
    expires_at: float | None
    scope: str | None
    refresh_token: str | None
    issued_at: float | None
    #: The place that it was read from without a program having named it; it is
    #: not saved, not compared, and not handed on to copies with changes.
    found_in: str | None
    _extra: dict[str, Any]

    @discreet
    def __init__(
        self,
        access_token: str,
        *,
        token_type: str = "bearer",
        expires_at: float | None = None,
        scope: str | Iterable[str] | None = None,
        refresh_token: str | None = None,
        issued_at: float | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self._set(
            access_token=_fields.opaque("access_token", access_token),
            token_type=_fields.bearer(token_type),
            expires_at=_fields.number("expires_at", expires_at),
            scope=_fields.scope(scope),
            refresh_token=_fields.optional("refresh_token", refresh_token),
            issued_at=_fields.number("issued_at", issued_at),
            found_in=None,
            _extra=dict(extra) if extra is not None else {},
        )

    @classmethod
    @discreet
    def from_response(cls, payload: object, *, now: float) -> Token:
        """Read a token response (RFC 6749 5.1).

        :param payload: The parsed JSON body.
        :param now: When the request was sent, in epoch seconds. A lifetime
            counted from there is never too long, however slow the answer was.
            One that makes no sense, such as 0 or text, is an unknown expiry.
        :raises InvalidTokenError: It is not a token response.
        """
        fields = _fields.mapping(payload)
        lifetime = _fields.lifetime(fields.get("expires_in"))
        return cls._from(
            fields,
            expires_at=None if lifetime is None else now + lifetime,
            issued_at=now,
        )

    @classmethod
    @discreet
    def from_dict(cls, payload: object) -> Token:
        """Read a stored token: this package's, ticktick-py's, oauthlib's.

        :param payload: A mapping with ``access_token`` and, for the expiry,
            ``expires_at`` or ``expire_time``: epoch seconds, milliseconds, or
            a date of RFC 3339, in UTC where it names no zone. An expiry that
            makes no sense is unknown: the token is used until a 401.
        :raises InvalidTokenError: It is not a token.
        """
        fields = _fields.mapping(payload)
        expires_at = _fields.moment(fields.get("expires_at"))
        if expires_at is None:
            expires_at = _fields.moment(fields.get("expire_time"))
        issued_at = _fields.moment(fields.get("issued_at"))
        lifetime = _fields.lifetime(fields.get("expires_in"))
        if lifetime is not None:
            # ticktick-py keeps the lifetime as issued, not what is left of it.
            if issued_at is None and expires_at is not None:
                issued_at = expires_at - lifetime
            elif expires_at is None and issued_at is not None:
                expires_at = issued_at + lifetime
        return cls._from(fields, expires_at=expires_at, issued_at=issued_at)

    @classmethod
    def _from(
        cls,
        fields: Mapping[str, Any],
        *,
        expires_at: float | None,
        issued_at: float | None,
    ) -> Token:
        token_type = fields.get("token_type")
        return cls(
            fields.get("access_token", ""),
            token_type="bearer" if token_type is None else token_type,
            expires_at=_fields.sensible(expires_at),
            scope=fields.get("scope"),
            refresh_token=fields.get("refresh_token") or None,
            issued_at=_fields.sensible(issued_at),
            extra=_fields.others(fields),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data that :meth:`from_dict`, ticktick-py and oauthlib read."""
        fields: dict[str, Any] = {
            **self._extra,
            "access_token": self.access_token,
            "token_type": self.token_type,
        }
        if self.expires_at is not None:
            fields["expires_at"] = self.expires_at
            fields["expire_time"] = int(self.expires_at)
            readable = _fields.readable(self.expires_at)
            if readable is not None:
                fields["readable_expire_time"] = readable
        if self.lifetime is not None:
            fields["expires_in"] = int(self.lifetime)
        for name in ("scope", "refresh_token", "issued_at"):
            value = getattr(self, name)
            if value is not None:
                fields[name] = value
        return fields

    @discreet
    def replace(self, **changes: Any) -> Token:
        """Copy the token, with some constructor arguments changed."""
        fields = {**self.__getstate__(), **changes}
        del fields["found_in"]
        extra = fields.pop("_extra")
        return Token(**{"extra": extra, **fields})

    def in_default_place(self, place: str | None) -> Token:
        """Return it as found there; ``None``: as a program hands it over."""
        if self.found_in == place:
            return self
        copy = self.replace()
        copy._set(found_in=place)
        return copy

    @property
    def extra(self) -> Mapping[str, Any]:
        """The keys that came along and mean nothing to this class."""
        return MappingProxyType(self._extra)

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes granted; their order means nothing (RFC 6749 3.3)."""
        return frozenset((self.scope or "").split())

    @property
    def lifetime(self) -> float | None:
        """Seconds from issue to expiry, where both are known."""
        if self.expires_at is None or self.issued_at is None:
            return None
        return self.expires_at - self.issued_at

    @property
    def fingerprint(self) -> str:
        """What the token is called in logs: 8 hex digits of its SHA-256."""
        return fingerprint_of(self.access_token)

    def expires_within(self, seconds: float, *, now: float) -> bool:
        """Whether fewer than ``seconds`` are left at ``now``.

        :param now: Epoch seconds. A token of unknown expiry never expires.
        """
        return self.expires_at is not None and self.expires_at - now < seconds

    def _key(self) -> tuple[object, ...]:
        return (
            self.access_token,
            self.expires_at,
            self.scopes,
            self.refresh_token,
            self.issued_at,
            repr(sorted(self._extra.items(), key=repr)),
        )

    def __repr__(self) -> str:
        return (
            f"<Token {self.fingerprint} expires_at={self.expires_at!r} "
            f"scope={self.scope!r} "
            f"refreshable={self.refresh_token is not None}>"
        )
