"""Clients that start at once on one file, each in a process of its own."""

from __future__ import annotations

import asyncio
import multiprocessing
import traceback

SECONDS = 120


def requests_(auth, url):
    import requests

    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, auth=auth).status_code


def httpx_sync(auth, url):
    import httpx

    from requests_ticktick.httpx import TickTickAuth

    with httpx.Client(auth=TickTickAuth.of(auth), verify=False) as client:
        return client.get(url).status_code


def httpx_async(auth, url):
    import httpx

    from requests_ticktick.httpx import TickTickAuth

    async def main():
        of_auth = TickTickAuth.of(auth)
        async with httpx.AsyncClient(auth=of_auth, verify=False) as client:
            return (await client.get(url)).status_code

    return asyncio.run(main())


def httpx2_async(auth, url):
    import httpx2

    from requests_ticktick.httpx2 import TickTickAuth

    async def main():
        of_auth = TickTickAuth.of(auth)
        async with httpx2.AsyncClient(auth=of_auth, verify=False) as client:
            return (await client.get(url)).status_code

    return asyncio.run(main())


def aiohttp_(auth, url):
    import aiohttp

    from requests_ticktick.aiohttp import TickTickMiddleware

    async def main():
        middlewares = [TickTickMiddleware.of(auth)]
        async with (
            aiohttp.ClientSession(middlewares=middlewares) as session,
            session.get(url) as response,
        ):
            return response.status

    return asyncio.run(main())


def mcp_sdk(auth, url):
    import httpx2
    from mcp_server import connected, says

    from requests_ticktick.httpx2 import TickTickAuth

    async def main():
        of_auth = TickTickAuth.of(auth)
        async with (
            httpx2.AsyncClient(auth=of_auth, verify=False) as client,
            connected(url, client) as session,
        ):
            return 200 if await says(session) == "hi" else 0

    return asyncio.run(main())


#: Those that are given an auth of this process.
CLIENTS = (requests_, httpx_sync, httpx_async, httpx2_async, aiohttp_, mcp_sdk)


class Client:
    """One of them, which calls whenever it is told to.

    :param function: Makes a call, and returns its status.
    """

    def __init__(self, function, auth, url):
        # A process that was forked has the locks of threads that it has not.
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        arguments = (function, auth, url, theirs)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()

    def is_ready(self):
        """Wait until it has come up."""
        return self.result() == "ready"

    def go(self):
        """Have it call now."""
        self._ours.send("go")

    def result(self):
        """The status of its call, or what it raised."""
        assert self._ours.poll(SECONDS), "no answer"
        return self._ours.recv()

    def stop(self):
        self._ours.send("stop")
        self._process.join(SECONDS)


def _serve(function, auth, url, pipe):
    pipe.send("ready")
    while pipe.recv() == "go":
        try:
            pipe.send(function(auth, url))
        except BaseException:
            pipe.send(traceback.format_exc())
