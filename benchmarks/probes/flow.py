"""Print what the step of an asynchronous client's auth costs, in httpx2.

Each flow is run as ``AsyncClient`` runs it for a 200: to the request that is
sent, and to its end.
"""

from __future__ import annotations

import sys

sys.path.append(__file__.rsplit("probes", 1)[0])

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Generator

import httpx2
from repeating import Repeated, interleaved
from ways import HEADER, TOKEN, URL


class Static(httpx2.Auth):
    """The floor: what httpx2's documentation shows as an auth of one's own."""

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers[HEADER] = f"Bearer {TOKEN}"
        yield request


def auths(peer: str) -> dict[str, httpx2.Auth]:
    if peer == "authlib":
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        token = {"access_token": TOKEN, "token_type": "Bearer", "expires_at": 2**32}
        client = AsyncOAuth2Client("id", "secret", token=token)
        return {"Authlib, AsyncOAuth2Client": client.token_auth}
    if peer == "httpx2":
        return {"httpx2, BasicAuth": httpx2.BasicAuth("name", "password")}
    from requests_ticktick import MemoryStore, Token
    from requests_ticktick.httpx2 import TickTickAuth

    now = time.time()
    store = MemoryStore(Token(TOKEN, expires_at=now + 1e7, issued_at=now))
    return {"requests-ticktick, TickTickAuth of httpx2": TickTickAuth(store=store)}


def main(peer: str, rounds: int) -> None:
    loop, found = asyncio.new_event_loop(), {}
    for name, auth in auths(peer).items():
        things = [_flow(auth, loop), _flow(Static(), loop)]
        measured = list(interleaved(things, rounds))
        found[name] = {
            "us": [own for own, _ in measured],
            "ratio": [own / floor for own, floor in measured],
        }
    print(json.dumps(found))


def _flow(auth: httpx2.Auth, loop: asyncio.AbstractEventLoop) -> Repeated:
    async def run(count: int) -> None:
        response = httpx2.Response(200)
        for _ in range(count):
            request = httpx2.Request("GET", URL)
            flow: AsyncGenerator[httpx2.Request, httpx2.Response]
            flow = auth.async_auth_flow(request)
            response.request = await flow.__anext__()
            try:
                await flow.asend(response)
            except StopAsyncIteration:
                continue
            raise AssertionError("a 200 was answered")

    return lambda count: loop.run_until_complete(run(count))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
