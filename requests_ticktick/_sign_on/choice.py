"""The default sign-on, which is chosen when a token is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import SignOn, person_can_be_here, refuse, refuse_all
from .console import ConsoleSignOn
from .display import display_is_here
from .loopback import LoopbackSignOn, loopback_parts
from .prompt import prompt_is_here
from .terminal import terminal_is_here

if TYPE_CHECKING:
    from typing import TextIO

    from .._grant import AuthorizationRequest

#: Seconds that a browser may take to start. A job at a display that nobody
#: watches waits no longer.
BROWSER_SECONDS = 15.0


def default_sign_on(request: AuthorizationRequest) -> str:
    """Sign on by browser or terminal, or refuse if no person can be here.

    The choice is made at the call, because an auth object may be created at a
    desk and used in a worker.

    :raises SignOnRequiredError: No person can be here.
    :raises SignOnError: The sign-on failed.
    """
    require_person(default_sign_on)
    return by_person(request)


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
