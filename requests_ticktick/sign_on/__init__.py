"""How a person grants access: in a browser, at a terminal, or not at all.

A sign-on is any callable that takes an
:class:`~requests_ticktick.grant.AuthorizationRequest` and returns the URL that
the person was redirected to. These are the ones that come along.
"""

from __future__ import annotations

from .base import SignOn, person_can_be_here, refuse
from .choice import automatic, by_person
from .console import ConsoleSignOn
from .loopback import LoopbackSignOn

__all__ = [
    "ConsoleSignOn",
    "LoopbackSignOn",
    "SignOn",
    "automatic",
    "by_person",
    "person_can_be_here",
    "refuse",
]
