"""Which TickTick a command talks to."""

from __future__ import annotations

import requests

from ..service import DIDA365, TICKTICK, Service

#: What a person calls each, and where its apps are registered.
NAMED = {
    "ticktick": ("TickTick", "https://developer.ticktick.com/manage"),
    "dida365": ("Dida365", "https://developer.dida365.com/manage"),
}


def new_session(service: Service) -> requests.Session:
    """Return a session that reaches the service from here."""
    session = requests.Session()
    # A proxy that is configured for the world has no way to this machine.
    session.trust_env = service in (TICKTICK, DIDA365)
    return session


def projects_url(service: Service) -> str:
    """Return the cheapest address that a token can be tried at."""
    return f"{service.api_origins[0]}/open/v1/project"
