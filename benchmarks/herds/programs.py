"""The programs that a measurement needs: the service, Redis, a herd's own.

Each is a context, at whose end its process is gone, whatever happened.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import requests

_FOLDER = os.path.dirname(os.path.abspath(__file__))


class Server:
    """The running service.

    :param port: Where it listens.
    """

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self._session = requests.Session()
        self._session.trust_env = False

    def reset(self, latency: float) -> None:
        """Forget everything; from now on token requests take ``latency``."""
        self._session.get(f"{self.base}/reset?latency={latency}").raise_for_status()

    def token_requests(self) -> int:
        """Return how many there were since the last reset."""
        count: int = self._session.get(f"{self.base}/counts").json()["token_requests"]
        return count


@contextlib.contextmanager
def server() -> Iterator[Server]:
    """Run the service."""
    program = [sys.executable, os.path.join(_FOLDER, "server.py")]
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield Server(int(process.stdout.readline()))
        finally:
            process.kill()


@contextlib.contextmanager
def redis_server() -> Iterator[int | None]:
    """Run a Redis of our own and yield its port; ``None`` if there is none."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        options = ["--port", str(port), "--save", "", "--appendonly", "no"]
        with subprocess.Popen(
            [program, *options, "--bind", "127.0.0.1", "--dir", folder],
            stdout=subprocess.DEVNULL,
        ) as process:
            try:
                _wait_for(port)
                yield port
            finally:
                process.kill()


def _wait_for(port: int) -> None:
    for _ in range(500):
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), 1),
        ):
            return
        time.sleep(0.02)
    raise RuntimeError(f"redis-server does not listen on port {port}")
