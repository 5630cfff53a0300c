"""The default sign-on: whichever can work here, decided when it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import person_can_be_here, refuse
from .console import ConsoleSignOn
from .display import display_is_here
from .loopback import LoopbackSignOn, loopback_parts
from .prompt import prompt_is_here
from .terminal import terminal_is_here

if TYPE_CHECKING:
    from ..grant import AuthorizationRequest

#: Seconds that a browser may take to start. A job that nobody watches, though
#: a display is there, waits no longer.
_BROWSER_TIMEOUT = 15.0


def automatic(request: AuthorizationRequest) -> str:
    """Choose the listener, the terminal or the refusal when called.

    An auth object may be made at a desk and used in a worker: what is here
    counts, not what was there.

    :raises SignOnRequiredError: No person can be here.
    :raises SignOnError: They were asked, and it failed.
    """
    if not person_can_be_here():
        refuse(request)
    return by_person(request)


def by_person(request: AuthorizationRequest) -> str:
    """Choose the listener or the terminal, where a person is to be asked.

    :raises SignOnRequiredError: Neither can reach anybody.
    :raises SignOnError: They were asked, and it failed.
    """
    terminal = terminal_is_here()
    if loopback_parts(request.redirect_uri) is not None:
        if terminal:
            return LoopbackSignOn()(request)
        if display_is_here():
            return LoopbackSignOn(browser_timeout=_BROWSER_TIMEOUT)(request)
    if not (terminal or prompt_is_here()):
        # A browser alone has no way to hand the redirect to this program.
        refuse(request)
    return ConsoleSignOn()(request)
