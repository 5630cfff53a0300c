"""The sign-on type, the search for a person, and the sign-on that refuses."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from .._errors import SignOnRequiredError
from .display import display_is_here, is_driven
from .prompt import prompt_is_here
from .terminal import terminal_is_here

if TYPE_CHECKING:
    from .._grant import AuthorizationRequest

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


def person_can_be_here(*, by_command: bool = False) -> bool:
    """Whether a person could see a URL and act on it.

    That is so at a terminal, in a notebook, and at a display unless another
    program drives this one. It is never so in continuous integration.

    :param by_command: Whether a command asked for the sign-on. Then it does
        not matter whether another program gave that command.
    """
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        return False
    if terminal_is_here() or prompt_is_here():
        return True
    return display_is_here() and (by_command or not is_driven())
