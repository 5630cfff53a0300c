"""The registered app, and how tokens are issued to it."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass

#: The scopes that TickTick has.
SCOPES = ("tasks:read", "tasks:write")


@dataclass(kw_only=True, eq=False, repr=False)
class Policy:
    """The settings, which a test may change while the sandbox runs.

    :class:`~requests_ticktick.sandbox._controls.Controls` describes each. The
    server reads them at every request, so that a change takes effect at once.
    """

    client_id: str
    client_secret: str | None
    redirect_uris: list[str]
    expires_in: int | None
    reissue: bool
    refresh_tokens: bool
    clock: Callable[[], float]
    code_lifetime: float = 300.0

    @property
    def public(self) -> bool:
        """Whether the client has no secret and must use PKCE instead."""
        return self.client_secret is None

    def accepts_credentials(
        self, client_id: str | None, client_secret: str | None
    ) -> bool:
        """Whether these are the registered app's id and secret."""
        expected = self.client_secret or ""
        return client_id == self.client_id and hmac.compare_digest(
            (client_secret or "").encode(), expected.encode()
        )


def basic_credentials(authorization: str | None) -> tuple[str, str] | None:
    """Return the id and the secret of a Basic header, ``None`` for another.

    TickTick wants them as they are. RFC 6749 2.3.1 wants them form-encoded
    first: a secret with ``%`` or ``+`` shows which of the two a client does.
    """
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return "", ""
    client_id, _, client_secret = decoded.partition(":")
    return client_id, client_secret
