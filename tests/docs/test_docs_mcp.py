"""The page about MCP does what it says."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import sys

import pytest
import test_readme
from clients import client_of
from optional import library
from pages import DOCS, code_of

from requests_ticktick import FileStore, Service

mcp = library("mcp")

from mcp_server import McpServer  # noqa: E402 - after the skip

#: TickTick is the sandbox, for whatever runs with it.
run = test_readme.run


def test_the_client_of_the_page_lists_the_tools(run, sandbox, monkeypatch, capsys):
    """With the token of the file, after a sign-on."""
    endpoints = sandbox.service.authorization_endpoint, sandbox.service.token_endpoint

    with McpServer(sandbox) as server:
        service = Service(*endpoints, [f"{server.origin}/"])
        monkeypatch.setattr("requests_ticktick.TICKTICK_MCP", service)
        code = code_of("mcp").replace("https://mcp.ticktick.com/", server.url)
        exec(compile(code, "mcp.rst", "exec"), {"__name__": __name__})

    assert capsys.readouterr().out == "hello\n"
    assert FileStore().load() is not None


@pytest.fixture
def example(sandbox, tmp_path):
    """The server of the page, where TickTick is the sandbox; and what it prints."""
    text = (DOCS / "examples" / "mcp_server.py").read_text(encoding="utf-8")
    program, output = tmp_path / "server.py", tmp_path / "output.txt"
    program.write_text(text.replace("https://api.ticktick.com", sandbox.url("")))
    variables = {
        "HOME": os.environ["HOME"],
        "PYTHONPATH": str(DOCS.parent),
        "TICKTICK_CLIENT_ID": sandbox.client_id,
        "TICKTICK_SERVICE": sandbox.url(""),
        "TICKTICK_TOKEN_FILE": str(tmp_path / "token.json"),
    }

    def ask(**more):
        command = f"{shlex.quote(sys.executable)} {program} | tee {output}"
        parameters = mcp.StdioServerParameters(
            command="sh", args=["-c", command], env={**variables, **more}
        )

        async def main():
            async with (
                mcp.stdio_client(parameters) as streams,
                mcp.ClientSession(*streams) as session,
            ):
                await session.initialize()
                return await session.call_tool("projects", {})

        result = asyncio.run(main())
        for line in output.read_text().splitlines():
            assert json.loads(line)["jsonrpc"] == "2.0"
        return result.is_error, " ".join(block.text for block in result.content)

    return ask


@pytest.mark.skipif(os.name != "posix", reason="the server's output is read by tee")
def test_a_tool_without_a_token_says_what_to_do(example):
    """Nothing but the protocol is on standard output."""
    is_error, text = example()

    assert is_error
    assert "requests-ticktick login" in text


@pytest.mark.skipif(os.name != "posix", reason="the server's output is read by tee")
def test_a_tool_finds_a_token_in_each_place(example, sandbox, tmp_path):
    """In the file of the sign-on, and in the environment."""
    token = sandbox.issue_token("a-token-of-the-environment")
    assert "Groceries" in example(TICKTICK_ACCESS_TOKEN=token)[1]

    client_of(sandbox, FileStore(tmp_path / "token.json")).token()
    is_error, text = example()
    assert (is_error, "Groceries" in text) == (False, True)

    sandbox.revoke_all()
    is_error, text = example()
    assert is_error
    assert "Run: requests-ticktick login" in text
