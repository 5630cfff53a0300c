"""What is used where neither a program nor a command line says otherwise."""

from __future__ import annotations

from .stores import ChainStore, EnvStore, FileStore, TokenStore

#: How long before its expiry a token is renewed.
LEEWAY_SECONDS = 60.0

#: All that TickTick's API can be used for.
SCOPE = "tasks:read tasks:write"


def default_store() -> TokenStore:
    """Return a chain: ``$TICKTICK_TOKEN``, then a private file."""
    return ChainStore([EnvStore("TICKTICK_TOKEN"), FileStore()])
