"""Clients that nobody has registered an app for, as tests make them."""

from __future__ import annotations

from requests_ticktick import MemoryStore, TickTickAuth


def registering_client(sandbox, store=None, *, sign_on=None, **options):
    """Return an auth for the sandbox that registers its client."""
    return TickTickAuth(
        store=MemoryStore() if store is None else store,
        sign_on=sandbox.sign_on if sign_on is None else sign_on,
        service=options.pop("service", sandbox.service),
        register=options.pop("register", True),
        **options,
    )
