"""What several tests of the source begin with."""

from __future__ import annotations

import pytest
from clients import Faulty


@pytest.fixture
def store():
    """A store that is full for now."""
    store = Faulty()
    store.full = True
    return store
