"""A small real server in a process of its own: to any request a 200.

Its connections are kept alive. Run as a program, it prints its port.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator

_RESPONSE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"
)


class _Answers(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        # The requests are small, and have no body: none comes in two pieces.
        self._transport.write(_RESPONSE * data.count(b"\r\n\r\n"))


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """Run it, and return its origin."""
    process = subprocess.Popen(
        [sys.executable, "-I", __file__], stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Answers, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
