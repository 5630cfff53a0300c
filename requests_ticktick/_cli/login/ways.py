"""The ways in which a person can sign on from the command line."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..._sign_on import ConsoleSignOn, LoopbackSignOn, SignOn, by_person
from ..._sign_on.loopback import loopback_parts
from ..._sign_on.terminal import terminal_is_here
from .waiting import Waiting

if TYPE_CHECKING:
    from ..._grant.request import AuthorizationRequest

#: Seconds that a person has to sign on: while the command waits, and between
#: two commands.
DEFAULT_SECONDS, BEGUN_SECONDS = 300.0, 3600.0


def _open_none(url: str) -> None:
    """Open no browser, and do not say that it failed."""


#: How each is made, with the time-out in seconds and where it writes.
WAYS: dict[str | None, Callable[[float, Any], SignOn]] = {
    None: lambda seconds, output: functools.partial(
        by_person, timeout=seconds, output=output
    ),
    "console": lambda seconds, output: ConsoleSignOn(timeout=seconds, output=output),
    "code": lambda seconds, output: ConsoleSignOn(
        allow_bare_code=True, timeout=seconds, output=output
    ),
    "listen": lambda seconds, output: LoopbackSignOn(
        seconds, _open_none, output=output
    ),
}


def asking(way: str | None, timeout: float, waiting: Waiting) -> SignOn:
    """Return a sign-on that shows a person how long it still waits.

    :param way: A key of :data:`WAYS`.
    :param timeout: Seconds until it fails.
    """
    sign_on = WAYS[way](timeout, waiting)

    def ask(request: AuthorizationRequest) -> str:
        listens = way == "listen" or (
            way is None and loopback_parts(request.redirect_uri) is not None
        )
        what, hint = _words(request.redirect_uri, listens=listens)
        with waiting.until(timeout, what, hint):
            return sign_on(request)

    return ask


def _words(redirect_uri: str, *, listens: bool) -> tuple[str, str]:
    """Return what follows the countdown, and the hint."""
    can_paste = not listens or terminal_is_here()
    hint = "Still waiting. If the browser shows an error instead of a question, "
    if can_paste:
        hint += "paste its text here, and you are told what to do. It may be that "
    else:
        hint += "it may be that "
    hint += (
        f"{redirect_uri} is not, letter for letter, your app's redirect URI in the "
        "developer portal. "
    )
    if not listens:
        hint += (
            "The address to paste is in the browser's address bar, also where no page "
            "is shown."
        )
    elif can_paste:
        hint += (
            "If the browser is on another machine, it ends up at a page that does not "
            "load: paste that page's address here."
        )
    else:
        hint += (
            "If the browser is on another machine, stop this command and run: "
            "requests-ticktick login --console"
        )
    return (". Paste: " if can_paste else ", waiting for the browser"), hint
