"""What the tests of other libraries share."""

from __future__ import annotations

import pytest
from wire_servers import TOKENS, Server


@pytest.fixture
def server(secrets):
    secrets.add(*TOKENS)
    with Server() as server:
        yield server
