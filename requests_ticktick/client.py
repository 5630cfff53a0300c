"""The app that was registered: its id, its secret, its redirect URI."""

from __future__ import annotations

import os
import re
from typing import NoReturn

from ._text import unwrapped
from ._value import Value, discreet
from .errors import SignOnRequiredError

#: What a template, or a missing value, leaves behind.
_PLACEHOLDER = r"(?i)[$%{]?\{.*\}|<.*>|null|none|undefined"


class Client(Value):
    """The app that was registered with the service.

    What is not given is read from the environment when it is needed, so that
    a pickle of a client configured there holds no secret. White space, line
    ends, a BOM and quotes around a value are no part of it.

    :param client_id: RFC 6749 2.2, or ``$TICKTICK_CLIENT_ID``.
    :param client_secret: RFC 6749 2.3.1, or ``$TICKTICK_CLIENT_SECRET``.
    :param redirect_uri: As registered, letter for letter (RFC 9700 4.1.3), or
        ``$TICKTICK_REDIRECT_URI``; else each service has one of its own.
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
        return _configured(self._client_id, "TICKTICK_CLIENT_ID")

    @property
    def client_secret(self) -> str | None:
        """Return the app's secret, if one is configured."""
        return _configured(self._client_secret, "TICKTICK_CLIENT_SECRET")

    @property
    def redirect_uri(self) -> str | None:
        """Return where the person is sent back to, if that is configured."""
        return _configured(self._redirect_uri, "TICKTICK_REDIRECT_URI")

    def require_id(self) -> str:
        """Return the app's id.

        :raises SignOnRequiredError: None is configured, or it cannot be one.
        """
        return _required(self.client_id, "client_id", "TICKTICK_CLIENT_ID")

    @discreet
    def require_secret(self) -> str:
        """Return the app's secret.

        :raises SignOnRequiredError: None is configured, or it cannot be one.
        """
        return _required(self.client_secret, "client_secret", "TICKTICK_CLIENT_SECRET")

    def __repr__(self) -> str:
        return f"<Client {self.client_id!r} redirect_uri={self.redirect_uri!r}>"


def _configured(given: str | None, variable: str) -> str | None:
    value = unwrapped(given or "") or unwrapped(os.environ.get(variable, ""))
    return value or None


def _required(value: str | None, parameter: str, variable: str) -> str:
    """Let a value pass that a server can know (RFC 6749 A.1 and A.2)."""
    if value is None:
        _missing(parameter, variable)
    if not value.isprintable():
        problem = "a line break, or another character that cannot be seen"
    elif re.fullmatch(_PLACEHOLDER, value):
        problem = "a placeholder that nobody has filled in"
    else:
        return value
    raise SignOnRequiredError(
        f"The {parameter} that is configured holds {problem}. Copy it again from the "
        f"page of your app in TickTick's developer portal, into {parameter}=... or "
        f"{variable}."
    )


def _missing(parameter: str, variable: str) -> NoReturn:
    raise SignOnRequiredError(
        f"A sign-on is needed, and no {parameter} is configured: pass "
        f"{parameter}=... or set {variable}. Both are on the page of your app "
        "in TickTick's developer portal. Or sign on beforehand: requests-ticktick login"
    )
