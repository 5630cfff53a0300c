"""What the tests of the clients beside requests share."""

from __future__ import annotations

import pytest
from ways_in import NAMES, Way
from wire_servers import TOKENS, Server


@pytest.fixture(params=NAMES)
def way(request, require_module):
    """Each client in turn, in each of its ways."""
    return Way(request.param, require_module)


@pytest.fixture(
    params=[name for name, (_, runs_in) in NAMES.items() if runs_in != "sync"]
)
def loop_way(request, require_module):
    """Each of those that run in an event loop."""
    return Way(request.param, require_module)


@pytest.fixture(params=["httpx", "httpx2"])
def sync_way(request, require_module):
    """Each of those that block."""
    return Way(request.param, require_module)


@pytest.fixture(params=[name for name in NAMES if name != "aiohttp"])
def httpx_way(request, require_module):
    """Each way to call httpx and httpx2."""
    return Way(request.param, require_module)


@pytest.fixture
def server(secrets):
    """A server that writes down what it sees."""
    secrets.add(*TOKENS)
    with Server() as running:
        yield running
