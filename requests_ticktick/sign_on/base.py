"""What a sign-on is, who may be there for one, and the one that says no."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from ..errors import SignOnRequiredError
from .display import display_is_here, is_driven
from .prompt import prompt_is_here
from .terminal import terminal_is_here

if TYPE_CHECKING:
    from ..grant import AuthorizationRequest

#: Shows a person where to grant access; returns where they were sent next.
SignOn: TypeAlias = "Callable[[AuthorizationRequest], str]"

#: What to do where nobody can be asked.
ELSEWHERE = (
    "Run: requests-ticktick login where there is a browser or a terminal, with the "
    "same client id and token store; or set TICKTICK_TOKEN."
)


def refuse(request: AuthorizationRequest) -> NoReturn:
    """Ask nobody: the sign-on of a program that no person watches.

    :raises SignOnRequiredError: Always; it names the command to run.
    """
    raise SignOnRequiredError(f"No usable TickTick token. {ELSEWHERE}")


def person_can_be_here(*, by_command: bool = False) -> bool:
    """Whether somebody could see a URL and act on it.

    Not in continuous integration; else where standard input and standard
    error are a terminal, in a notebook, or where a browser could show itself
    to somebody who does not only see what another program makes of this one.

    :param by_command: Whether a command has just asked for a sign-on, so that
        it does not matter who gave that command.
    """
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        return False
    if terminal_is_here() or prompt_is_here():
        return True
    return display_is_here() and (by_command or not is_driven())
