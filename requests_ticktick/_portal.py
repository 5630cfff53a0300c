"""Where a person registers an app by hand."""

from __future__ import annotations

from ._service import DIDA365, TICKTICK, Service

_PORTALS = {
    TICKTICK.token_endpoint: "https://developer.ticktick.com/manage",
    DIDA365.token_endpoint: "https://developer.dida365.com/manage",
}


def register_by_hand(service: Service) -> str:
    """Return the advice to do so, as a sentence."""
    portal = _PORTALS.get(service.token_endpoint, "the service's developer portal")
    return (
        f"Register an app at {portal}, and pass its client id and secret: "
        "TickTickAuth(client_id, client_secret, redirect_uri)."
    )
