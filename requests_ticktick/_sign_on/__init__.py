"""How a person grants access: in a browser, at a terminal, or not at all.

A sign-on is a callable that takes an
:class:`~requests_ticktick.AuthorizationRequest` and returns the URL that
the person was redirected to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazily

if TYPE_CHECKING:
    from .base import SignOn, default_sign_on, refuse
    from .choice import by_person, person_can_be_here, require_person
    from .console import ConsoleSignOn
    from .loopback import LoopbackSignOn
else:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "base": ["SignOn", "default_sign_on", "refuse"],
            "choice": ["by_person", "person_can_be_here", "require_person"],
            "console": ["ConsoleSignOn"],
            "loopback": ["LoopbackSignOn"],
        },
    )

__all__ = [
    "ConsoleSignOn",
    "LoopbackSignOn",
    "SignOn",
    "by_person",
    "default_sign_on",
    "person_can_be_here",
    "refuse",
    "require_person",
]
