"""The token for ``httpx2``, by way of its ``Client`` and ``AsyncClient``.

::

    client = httpx2.Client(auth=TickTickAuth())
    client.get("https://api.ticktick.com/open/v1/project")
"""

from __future__ import annotations

from typing import Any, ClassVar

try:
    import httpx2
except ImportError as error:
    raise ImportError(
        "requests_ticktick.httpx2 needs httpx2: pip install 'requests-ticktick[httpx2]'"
    ) from error

from ._flow.httpx_flow import HttpxFlow, TokenHeaders


class _Headers(TokenHeaders, httpx2.Headers):
    plain = httpx2.Headers


class TickTickAuth(HttpxFlow, httpx2.Auth):
    """Attaches a valid bearer token to requests of httpx2 for the API.

    It is made like :class:`requests_ticktick.TickTickAuth`, does all that that
    one does, and serves requests as well. In an ``AsyncClient`` nothing blocks
    the event loop, be it asyncio's or trio's.
    """

    library: ClassVar[Any] = httpx2
    headers_with_token: ClassVar[Any] = _Headers
