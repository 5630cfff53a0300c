"""The app that was registered: its id, its secret, its redirect URI."""

from __future__ import annotations

import os
from typing import NoReturn

from ._value import Value
from .errors import SignOnRequiredError

#: Where the default listener waits; register it, letter for letter.
DEFAULT_REDIRECT_URI = "http://127.0.0.1:8765/callback"


class Client(Value):
    """The app that was registered with the service.

    What is not given is read from the environment when it is needed, so that
    a pickle of a client configured there holds no secret.

    :param client_id: RFC 6749 2.2, or ``$TICKTICK_CLIENT_ID``.
    :param client_secret: RFC 6749 2.3.1, or ``$TICKTICK_CLIENT_SECRET``.
    :param redirect_uri: As registered, letter for letter (RFC 9700 4.1.3), or
        ``$TICKTICK_REDIRECT_URI``, or :data:`DEFAULT_REDIRECT_URI`.
    """

    __slots__ = ("_client_id", "_client_secret", "_redirect_uri")

    _client_id: str | None
    _client_secret: str | None
    _redirect_uri: str | None

    def __init__(
        self,
        client_id: str | None = None,
        client_secret: str | None = None,
        redirect_uri: str | None = None,
    ) -> None:
        self._set(
            _client_id=client_id,
            _client_secret=client_secret,
            _redirect_uri=redirect_uri,
        )

    @property
    def client_id(self) -> str | None:
        """Return the app's id, if one is configured."""
        return self._client_id or os.environ.get("TICKTICK_CLIENT_ID") or None

    @property
    def client_secret(self) -> str | None:
        """Return the app's secret, if one is configured."""
        return self._client_secret or os.environ.get("TICKTICK_CLIENT_SECRET") or None

    @property
    def redirect_uri(self) -> str:
        """Return where the person is sent back to."""
        given = self._redirect_uri or os.environ.get("TICKTICK_REDIRECT_URI")
        return given or DEFAULT_REDIRECT_URI

    def require_id(self) -> str:
        """Return the app's id.

        :raises SignOnRequiredError: None is configured.
        """
        return self.client_id or _missing("client_id", "TICKTICK_CLIENT_ID")

    def require_secret(self) -> str:
        """Return the app's secret.

        :raises SignOnRequiredError: None is configured.
        """
        return self.client_secret or _missing("client_secret", "TICKTICK_CLIENT_SECRET")

    def __repr__(self) -> str:
        return f"<Client {self.client_id!r} redirect_uri={self.redirect_uri!r}>"


def _missing(parameter: str, variable: str) -> NoReturn:
    raise SignOnRequiredError(
        f"A sign-on is needed, and no {parameter} is configured: pass "
        f"{parameter}=... or set {variable}. Both are on the page of your app "
        "in TickTick's developer portal. Or sign on beforehand: requests-ticktick login"
    )
