"""A TickTick on a loopback port: no account, no network, failures on demand.

::

    from requests_ticktick.sandbox import Sandbox

    with Sandbox() as sandbox:
        sandbox.service        # where its endpoints are
        sandbox.sign_on        # grants consent without a browser
        sandbox.revoke_all()   # and see what your program does
        sandbox.sign_ons       # how often a person was asked

It is a real HTTP server around oauthlib's authorization server, and imports
nothing of the code that it is used to test but
:class:`~requests_ticktick.service.Service`.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .observed import Received as Received
    from .server import Sandbox as Sandbox
    from .sign_on import AuthorizationPageError as AuthorizationPageError
    from .sign_on import SandboxSignOn as SandboxSignOn

__all__ = ["AuthorizationPageError", "Received", "Sandbox", "SandboxSignOn"]

_HOMES = {
    "AuthorizationPageError": "sign_on",
    "Received": "observed",
    "Sandbox": "server",
    "SandboxSignOn": "sign_on",
}

if find_spec("flask") is None:
    raise ImportError(
        "The sandbox needs Flask: pip install 'requests-ticktick[sandbox]'"
    )


def __getattr__(name: str) -> Any:
    """Import the server where it is asked for.

    A worker process that unpickles :attr:`Sandbox.sign_on` is a client: it
    should not have to wait for a web framework.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
