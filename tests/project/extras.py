"""Use the package with one extra alone, and without pytest.

Run by ``tox -e extra-NAME``: what a user has who installed this extra only.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec

COMMAND = "requests-ticktick"


def core() -> None:
    """The core keeps a token; the command says what it lacks."""
    import requests

    import requests_ticktick

    for name in requests_ticktick.__all__:
        getattr(requests_ticktick, name)
    auth = requests_ticktick.TickTickAuth.from_token("tp_0123456789")
    request = requests.Request(
        "GET", "https://api.ticktick.com/open/v1/project", auth=auth
    )
    header = request.prepare().headers["Authorization"]
    assert header == "Bearer tp_0123456789", header

    result = subprocess.run([COMMAND], capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "requests-ticktick[cli]" in result.stderr, result.stderr
    assert "Traceback" not in result.stderr, result.stderr


def cli() -> None:
    """The command explains itself."""
    for arguments in ([], ["login"], ["status"], ["token"], ["logout"]):
        subprocess.run([COMMAND, *arguments, "--help"], check=True)


def sandbox() -> None:
    """A session signs on to the sandbox, and is answered."""
    import requests

    from requests_ticktick import MemoryStore, TickTickAuth
    from requests_ticktick.sandbox import Sandbox

    with Sandbox() as ticktick, requests.Session() as session:
        session.auth = TickTickAuth(
            client_id=ticktick.client_id,
            client_secret=ticktick.client_secret,
            redirect_uri=ticktick.redirect_uri,
            store=MemoryStore(),
            sign_on=ticktick.sign_on,
            service=ticktick.service,
        )
        response = session.get(ticktick.url("/open/v1/project"))
        assert response.status_code == 200, response.status_code


def sql() -> None:
    """A token comes back from a database."""
    import tempfile

    from requests_ticktick import Token
    from requests_ticktick.vault import TokenVault

    with tempfile.TemporaryDirectory() as folder:
        vault = TokenVault.sql(f"sqlite:///{folder}/tokens.db")
        vault["me"].save(Token("a-token"))
        assert vault["me"].load() == Token("a-token")


def encrypted() -> None:
    """A token comes back from where it was encrypted."""
    from cryptography.fernet import Fernet

    from requests_ticktick import MemoryStore, Token
    from requests_ticktick.stores.encrypted import EncryptedStore

    store = EncryptedStore(MemoryStore(), [Fernet.generate_key()])
    store.save(Token("a-token"))
    assert store.load() == Token("a-token")


def pytest() -> None:
    """Pytest finds the fixtures by itself."""
    import tempfile
    from pathlib import Path

    test = (
        "import requests\n"
        "from requests_ticktick import TickTickAuth\n"
        "def test_a_program(ticktick_offline):\n"
        "    url = 'https://api.ticktick.com/open/v1/project'\n"
        "    assert requests.get(url, auth=TickTickAuth()).status_code == 200\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_program.py").write_text(test, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-W", "error", folder]
        subprocess.run(command, cwd=folder, check=True)


def httpie() -> None:
    """``http`` finds the plugin by itself, and sends the token."""
    url = "https://api.ticktick.com/open/v1/project"
    command = ["http", "--ignore-stdin", "--offline", "-A", "ticktick", url]
    environment = {**os.environ, "TICKTICK_TOKEN": "tp_0123456789"}
    result = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    assert "Authorization: Bearer tp_0123456789" in result.stdout, result.stdout


def httpx_like(name: str) -> Callable[[], None]:
    """A client of this library carries a token, and asks nobody for it."""

    def check() -> None:
        library = importlib.import_module(name)
        auth = importlib.import_module(f"requests_ticktick.{name}").TickTickAuth
        answers = library.MockTransport(
            lambda request: library.Response(200, json=request.headers["Authorization"])
        )
        with library.Client(
            auth=auth.from_token("tp_0123456789"), transport=answers
        ) as client:
            response = client.get("https://api.ticktick.com/open/v1/project")
        assert response.json() == "Bearer tp_0123456789", response.json()

    return check


def aiohttp() -> None:
    """A session of it carries a token to a server on this machine."""
    import asyncio

    from aiohttp import ClientSession, web

    from requests_ticktick import Service, TickTickAuth
    from requests_ticktick.aiohttp import TickTickMiddleware

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=request.headers["Authorization"])

    async def main() -> str:
        app = web.Application()
        app.router.add_get("/open/", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0]
        base = f"http://{host}:{port}"
        service = Service(f"{base}/authorize", f"{base}/token", f"{base}/open/")
        auth = TickTickAuth.from_token("tp_0123456789", service=service)
        async with (
            ClientSession(middlewares=[TickTickMiddleware(auth)]) as session,
            session.get(f"{base}/open/") as response,
        ):
            text = await response.text()
        await runner.cleanup()
        return text

    header = asyncio.run(main())
    assert header == "Bearer tp_0123456789", header


def mcp() -> None:
    """The SDK's client takes a client that has our auth."""
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    from requests_ticktick import TICKTICK_MCP
    from requests_ticktick.httpx2 import TickTickAuth

    auth = TickTickAuth.from_token("tp_0123456789", service=TICKTICK_MCP)
    client = httpx2.AsyncClient(auth=auth)
    streamable_http_client("https://mcp.ticktick.com/", http_client=client)


def library(name: str) -> Callable[[], None]:
    """What the extra installs can be imported beside the core."""

    def check() -> None:
        importlib.import_module("requests_ticktick")
        importlib.import_module(name)

    return check


CHECKS = {
    "core": core,
    "cli": cli,
    "sandbox": sandbox,
    "keyring": library("requests_ticktick.stores.keyring"),
    "redis": library("requests_ticktick.stores.redis"),
    "sql": sql,
    "encrypted": encrypted,
    "httpie": httpie,
    "pytest": pytest,
    "httpx": httpx_like("httpx"),
    "httpx2": httpx_like("httpx2"),
    "aiohttp": aiohttp,
    "mcp": mcp,
}

#: What is there only with an extra. Flask brings click, and HTTPie brings
#: rich, but nothing brings both.
LIBRARIES = {
    "cli": {"click", "rich"},
    "httpie": {"httpie"},
    "httpx": {"httpx"},
    "httpx2": {"httpx2"},
    "aiohttp": {"aiohttp"},
    "mcp": {"mcp"},
    "keyring": {"keyring"},
    "pytest": {"pytest"},
    "redis": {"redis"},
    "sandbox": {"flask", "werkzeug"},
    "sql": {"sqlalchemy"},
    "encrypted": {"cryptography"},
}

#: On Linux, keyring brings what its keychain needs. The MCP SDK is over httpx2,
#: and checks signatures. Fixtures are sandboxes.
BROUGHT = {
    "keyring": {"encrypted"},
    "mcp": {"encrypted", "httpx2"},
    "pytest": {"sandbox"},
}


def main(extra: str) -> None:
    """Make the check of one extra, if it is alone."""
    there = {name for name, needed in LIBRARIES.items() if all(map(find_spec, needed))}
    assert there - BROUGHT.get(extra, set()) == {extra} - {"core"}, there
    CHECKS[extra]()
    print(f"{extra}: works alone")


if __name__ == "__main__":
    main(sys.argv[1])
