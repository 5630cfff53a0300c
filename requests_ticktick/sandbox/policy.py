"""What the sandbox's owner may change while it runs."""

from __future__ import annotations

from collections.abc import Callable

SCOPES = ("tasks:read", "tasks:write")


class Policy:
    """The registered app, and how tokens are issued to it.

    The server reads these attributes at every request, so that assigning to
    one takes effect at once.

    :param client_id: The registered app's id.
    :param client_secret: Its secret; ``None`` for a public client.
    :param redirect_uris: Its redirect URIs, matched character for character.
    :param expires_in: The lifetime of a token in seconds; ``None`` issues
        tokens that state no lifetime and do not expire.
    :param reissue: Whether a sign-on while a token is alive hands back that
        token, with the lifetime that is left of it.
    :param refresh_tokens: Whether refresh tokens are issued and accepted.
    :param clock: Returns epoch seconds. Codes and tokens expire by it.
    """

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str | None,
        redirect_uris: list[str],
        expires_in: int | None,
        reissue: bool,
        refresh_tokens: bool,
        clock: Callable[[], float],
    ) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.redirect_uris = redirect_uris
        self.expires_in = expires_in
        self.reissue = reissue
        self.refresh_tokens = refresh_tokens
        self.clock = clock
        #: Seconds until an authorization code expires.
        self.code_lifetime: float = 300.0

    @property
    def public(self) -> bool:
        """Whether the client has no secret, and must use PKCE instead."""
        return self.client_secret is None
