"""What several tests of the sandbox begin with."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from sandbox_app import SECONDS, App

from requests_ticktick.sandbox import Sandbox


@pytest.fixture
def app(sandbox: Sandbox) -> App:
    """The app that is registered with the sandbox."""
    return App(sandbox)


@pytest.fixture
def token(sandbox: Sandbox) -> str:
    """A valid token, issued without a sign-on."""
    return sandbox.issue_token()


@pytest.fixture
def wire(sandbox: Sandbox) -> Iterator[Callable[[], socket.socket]]:
    """Make bare connections to the sandbox."""
    parts = urlsplit(sandbox.url())
    made = []

    def connect() -> socket.socket:
        made.append(socket.create_connection((parts.hostname, parts.port), SECONDS))
        return made[-1]

    yield connect
    for each in made:
        each.close()
