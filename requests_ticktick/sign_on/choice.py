"""The default sign-on: whichever can work here, decided when it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import person_can_be_here, refuse
from .console import ConsoleSignOn
from .loopback import LoopbackSignOn, loopback_parts
from .terminal import terminal_is_here

if TYPE_CHECKING:
    from ..grant import AuthorizationRequest


def automatic(request: AuthorizationRequest) -> str:
    """Choose the listener, the terminal or the refusal when called.

    An auth object may be made at a desk and used in a worker: what is here
    counts, not what was there.

    :raises SignOnRequiredError: No person can be here.
    :raises SignOnError: They were asked, and it failed.
    """
    if not person_can_be_here():
        refuse(request)
    if loopback_parts(request.redirect_uri) is not None:
        return LoopbackSignOn()(request)
    if not terminal_is_here():
        # A browser alone has no way to hand the redirect to this program.
        refuse(request)
    return ConsoleSignOn()(request)
