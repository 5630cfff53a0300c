"""The services by the names that people give them."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from ._pasted import unwrapped
from ._service import DIDA365, TICKTICK, Service
from ._urls import is_loopback

#: The services' names in ``TICKTICK_SERVICE`` and ``--service``.
NAMES = {"ticktick": TICKTICK, "dida365": DIDA365}


def named(name: str) -> Service | None:
    """Return the service that has this name, if there is one.

    :param name: ``ticktick``, ``dida365``, or the address of a sandbox.
    """
    base = sandbox_base(name)
    return NAMES.get(name.lower()) if base is None else sandbox_service(base)


def sandbox_base(text: str) -> str | None:
    """Return ``http://host:port`` if the text can be a sandbox's address."""
    try:
        parts = urlsplit(text.lower())
        port = parts.port
    except ValueError:
        return None
    if parts.scheme != "http" or not is_loopback(parts.hostname) or port == 0:
        return None
    if (
        parts.path not in ("", "/")
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
    ):
        return None
    return f"http://{parts.netloc}"


def sandbox_service(base: str) -> Service:
    """Return the service of a sandbox at a base URL."""
    oauth = f"{base}/oauth"
    return Service(
        f"{oauth}/authorize",
        f"{oauth}/token",
        [f"{base}/open/"],
        revocation_endpoint=f"{oauth}/revoke",
        registration_endpoint=f"{oauth}/register",
    )


def service_of_environment() -> tuple[Service | None, str]:
    """Return the service that ``TICKTICK_SERVICE`` names, and the reason.

    Without the variable, it is TickTick.

    :returns: No service if the variable names none.
    """
    name = unwrapped(os.environ.get("TICKTICK_SERVICE", ""))
    if not name:
        return TICKTICK, "as long as TICKTICK_SERVICE names no other"
    chosen = named(name)
    if chosen is not None:
        return chosen, "as TICKTICK_SERVICE says"
    return None, (
        f"since TICKTICK_SERVICE is {name!r}: set it to {', '.join(NAMES)}, or to the "
        "address of a sandbox"
    )
