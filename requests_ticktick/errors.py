"""Everything that can go wrong, as one tree.

::

    requests.RequestException
     └── TickTickAuthError
          ├── SignOnRequiredError        a person has to act, and none is here
          ├── SignOnError                a person was asked, and it failed
          │    ├── AuthorizationDeniedError   error, description
          │    ├── StateMismatchError
          │    └── SignOnTimeoutError
          ├── TokenEndpointError         error, description, status_code,
          │                          retry_after
          ├── InvalidTokenError          also a ValueError
          ├── TokenStoreError            location
          ├── LockTimeoutError           holder
          └── InsecureTransportError     also a ValueError

They derive from :class:`requests.RequestException`, so that a program which
already handles what its session raises handles these too. A message names the
next step. Neither messages nor fields hold a secret, and ``request`` and
``response`` stay ``None``: a token request's body is nobody's to log.
"""

from __future__ import annotations

import requests


class TickTickAuthError(requests.RequestException):
    """The root of this package's errors.

    :param message: What happened, and what to do next.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(message)


class SignOnRequiredError(TickTickAuthError):
    """No usable token, and nobody who could be asked for one."""


class SignOnError(TickTickAuthError):
    """A sign-on was started and did not end in a token."""


class AuthorizationDeniedError(SignOnError):
    """The authorization endpoint answered with an error (RFC 6749 4.1.2.1).

    :param error: The ``error`` parameter, such as ``access_denied``.
    :param description: The ``error_description`` parameter, if there was one.
    """

    def __init__(
        self,
        message: str = "",
        *,
        error: str | None = None,
        description: str | None = None,
    ) -> None:
        super().__init__(message)
        self.error = error
        self.description = description


class StateMismatchError(SignOnError):
    """The redirect does not belong to this sign-on (RFC 6749 10.12)."""


class SignOnTimeoutError(SignOnError):
    """Nobody completed the sign-on in time."""


class TokenEndpointError(TickTickAuthError):
    """The token endpoint refused, could not be reached, or made no sense.

    :param error: The ``error`` field of RFC 6749 5.2, if the answer had one.
    :param description: Its ``error_description``, if the answer had one.
    :param status_code: The HTTP status; ``None`` where no answer came.
    :param retry_after: Seconds that the server asks to wait (``Retry-After``,
        RFC 9110 10.2.3), an hour at most; ``None`` where it does not say.
    """

    def __init__(
        self,
        message: str = "",
        error: str | None = None,
        description: str | None = None,
        status_code: int | None = None,
        *,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.error = error
        self.description = description
        self.status_code = status_code
        self.retry_after = retry_after


class InvalidTokenError(TickTickAuthError, ValueError):
    """What should have been a token is none."""


class TokenStoreError(TickTickAuthError):
    """A token store cannot be read or written.

    :param location: Where the token would be: a path, a variable's name, a
        key. Never its content.
    """

    def __init__(self, message: str = "", location: str | None = None) -> None:
        super().__init__(message)
        self.location = location


class LockTimeoutError(TickTickAuthError):
    """Somebody else held a store's lock for too long.

    :param holder: Who holds it (process id, host, since when), as far as is
        known.
    """

    def __init__(self, message: str = "", holder: str | None = None) -> None:
        super().__init__(message)
        self.holder = holder


class InsecureTransportError(TickTickAuthError, ValueError):
    """A secret would have travelled in clear (RFC 6749 1.6)."""
