"""The sandbox that stands in TickTick's place while a test is offline."""

from __future__ import annotations

import os
import time
import uuid
from types import SimpleNamespace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from . import FileStore, Token, _offline
from ._service import DIDA365, TICKTICK
from .sandbox import Sandbox, SandboxSignOn

if TYPE_CHECKING:
    from .sandbox._consent import HasURL

#: What Python runs at its start. An address in a variable would be a way to
#: have somebody's real token sent elsewhere; this is code, of this test alone.
_SITECUSTOMIZE = """\
# Written by the pytest fixture ticktick_offline, for the processes of a test.
import importlib.util, sys
spec = importlib.util.spec_from_file_location("_ticktick_offline", {file!r})
module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.Offline({base!r}, {state!r}).start()
module.run_hidden("sitecustomize", {folder!r})
"""


class OfflineSandbox(Sandbox):
    """A sandbox whose app is registered as programs expect of TickTick's."""

    def __init__(self) -> None:
        super().__init__()
        services = (TICKTICK, DIDA365)
        self.redirect_uris = [service.default_redirect_uri for service in services]

    @property
    def sign_on(self) -> SandboxSignOn:
        """A sign-on that grants what TickTick is asked for."""
        return _OfflineSignOn(self.url(""))

    def save_token(self, path: str) -> None:
        """Save a token, as somebody who has signed on before the program runs.

        It names no app and no service, so that it is for each program.
        """
        value, now = self.issue_token(str(uuid.uuid4())), time.time()
        lifetime = float(self.expires_in or 0)
        FileStore(path).save(Token(value, expires_at=now + lifetime, issued_at=now))


class _OfflineSignOn(SandboxSignOn):
    """Opens the sandbox's page instead of TickTick's.

    :param base: The sandbox: ``http://127.0.0.1:port``.
    """

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base

    def __call__(self, request: HasURL) -> str:
        parts = urlsplit(request.url)
        url = f"{self._base}{parts.path}?{parts.query}"
        return super().__call__(SimpleNamespace(url=url))


def write_sitecustomize(folder: str, base: str, state: str) -> None:
    """Write what has each Python process that finds the folder go offline.

    :param folder: It goes to the front of ``PYTHONPATH``.
    """
    text = _SITECUSTOMIZE.format(
        file=_offline.__file__, base=base, state=state, folder=folder
    )
    with open(os.path.join(folder, "sitecustomize.py"), "w", encoding="utf-8") as file:
        file.write(text)
