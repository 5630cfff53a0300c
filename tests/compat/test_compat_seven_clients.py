"""One token for every client: they start at once, on one file."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from clients import client_of
from httpie_plugin import plugin_path
from observing import until
from optional import library

from requests_ticktick import FileStore, Service

for name in ("mcp", "httpie", "httpx", "httpx2", "aiohttp"):
    library(name)

from mcp_server import McpServer  # noqa: E402 - after the skip
from seven import CLIENTS, SECONDS, Client, mcp_sdk  # noqa: E402 - after the skip

PROGRAM = (
    "import requests; from requests_ticktick import TickTickAuth, refuse; "
    "auth = TickTickAuth(sign_on=refuse); requests.get"
)

#: Programs that find the token in the file and never ask a person: each a command
#: that ends in 0 where ``{url}`` answers 200. They start while somebody is asked.
COMMANDS = [
    [sys.executable, "-c", f"{PROGRAM}('{{url}}', auth=auth).raise_for_status()"],
    [
        *(sys.executable, "-m", "httpie", "--ignore-stdin", "--check-status"),
        *("-A", "ticktick", "{url}"),
    ],
]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "token.json"


@pytest.fixture
def clients(sandbox, file):
    """Each of them in its own process, with an auth and a store of its own."""
    endpoints = sandbox.service.authorization_endpoint, sandbox.service.token_endpoint
    with McpServer(sandbox) as server:
        of_mcp = Service(*endpoints, [f"{server.origin}/"])
        started = []
        for function in CLIENTS:
            is_mcp = function is mcp_sdk
            service = of_mcp if is_mcp else sandbox.service
            auth = client_of(sandbox, FileStore(file), service=service)
            url = server.url if is_mcp else sandbox.url("/open/v1/project")
            started.append(Client(function, auth, url))
        assert all(client.is_ready() for client in started)
        yield started
        for client in started:
            client.stop()


def start(command, sandbox, file):
    """Start a command that is configured by the environment."""
    url = sandbox.url("/open/v1/project")
    variables = {
        "TICKTICK_CLIENT_ID": sandbox.client_id,
        "TICKTICK_SERVICE": sandbox.url(""),
        "TICKTICK_TOKEN_FILE": str(file),
        "HTTPIE_CONFIG_DIR": str(file.parent / "httpie"),
        "PYTHONPATH": os.environ.get("PYTHONPATH", "") + plugin_path(file.parent),
    }
    return subprocess.Popen(
        [argument.format(url=url) for argument in command],
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def call_all(clients, sandbox, file):
    """Have all of them call at once; return the statuses."""
    before = sandbox.sign_ons
    for client in clients:
        client.go()
    until(lambda: sandbox.sign_ons > before)
    commands = [start(command, sandbox, file) for command in COMMANDS]
    results = [client.result() for client in clients]
    for command in commands:
        output, _ = command.communicate(timeout=SECONDS)
        results.append(200 if command.returncode == 0 else output)
    return results


def test_clients_of_all_kinds_that_start_at_once_sign_on_once(clients, sandbox, file):
    """And once more when the token has been revoked. Every call ends in 200."""
    sandbox.delay(0.5)  # so that all of them come while one signs on

    assert call_all(clients, sandbox, file) == [200] * (len(CLIENTS) + len(COMMANDS))
    assert (sandbox.sign_ons, sandbox.token_requests) == (1, 1)

    sandbox.revoke_all()

    assert call_all(clients, sandbox, file) == [200] * (len(CLIENTS) + len(COMMANDS))
    assert (sandbox.sign_ons, sandbox.token_requests) == (2, 2)
