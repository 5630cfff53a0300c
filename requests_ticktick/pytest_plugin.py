"""Fixtures for programs that use TickTick. pytest finds them by itself.

Every run of pytest imports this module, whether it uses a fixture or not. So
each of them imports what it needs.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import requests

    from .sandbox import Sandbox


@pytest.fixture
def ticktick_sandbox() -> Iterator[Sandbox]:
    """Start a TickTick on the loopback interface, new for this test.

    It is a :class:`~requests_ticktick.sandbox.Sandbox`.
    """
    from .sandbox import Sandbox

    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def ticktick_session(ticktick_sandbox: Sandbox) -> Iterator[requests.Session]:
    """Make a session whose requests carry a token of ``ticktick_sandbox``.

    ``ticktick_session.auth`` is a :class:`~requests_ticktick.TickTickAuth`. It
    signs on at the first request, and its token is kept in memory.
    """
    import requests

    from . import MemoryStore, TickTickAuth

    sandbox = ticktick_sandbox
    with requests.Session() as session:
        session.auth = TickTickAuth(
            client_id=sandbox.client_id,
            client_secret=sandbox.client_secret,
            redirect_uri=sandbox.redirect_uri,
            store=MemoryStore(),
            sign_on=sandbox.sign_on,
            service=sandbox.service,
        )
        yield session


@pytest.fixture
def ticktick_offline(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Sandbox]:
    """Put a sandbox in TickTick's place, for programs as they are.

    What this process and the Python processes that it starts send to
    ``https://api.ticktick.com`` by requests or httpx reaches the sandbox. Any
    other host but this machine is refused: ``requests.ConnectionError``. A
    bare ``TickTickAuth()`` finds a token and the credentials of an app.
    Nobody is there to be asked for another.
    """
    from ._offline import Offline
    from ._offline_sandbox import OfflineSandbox, write_sitecustomize

    folder = tmp_path_factory.mktemp("ticktick")
    state, hook = folder / "requests-ticktick", folder / "python"
    hook.mkdir()
    sandbox = OfflineSandbox()
    with sandbox:
        offline = Offline(sandbox.url(""), str(state))
        _set_variables(monkeypatch, sandbox, state / "default.json", hook)
        write_sitecustomize(str(hook), sandbox.url(""), str(state))
        offline.start()
        try:
            sandbox.save_token(str(state / "default.json"))
            yield sandbox
        finally:
            offline.stop()


def _set_variables(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, file: Path, hook: Path
) -> None:
    """Have programs find the sandbox's app and token, and nothing personal."""
    proxies = ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY")
    service = os.environ.get("TICKTICK_SERVICE", "").lower()
    for name in list(os.environ):
        if name.startswith("TICKTICK_") or name.upper() in proxies:
            monkeypatch.delenv(name)
    if service == "dida365":
        monkeypatch.setenv("TICKTICK_SERVICE", service)
    monkeypatch.setenv("TICKTICK_TOKEN_FILE", str(file))
    monkeypatch.setenv("TICKTICK_CLIENT_ID", sandbox.client_id)
    monkeypatch.setenv("TICKTICK_CLIENT_SECRET", str(sandbox.client_secret))
    monkeypatch.setenv("CI", "true")  # as where no person is
    monkeypatch.setenv("PYTHONPATH", str(hook), prepend=os.pathsep)
