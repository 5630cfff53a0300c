"""What the tests of clients that register themselves have in common."""

from __future__ import annotations

import pytest
import requests
from ports import free_port

from requests_ticktick import Service


@pytest.fixture
def new_session():
    """A session without an auth, which is closed."""
    with requests.Session() as session:
        yield session


@pytest.fixture
def own_default_uri(monkeypatch):
    """The default redirect URI's port is the machine's, and others test too."""
    uri = f"http://127.0.0.1:{free_port()}/callback"
    monkeypatch.setattr(Service, "default_redirect_uri", property(lambda _: uri))
    return uri
