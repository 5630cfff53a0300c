"""A bearer token, its expiry and its scopes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from . import _fields, _times
from ._value import Value, discreet, fingerprint_of, public


@public
class Token(Value):
    """A frozen bearer token (RFC 6750) that masks its secrets in ``repr``.

    Two tokens are equal if all their fields are. Scopes compare as sets.

    :param access_token: An opaque string: a UUID, ``tp_...``, a JWT.
    :param token_type: ``bearer``, in any case (RFC 6749 7.1).
    :param expires_at: When it expires, in epoch seconds. ``None`` if unknown.
    :param scope: The scopes granted, as a list or separated by spaces or
        commas. ``None`` or empty if unknown.
    :param refresh_token: RFC 6749 1.5. TickTick issues none today.
    :param issued_at: When the token was requested, in epoch seconds.
    :param extra: Further keys of the response or the file, kept unchanged.
    :raises InvalidTokenError: A field has an invalid value.
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
    #: The default place that the token was read from; ``None`` if the program
    #: named the place. Not saved, compared, or copied by :meth:`replace`.
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
            access_token=_fields.token_string("access_token", access_token),
            token_type=_fields.token_type(token_type),
            expires_at=_times.finite_seconds("expires_at", expires_at),
            scope=_fields.scope(scope),
            refresh_token=_fields.optional_token_string("refresh_token", refresh_token),
            issued_at=_times.finite_seconds("issued_at", issued_at),
            found_in=None,
            _extra=dict(extra) if extra is not None else {},
        )

    @classmethod
    @discreet
    def from_response(cls, payload: object, *, now: float | None = None) -> Token:
        """Read a token response (RFC 6749 5.1).

        :param payload: The parsed JSON body.
        :param now: When the request was sent, in epoch seconds; just now by
            default. The lifetime counts from there, so that a slow response
            does not extend it. An implausible lifetime, such as 0 or text,
            means an unknown expiry.
        :raises InvalidTokenError: The payload is not a token response.
        """
        fields = _fields.mapping(payload)
        lifetime = _times.lifetime(fields.get("expires_in"))
        now = time.time() if now is None else now
        expires_at = None if lifetime is None else now + lifetime
        return cls._from(fields, expires_at=expires_at, issued_at=now)

    @classmethod
    @discreet
    def from_dict(cls, payload: object) -> Token:
        """Read a token that this package, ticktick-py or oauthlib stored.

        :param payload: A mapping with ``access_token`` and, for the expiry,
            ``expires_at`` or ``expire_time``: epoch seconds, milliseconds, or
            an RFC 3339 date, in UTC unless it names a time zone. A token with
            an implausible expiry is used until the API answers 401.
        :raises InvalidTokenError: The payload is not a token.
        """
        fields = _fields.mapping(payload)
        expires_at, issued_at = _times.stored(fields)
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
            expires_at=_times.plausible_time(expires_at),
            scope=fields.get("scope"),
            refresh_token=fields.get("refresh_token") or None,
            issued_at=_times.plausible_time(issued_at),
            extra=_fields.extra_fields(fields),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for this package, ticktick-py and oauthlib."""
        fields: dict[str, Any] = {
            **self._extra,
            "access_token": self.access_token,
            "token_type": self.token_type,
            **_times.written(self.expires_at, self.lifetime),
        }
        for name in ("scope", "refresh_token", "issued_at"):
            value = getattr(self, name)
            if value is not None:
                fields[name] = value
        return fields

    @discreet
    def replace(self, **changes: Any) -> Token:
        """Return a copy with some constructor arguments changed."""
        fields = {**self.__getstate__(), **changes}
        del fields["found_in"]
        extra = fields.pop("_extra")
        return Token(**{"extra": extra, **fields})

    def in_default_place(self, place: str | None) -> Token:
        """Return it as read there; ``None``: as passed by the program."""
        if self.found_in == place:
            return self
        copy = self.replace()
        copy._set(found_in=place)
        return copy

    @property
    def extra(self) -> Mapping[str, Any]:
        """The further keys of the response or the file."""
        return MappingProxyType(self._extra)

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes granted, which have no order (RFC 6749 3.3)."""
        return frozenset((self.scope or "").split())

    @property
    def lifetime(self) -> float | None:
        """Seconds from issue to expiry, if both are known."""
        if self.expires_at is None or self.issued_at is None:
            return None
        return self.expires_at - self.issued_at

    @property
    def expires_in(self) -> int | None:
        """Whole seconds left by the clock; negative if it has expired.

        ``None`` if the expiry is unknown. Of a new token, it is what the
        response said (RFC 6749 5.1); of one that a store held, it is less.
        """
        if self.expires_at is None:
            return None
        return int((self.expires_at - time.time()) // 1)

    @property
    def fingerprint(self) -> str:
        """The token's name in logs: 8 hex digits of its SHA-256."""
        return fingerprint_of(self.access_token)

    def expires_within(self, seconds: float, *, now: float | None = None) -> bool:
        """Whether less than ``seconds`` of the lifetime is left.

        A token of unknown expiry never expires.

        :param now: Epoch seconds, by the clock if not given.
        """
        if self.expires_at is None:
            return False
        now = time.time() if now is None else now
        return self.expires_at - now < seconds

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
