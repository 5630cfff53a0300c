"""What the types promise to those who use httpx, httpx2 or aiohttp.

Nothing here is run; see ``api.py``.
"""

from __future__ import annotations

import aiohttp
import httpx
import httpx2
from typing_extensions import assert_type

import requests_ticktick
from requests_ticktick import TICKTICK_MCP, MemoryStore, Token, refuse
from requests_ticktick.aiohttp import TickTickMiddleware
from requests_ticktick.httpx import TickTickAuth
from requests_ticktick.httpx2 import TickTickAuth as TickTickAuth2


def each_library_takes_its_own() -> None:
    httpx.Client(auth=TickTickAuth())
    httpx.AsyncClient(auth=TickTickAuth())
    httpx2.Client(auth=TickTickAuth2(service=TICKTICK_MCP))
    httpx2.AsyncClient(auth=TickTickAuth2())
    httpx.get("https://api.ticktick.com/open/v1/project", auth=TickTickAuth())


def and_no_other(client: httpx2.Client) -> None:
    client.auth = TickTickAuth()  # type: ignore[assignment]  # refused, as it should be


def it_is_made_like_that_of_requests(auth: requests_ticktick.TickTickAuth) -> None:
    assert_type(TickTickAuth.of(auth), TickTickAuth)
    assert_type(TickTickAuth.from_token("tp_...").peek(), Token | None)
    TickTickAuth("id", "secret", store=MemoryStore(), sign_on=refuse)
    TickTickAuth(stor=MemoryStore())  # type: ignore[call-arg]  # refused, as it should be
    TickTickAuth.of("id")  # type: ignore[arg-type]  # refused, as it should be


async def aiohttp_takes_the_middleware(auth: TickTickAuth) -> None:
    for middleware in (
        TickTickMiddleware(),
        TickTickMiddleware(auth),
        TickTickMiddleware.of(auth),
        TickTickMiddleware("id", "secret", sign_on=refuse),
    ):
        async with aiohttp.ClientSession(middlewares=[middleware]) as session:
            await session.get("https://api.ticktick.com/open/v1/project")
        assert_type(middleware.auth.token(), Token)
