"""Which TickTick a command talks to."""

from __future__ import annotations

from urllib.parse import urlsplit

import requests

from ..service import DIDA365, TICKTICK, Service, is_loopback

#: How each is called on the command line, by a person, and where its apps are
#: registered.
NAMED = {
    "ticktick": (TICKTICK, "TickTick", "https://developer.ticktick.com/manage"),
    "dida365": (DIDA365, "Dida365", "https://developer.dida365.com/manage"),
}


def sandbox_base(text: str) -> str | None:
    """Return ``http://host:port`` if that is a running sandbox's address."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme != "http" or not is_loopback(parts.hostname) or port == 0:
        return None
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        return None
    return f"http://{parts.netloc}"


def sandbox_service(base: str) -> Service:
    """Return the endpoints of the sandbox at a base URL."""
    return Service(f"{base}/oauth/authorize", f"{base}/oauth/token", [base])


def new_session(service: Service) -> requests.Session:
    """Return a session that reaches the service from here."""
    session = requests.Session()
    # A proxy that is configured for the world has no way to this machine.
    session.trust_env = service in (TICKTICK, DIDA365)
    return session


def projects_url(service: Service) -> str:
    """Return the cheapest address that a token can be tried at."""
    return f"{service.api_origins[0]}/open/v1/project"
