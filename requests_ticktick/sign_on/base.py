"""What a sign-on is, who may be there for one, and the one that says no."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from ..errors import SignOnRequiredError
from .terminal import terminal_is_here

if TYPE_CHECKING:
    from ..grant import AuthorizationRequest

#: Shows a person where to grant access; returns where they were sent next.
SignOn: TypeAlias = "Callable[[AuthorizationRequest], str]"


def refuse(request: AuthorizationRequest) -> NoReturn:
    """Ask nobody: the sign-on of a program that no person watches.

    :raises SignOnRequiredError: Always; it names the command to run.
    """
    raise SignOnRequiredError(
        "No usable TickTick token. Run: requests-ticktick login where there is a "
        "browser or a terminal, with the same client id and token store; or set "
        "TICKTICK_TOKEN."
    )


def person_can_be_here() -> bool:
    """Whether somebody could see a URL and act on it.

    Not in continuous integration; else where standard input and standard
    error are a terminal, or where a browser could show itself.
    """
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        return False
    return terminal_is_here() or display_is_here()


def display_is_here() -> bool:
    """Whether a browser that is opened here would be seen by anybody."""
    if os.environ.get("BROWSER"):
        return True
    if sys.platform in ("darwin", "win32"):
        # Over SSH the windows would open on somebody else's desk.
        return not os.environ.get("SSH_CONNECTION")
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
