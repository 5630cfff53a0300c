"""A real MCP server that takes the tokens of a sandbox, as TickTick's does."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import requests


class McpServer:
    """Has one tool, ``hello``; in a thread of its own.

    :param sandbox: Whose tokens it takes.
    """

    def __init__(self, sandbox):
        import uvicorn
        from mcp.server.mcpserver import MCPServer

        server = MCPServer("tasks")
        server.tool()(hello)
        self._app = server.streamable_http_app(stateless_http=True, json_response=True)
        self._sandbox = sandbox
        self.statuses = []
        config = uvicorn.Config(
            self._guarded,
            host="127.0.0.1",
            port=0,
            interface="asgi3",
            log_config=None,
            ws="none",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        asyncio.run(self._server.serve())

    def __enter__(self):
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
            self._thread.join(0.01)
        (listening,) = self._server.servers[0].sockets
        self.origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.url = f"{self.origin}/mcp"
        return self

    def __exit__(self, *exc_info):
        self._server.should_exit = True
        self._thread.join()

    async def _guarded(self, scope, receive, send):
        if scope["type"] == "http":
            header = dict(scope["headers"]).get(b"authorization", b"").decode()
            status = await asyncio.to_thread(self._status_of, header)
            self.statuses.append(status)
            if status != 200:
                headers = [(b"www-authenticate", b"Bearer")]
                answer = {"type": "http.response.start", "status": 401}
                await send({**answer, "headers": headers})
                await send({"type": "http.response.body", "body": b""})
                return
        await self._app(scope, receive, send)

    def _status_of(self, header):
        url = self._sandbox.url("/open/v1/project")
        with requests.Session() as session:
            session.trust_env = False
            return session.get(url, headers={"Authorization": header}).status_code


def hello() -> str:
    """Say hello."""
    return "hi"


@contextlib.asynccontextmanager
async def connected(url, client):
    """A session of the SDK with the server."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async with (
        streamable_http_client(url, http_client=client) as streams,
        ClientSession(*streams[:2]) as session,
    ):
        await session.initialize()
        yield session


async def says(session):
    """What its tool says."""
    result = await session.call_tool("hello", {})
    return result.content[0].text
