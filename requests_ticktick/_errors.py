"""The errors of this package, as one tree.

::

    requests.RequestException
     └── TickTickAuthError
          ├── SignOnRequiredError        a person is needed, but none is here
          ├── SignOnError                a sign-on failed
          │    ├── AuthorizationDeniedError   error, description
          │    ├── StateMismatchError
          │    ├── SignOnTimeoutError
          │    └── RegistrationError     ┐
          ├── RevocationError            ├ error, description, status_code,
          ├── TokenEndpointError         ┘ retry_after
          ├── InvalidTokenError          also a ValueError
          ├── TokenStoreError            location
          ├── LockTimeoutError           holder
          └── InsecureTransportError     also a ValueError

They derive from :class:`requests.RequestException`, so that a program that
handles the errors of its session handles these too. Each message names the
next step. Neither messages nor fields contain a secret, and ``request`` and
``response`` stay ``None``, since the body of a token request must not be
logged.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from ._value import public


@public
class TickTickAuthError(requests.RequestException):
    """The base class of this package's errors.

    :param message: What happened, and what to do next.
    """

    #: Whether it only repeats an earlier error, in the pause after that.
    is_repeated = False

    def __init__(self, message: str = "") -> None:
        super().__init__(message)


@public
class SignOnRequiredError(TickTickAuthError):
    """There is no usable token, and no person who could be asked."""


@public
class SignOnError(TickTickAuthError):
    """A sign-on did not lead to a token."""


@public
class AuthorizationDeniedError(SignOnError):
    """The authorization endpoint answered with an error (RFC 6749 4.1.2.1).

    :param error: The ``error`` parameter, such as ``access_denied``.
    :param description: The ``error_description`` parameter, if any.
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


@public
class StateMismatchError(SignOnError):
    """The redirect does not belong to this sign-on (RFC 6749 10.12)."""


@public
class SignOnTimeoutError(SignOnError):
    """Nobody completed the sign-on in time."""


class _EndpointError(Exception):
    """The fields of an error that one of the service's endpoints sent."""

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


@public
class TokenEndpointError(_EndpointError, TickTickAuthError):
    """The token endpoint refused, was unreachable, or sent no token.

    :param error: The ``error`` field (RFC 6749 5.2), if any.
    :param description: The ``error_description`` field, if any.
    :param status_code: The HTTP status, or ``None`` if no response came.
    :param retry_after: Seconds that the server asks to wait (``Retry-After``,
        RFC 9110 10.2.3), at most an hour. ``None`` if it does not ask.
    """


@public
class RevocationError(_EndpointError, TickTickAuthError):
    """The token was not revoked (RFC 7009), and nothing was forgotten.

    Its fields are those of :exc:`~requests_ticktick.TokenEndpointError`.
    """


@public
class RegistrationError(_EndpointError, SignOnError):
    """No client was registered (RFC 7591).

    Its fields are those of :exc:`~requests_ticktick.TokenEndpointError`.
    """


@public
class InvalidTokenError(TickTickAuthError, ValueError):
    """A value that should be a token is not one."""


@public
class TokenStoreError(TickTickAuthError):
    """A token store cannot be read or written.

    :param location: The store's path, variable or key. Never its content.
    """

    def __init__(self, message: str = "", location: str | None = None) -> None:
        super().__init__(message)
        self.location = location


@public
class LockTimeoutError(TickTickAuthError):
    """Another process or thread held a store's lock for too long.

    :param holder: Its process id, host and since when, as far as known.
    """

    def __init__(self, message: str = "", holder: str | None = None) -> None:
        super().__init__(message)
        self.holder = holder


@public
class InsecureTransportError(TickTickAuthError, ValueError):
    """A secret would have been sent without encryption (RFC 6749 1.6)."""


@contextmanager
def only_our_errors() -> Iterator[None]:
    """Convert other exceptions to our own; Ctrl-C and its like pass.

    :raises TickTickAuthError: Another exception was raised, which is its
    cause.
    """
    try:
        yield
    except TickTickAuthError:
        raise
    except Exception as error:
        advice = "A token store of your own should raise TokenStoreError."
        is_exiting = sys.is_finalizing() or sys.meta_path is None
        if isinstance(error, ImportError) and is_exiting:
            advice = "Python is exiting: get the token earlier."
        raise TickTickAuthError(
            f"Getting a token ended in {type(error).__name__}, which is this error's "
            f"__cause__ and has the traceback. {advice}"
        ) from error
