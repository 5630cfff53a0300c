"""What the ledger keeps of each code and token."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Grant:
    """What a person granted; all tokens that follow from it are one family."""

    client_id: str
    scopes: tuple[str, ...]
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True)
class Code:
    """What a code is bound to (RFC 6749 4.1.3, RFC 7636 4.4)."""

    grant: Grant
    redirect_uri: str
    expires_at: float
    challenge: str | None = None
    challenge_method: str | None = None


@dataclass(frozen=True)
class AccessToken:
    """A bearer token's grant, scopes and expiry; ``None`` is never."""

    grant: Grant
    scopes: tuple[str, ...]
    expires_at: float | None


@dataclass
class RefreshToken:
    """A refresh token's grant, and whether the token was used up."""

    grant: Grant
    used: bool = False


def is_alive(token: AccessToken, now: float) -> bool:
    """Whether it has not expired."""
    return token.expires_at is None or now < token.expires_at


def seconds_left(token: AccessToken, now: float) -> int | None:
    """Return the seconds until it expires; ``None`` is never."""
    return None if token.expires_at is None else int(token.expires_at - now)
