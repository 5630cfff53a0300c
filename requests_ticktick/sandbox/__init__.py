"""A TickTick on a loopback port: no account, no network, failures on demand.

::

    from requests_ticktick.sandbox import Sandbox

    with Sandbox() as sandbox:
        sandbox.service        # where its endpoints are
        sandbox.sign_on        # grants consent without a browser
        sandbox.revoke_all()   # and see what your program does
        sandbox.sign_ons       # how many times access was granted

It is a real HTTP server around oauthlib's authorization server. Of the rest
of the package, which is tested with it, it imports ``service`` alone.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._assembly import Sandbox as Sandbox
    from ._consent import AuthorizationPageError as AuthorizationPageError
    from ._consent import SandboxSignOn as SandboxSignOn
    from ._request_log import Received as Received

__all__ = ["AuthorizationPageError", "Received", "Sandbox", "SandboxSignOn"]

_MODULES = {
    "AuthorizationPageError": "_consent",
    "Received": "_request_log",
    "Sandbox": "_assembly",
    "SandboxSignOn": "_consent",
}

if find_spec("flask") is None:
    raise ImportError(
        "The sandbox needs Flask: pip install 'requests-ticktick[sandbox]'"
    )


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used.

    A worker process that unpickles :attr:`Sandbox.sign_on` is a client. It
    need not import a web framework.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_MODULES[name]}", __name__), name)
