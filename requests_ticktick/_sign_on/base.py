"""The sign-on type, and the sign-ons that need no module of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from .._errors import SignOnRequiredError

if TYPE_CHECKING:
    from .._grant.request import AuthorizationRequest

#: Shows a person the authorization page, and returns the URL redirected to.
SignOn: TypeAlias = "Callable[[AuthorizationRequest], str]"

#: The advice where no person can be asked.
LOGIN_ADVICE = (
    "Run: requests-ticktick login (where there is a browser or a terminal, with the "
    "same client id, TICKTICK_CLIENT_ID, and token store; or set TICKTICK_TOKEN)."
)


def refuse(request: AuthorizationRequest) -> NoReturn:
    """Ask nobody. Use it in a program that no person watches.

    :raises SignOnRequiredError: Always. The message names the command to run.
    """
    refuse_all()


def refuse_all() -> NoReturn:
    """Raise the error of a sign-on that asks nobody."""
    raise SignOnRequiredError(f"No usable TickTick token. {LOGIN_ADVICE}")


def default_sign_on(request: AuthorizationRequest) -> str:
    """Sign on by browser or terminal, or refuse if no person can be here.

    The choice is made at the call, because an auth object may be created at a
    desk and used in a worker.

    :raises SignOnRequiredError: No person can be here.
    :raises SignOnError: The sign-on failed.
    """
    from .choice import by_person, require_person  # most processes need none

    require_person(default_sign_on)
    return by_person(request)
