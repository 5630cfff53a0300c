"""The clients that carry the token beside requests, each called in one way."""

from __future__ import annotations

import asyncio
import importlib
import io
from types import SimpleNamespace

#: What each way is called, with the library and what runs it.
NAMES = {
    "httpx": ("httpx", "sync"),
    "httpx in asyncio": ("httpx", "asyncio"),
    "httpx2": ("httpx2", "sync"),
    "httpx2 in trio": ("httpx2", "trio"),
    "aiohttp": ("aiohttp", "asyncio"),
}


#: Of the clients of httpx. The certificates of CAs take their time to be read.
_OPTIONS = {
    "follow_redirects": True,
    "timeout": 30,
    "trust_env": False,
    "verify": False,
}


class Way:
    """One of them: ``way.call(auth, "GET", url).status``.

    :param find: Imports a module, or skips the test.
    """

    def __init__(self, name, find):
        self.name = name
        library, self.runs_in = NAMES[name]
        self.library = find(library)
        self.trio = find("trio") if self.runs_in == "trio" else None
        self.module = importlib.import_module(f"requests_ticktick.{library}")
        self.is_aiohttp = library == "aiohttp"
        self.kind = (
            self.module.TickTickMiddleware
            if self.is_aiohttp
            else self.module.TickTickAuth
        )

    def call(self, auth, method, url, **options):
        """Make one call with a client of its own."""
        if self.runs_in == "sync":
            return self._call_sync(auth, method, url, **options)

        async def main():
            async with self.client(auth) as call:
                return await call(method, url, **options)

        return self.run(main)

    def run(self, main):
        """Run an asynchronous function in the loop of this way."""
        return asyncio.run(main()) if self.trio is None else self.trio.run(main)

    def client(self, auth):
        """Return a context of an asynchronous ``call(method, url, ...)``."""
        return (_Aiohttp if self.is_aiohttp else _Httpx)(self, auth)

    def _call_sync(self, auth, method, url, **options):
        with self.library.Client(auth=self.kind.of(auth), **_OPTIONS) as client:
            response = client.request(method, url, **_for_httpx(options))
            return _answer(response.status_code, response)


class _Httpx:
    def __init__(self, way, auth):
        self.client = way.library.AsyncClient(auth=way.kind.of(auth), **_OPTIONS)

    async def __aenter__(self):
        await self.client.__aenter__()
        return self._call

    async def __aexit__(self, *exc_info):
        await self.client.__aexit__(*exc_info)

    async def _call(self, method, url, **options):
        response = await self.client.request(method, url, **_for_httpx(options))
        return _answer(response.status_code, response)


class _Aiohttp:
    def __init__(self, way, auth):
        self.library = way.library
        self.middleware = way.kind.of(auth)

    async def __aenter__(self):
        self.session = self.library.ClientSession(middlewares=[self.middleware])
        return self._call

    async def __aexit__(self, *exc_info):
        await self.session.close()

    async def _call(self, method, url, *, body=None, headers=None):
        if isinstance(body, dict):
            form = self.library.FormData()
            for name, file in body.items():
                form.add_field(name, file)
            body = form
        async with self.session.request(
            method, url, data=body, headers=headers
        ) as response:
            await response.read()
            return _answer(response.status, response)


def _answer(status, response):
    return SimpleNamespace(status=status, response=response)


def _for_httpx(options):
    body = options.pop("body", None)
    return {
        **options,
        **({"files": body} if isinstance(body, dict) else {"content": body}),
    }


def once(way, *blocks):
    """Return a body that can be read once."""
    if way.runs_in == "sync":
        return iter(blocks)

    async def generate():
        for block in blocks:
            yield block

    return generate()


class Pipe(io.RawIOBase):
    """A file that cannot be rewound."""

    def __init__(self, content):
        self.left = content

    def readable(self):
        return True

    def readinto(self, buffer):
        block, self.left = self.left[: len(buffer)], self.left[len(buffer) :]
        buffer[: len(block)] = block
        return len(block)
