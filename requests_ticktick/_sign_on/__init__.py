"""How a person grants access: in a browser, at a terminal, or not at all.

A sign-on is a callable that takes an
:class:`~requests_ticktick.AuthorizationRequest` and returns the URL that
the person was redirected to.
"""

from __future__ import annotations

from .base import SignOn, person_can_be_here, refuse
from .choice import by_person, default_sign_on, require_person
from .console import ConsoleSignOn
from .loopback import LoopbackSignOn

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
