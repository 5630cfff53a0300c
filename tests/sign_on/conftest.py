"""What several tests of the sign-ons begin with."""

from __future__ import annotations

import io
import sys

import pytest
from people import PERSONAL, Person
from ports import free_port


@pytest.fixture
def person():
    """Somebody at a terminal."""
    with Person() as person:
        yield person


@pytest.fixture
def redirect_uri():
    """A redirect URI that nobody waits at yet."""
    return f"http://127.0.0.1:{free_port()}/callback"


@pytest.fixture
def nobody(monkeypatch):
    """No terminal, no display, no continuous integration."""
    for variable in PERSONAL:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys, "platform", "linux")
