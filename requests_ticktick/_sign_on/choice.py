"""Whether a person can be here, and how the default sign-on reaches one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .base import SignOn, default_sign_on, refuse, refuse_all
from .console import ConsoleSignOn
from .display import display_is_here, is_driven
from .loopback import LoopbackSignOn, loopback_parts
from .prompt import prompt_is_here
from .terminal import terminal_is_here

if TYPE_CHECKING:
    from typing import TextIO

    from .._grant.request import AuthorizationRequest

#: Seconds that a browser may take to start. A job at a display that nobody
#: watches waits no longer.
BROWSER_SECONDS = 15.0


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


def require_person(sign_on: SignOn) -> None:
    """Require that a sign-on could reach a person, as far as is known.

    :raises SignOnRequiredError: It would refuse.
    """
    if sign_on is refuse or (sign_on is default_sign_on and not person_can_be_here()):
        refuse_all()


def by_person(
    request: AuthorizationRequest,
    *,
    timeout: float = 300.0,
    output: TextIO | None = None,
) -> str:
    """Sign on by browser or terminal.

    :param timeout: Seconds until the sign-on fails.
    :param output: Where to write. Default: standard error.
    :raises SignOnRequiredError: Neither can reach a person.
    :raises SignOnError: The sign-on failed.
    """
    terminal = terminal_is_here()
    if loopback_parts(request.redirect_uri) is not None:
        if terminal:
            return LoopbackSignOn(timeout, output=output)(request)
        if display_is_here():
            sign_on = LoopbackSignOn(
                timeout, output=output, browser_timeout=BROWSER_SECONDS
            )
            return sign_on(request)
    if not (terminal or prompt_is_here()):
        # Without a listener, a browser cannot return the redirect.
        refuse(request)
    return ConsoleSignOn(timeout=timeout, output=output)(request)
