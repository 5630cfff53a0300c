"""The registered app: its id, its secret and its redirect URI."""

from __future__ import annotations

import os
import re
from typing import NoReturn

from ._errors import SignOnRequiredError
from ._pasted import stand_in, unwrapped
from ._value import Value, discreet

#: A comment that ``docker --env-file`` keeps, or a line of a ``.env`` file.
_MORE_THAN_VALUE = r"(?i).*\s#.*|(export\s+)?TICKTICK_\w+\s*=.*"


class Client(Value):
    """An app registered with the service.

    The environment is read when a value is needed, so that a pickle of a
    client configured there contains no secret. White space, line ends, a BOM
    and quotes around a value are removed.

    :param client_id: RFC 6749 2.2. Default: ``$TICKTICK_CLIENT_ID``.
    :param client_secret: RFC 6749 2.3.1. Default: ``$TICKTICK_CLIENT_SECRET``.
    :param redirect_uri: Exactly as registered (RFC 9700 4.1.3). Default:
        ``$TICKTICK_REDIRECT_URI``, then the service's own.
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
        """Return where the service redirects the person, if configured."""
        return _configured(self._redirect_uri, "TICKTICK_REDIRECT_URI")

    def require_id(self) -> str:
        """Return the app's id.

        :raises SignOnRequiredError: It is not configured, or cannot be valid.
        """
        return _required(self.client_id, "client_id", "TICKTICK_CLIENT_ID")

    @discreet
    def require_secret(self) -> str:
        """Return the app's secret.

        :raises SignOnRequiredError: It is not configured, or cannot be valid.
        """
        return _required(self.client_secret, "client_secret", "TICKTICK_CLIENT_SECRET")

    def __repr__(self) -> str:
        return f"<Client {self.client_id!r} redirect_uri={self.redirect_uri!r}>"


def _configured(given: str | None, variable: str) -> str | None:
    value = unwrapped(given or "") or unwrapped(os.environ.get(variable, ""))
    return value or None


def _required(value: str | None, parameter: str, variable: str) -> str:
    """Return a value that a server can accept (RFC 6749 A.1 and A.2)."""
    if value is None:
        _missing(parameter, variable)
    problem = stand_in(value)
    if not value.isprintable():
        problem = "a line break or another invisible character"
    elif re.fullmatch(_MORE_THAN_VALUE, value):
        problem = "a comment or a variable's name beside the value"
    if problem is None:
        return value
    raise SignOnRequiredError(
        f"The configured {parameter} contains {problem}. Copy it again from your "
        f"app's page in TickTick's developer portal into {parameter}=... or "
        f"{variable}."
    )


def _missing(parameter: str, variable: str) -> NoReturn:
    raise SignOnRequiredError(
        f"A sign-on is needed, but no {parameter} is configured: pass "
        f"{parameter}=... or set {variable}. Your app's page in TickTick's developer "
        "portal has the id and the secret. Or sign on first: requests-ticktick login"
    )
