"""The client of the official MCP SDK, and a server of it that wants our token."""

from __future__ import annotations

import asyncio

import pytest
from clients import Person, client_of
from optional import library

from requests_ticktick import FileStore, Service, SignOnRequiredError, refuse

library("mcp")
httpx2 = library("httpx2")

from mcp_server import McpServer, connected, says  # noqa: E402 - after the skip

from requests_ticktick.httpx2 import TickTickAuth  # noqa: E402 - after the skip


@pytest.fixture
def mcp_server(sandbox):
    with McpServer(sandbox) as server:
        yield server


def service_of(server, sandbox):
    """As TICKTICK_MCP is to TICKTICK: other addresses, the same tokens."""
    endpoints = sandbox.service.authorization_endpoint, sandbox.service.token_endpoint
    return Service(*endpoints, [f"{server.origin}/"])


def client(auth):
    return httpx2.AsyncClient(auth=TickTickAuth.of(auth), timeout=30, verify=False)


def test_it_signs_on_and_answers_a_401(mcp_server, sandbox):
    """At the first message, and again once the token is revoked."""
    person = Person(sandbox)
    auth = client_of(sandbox, sign_on=person, service=service_of(mcp_server, sandbox))

    async def main():
        async with client(auth) as http, connected(mcp_server.url, http) as session:
            heard = [await says(session)]
            sandbox.revoke_all()
            heard.append(await says(session))
            return heard

    assert asyncio.run(main()) == ["hi", "hi"]
    assert person.asked == 2
    assert mcp_server.statuses.count(401) == 1


def test_one_sign_on_serves_the_api_and_the_mcp_server(mcp_server, sandbox, tmp_path):
    """Both find the token in one file."""
    file = tmp_path / "token.json"
    client_of(sandbox, FileStore(file)).token()
    auth = client_of(
        sandbox,
        FileStore(file),
        sign_on=refuse,
        service=service_of(mcp_server, sandbox),
    )

    async def main():
        async with client(auth) as http, connected(mcp_server.url, http) as session:
            return await says(session)

    assert asyncio.run(main()) == "hi"
    assert sandbox.sign_ons == 1


def test_without_a_token_the_error_is_among_those_raised(mcp_server, sandbox):
    """The SDK's tasks raise it in a group."""
    service = service_of(mcp_server, sandbox)
    auth = client_of(sandbox, sign_on=refuse, service=service)

    async def main():
        async with client(auth) as http, connected(mcp_server.url, http):
            pass

    with pytest.raises(BaseException) as caught:  # noqa: PT011 - looked at below
        asyncio.run(main())

    assert any(isinstance(each, SignOnRequiredError) for each in leaves(caught.value))


def leaves(error):
    """The errors in a group, however deep."""
    inner = getattr(error, "exceptions", None)
    if inner is None:
        return [error]
    return [leaf for each in inner for leaf in leaves(each)]
