"""The token for ``httpx``, by way of its ``Client`` and ``AsyncClient``.

::

    client = httpx.Client(auth=TickTickAuth())
    client.get("https://api.ticktick.com/open/v1/project")
"""

from __future__ import annotations

from typing import Any, ClassVar

try:
    import httpx
except ImportError as error:
    raise ImportError(
        "requests_ticktick.httpx needs httpx: pip install 'requests-ticktick[httpx]'"
    ) from error

from ._flow.httpx_flow import HttpxFlow, TokenHeaders


class _Headers(TokenHeaders, httpx.Headers):
    plain = httpx.Headers


class TickTickAuth(HttpxFlow, httpx.Auth):
    """Attaches a valid bearer token to requests of httpx for the API.

    It is made like :class:`requests_ticktick.TickTickAuth`, does all that that
    one does, and serves requests as well. In an ``AsyncClient`` nothing blocks
    the event loop, be it asyncio's or trio's.
    """

    library: ClassVar[Any] = httpx
    headers_with_token: ClassVar[Any] = _Headers
