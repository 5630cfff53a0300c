"""The token for aiohttp, by way of a middleware of its client.

::

    session = aiohttp.ClientSession(middlewares=[TickTickMiddleware()])
    await session.get("https://api.ticktick.com/open/v1/project")
"""

from __future__ import annotations
