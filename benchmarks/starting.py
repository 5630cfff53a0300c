"""What a fresh process costs more."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BARE = """
import os, requests
session = requests.Session()
session.headers["Authorization"] = "Bearer " + os.environ["BARE_TOKEN"]
assert session.get(os.environ["API"] + "/open/").status_code == 200
"""
OURS = """
import os, requests
from requests_ticktick import FileStore, Service, TickTickAuth
api = os.environ["API"]
session = requests.Session()
service = Service(api + "/a", api + "/t", api)
session.auth = TickTickAuth(store=FileStore(os.environ["FILE"]), service=service)
assert session.get(api + "/open/").status_code == 200
"""
DEFAULT = """
import os, requests
from requests_ticktick import TickTickAuth
session = requests.Session()
session.auth = TickTickAuth()
assert session.get(os.environ["API"] + "/open/").status_code == 200
"""
TOKEN = "a-token-of-the-benchmarks"


def rows(rounds: int) -> Iterator[tuple[str, float, float, str]]:
    bare = "import requests"
    ratio = _ratio("import requests_ticktick", bare, rounds)
    yield "import requests_ticktick, over import requests", ratio, 1.0, "x"
    ratio = _ratio("from requests_ticktick import TickTickAuth", bare, rounds)
    yield "from requests_ticktick import TickTickAuth, the same", ratio, 1.05, "x"
    with _API() as url, tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "t.json")
        os.environ.update(API=url, FILE=path, BARE_TOKEN=TOKEN, TICKTICK_SERVICE=url)
        _save(path)
        ratio = _ratio(OURS, BARE, rounds)
        yield "a fresh process's first call, over a bare one", ratio, 1.045, "x"
        os.environ["XDG_STATE_HOME"] = folder
        _save(os.path.join(folder, "requests-ticktick", "default.json"))
        ratio = _ratio(DEFAULT, BARE, rounds)
        yield "the same, its token in the default file", ratio, 1.06, "x"
        os.environ["TICKTICK_TOKEN"] = TOKEN
        ratio = _ratio(DEFAULT, BARE, rounds)
        yield "the same, its token in a variable", ratio, 1.06, "x"
    for name in ("TICKTICK_SERVICE", "TICKTICK_TOKEN", "XDG_STATE_HOME"):
        del os.environ[name]


def _ratio(one: str, other: str, rounds: int) -> float:
    """Compare processes in pairs; the median pair is not the noisy one."""
    _time(one)
    _time(other)
    return statistics.median(_time(one) / _time(other) for _ in range(rounds))


def _time(code: str) -> float:
    environment = {**os.environ}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    return time.perf_counter() - began


def _save(path: str) -> None:
    from requests_ticktick import FileStore, Token

    now = time.time()
    FileStore(path).save(Token(TOKEN, expires_at=now + 1e6, issued_at=now))


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        del format, args


class _API:
    def __enter__(self) -> str:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
