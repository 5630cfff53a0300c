"""The README does what it says: each of its Python blocks runs, on the sandbox."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from clients import client_of
from pages import blocks_of

import requests_ticktick
from requests_ticktick import TickTickAuth

README = Path(__file__).parents[2] / "README.rst"
PROJECT = "/open/v1/project"

#: A line of each block, by which a test finds it.
BLOCKS = {
    "three lines": 'TickTickAuth("your-client-id"',
    "a token": "from_token(",
    "a profile": "profile=",
    "redis": "RedisStore(",
    "a web application": "begin_sign_on(",
    "httpx": "requests_ticktick.httpx",
    "the sandbox": "with Sandbox()",
}


def block(name):
    (found,) = [each for each in blocks_of(README.read_text()) if BLOCKS[name] in each]
    return found


class Names(dict):
    """What a block may name; some of it comes to be while the block runs.

    :param later: Functions of these names, called when one is first used.
    """

    def __init__(self, later, **names):
        offered = requests_ticktick.__all__
        found = {name: getattr(requests_ticktick, name) for name in offered}
        super().__init__(found, **names)
        self._later = later

    def __missing__(self, name):
        if name not in self._later:
            raise KeyError(name)  # then it is looked for among the built-ins
        return self._later[name](self)


@pytest.fixture
def run(sandbox, monkeypatch):
    """Run a block where TickTick is the sandbox; return its names."""
    options = TickTickAuth.__init__.__kwdefaults__
    monkeypatch.setitem(options, "service", sandbox.service)
    of_token = "requests_ticktick._defaults.service_of"
    monkeypatch.setattr(of_token, lambda token: sandbox.service)
    monkeypatch.setattr("requests_ticktick._sign_on.default_sign_on", sandbox.sign_on)
    monkeypatch.setenv("TICKTICK_CLIENT_ID", sandbox.client_id)
    monkeypatch.setenv("TICKTICK_CLIENT_SECRET", sandbox.client_secret)
    monkeypatch.setenv("TICKTICK_REDIRECT_URI", sandbox.redirect_uri)
    for_these = {
        "https://api.ticktick.com": sandbox.url(""),
        "your-client-id": sandbox.client_id,
        "your-client-secret": sandbox.client_secret,
    }

    with contextlib.ExitStack() as stack:

        def run(code, later=None, **names):
            for old, new in for_these.items():
                code = code.replace(old, new)
            session = stack.enter_context(requests.Session())
            names = Names(later or {}, session=session, **names)
            exec(compile(code, str(README), "exec"), {}, names)
            if "session" in names and names["session"] is not session:
                stack.enter_context(names["session"])
            return names

        yield run


def test_every_python_block_of_the_readme_has_its_test():
    """A new block fails here until it is run below."""
    blocks = blocks_of(README.read_text())

    found = [name for code in blocks for name, line in BLOCKS.items() if line in code]

    assert found == list(BLOCKS)
    assert len(blocks) == len(BLOCKS)


def test_the_three_lines_of_the_readme_are_enough(run, sandbox, capsys):
    """They sign on, call the API and print what it says."""
    run(block("three lines"))

    assert capsys.readouterr().out.startswith("[")
    assert (sandbox.sign_ons, sandbox.api_calls) == (1, 1)


def test_a_token_is_just_pasted_as_in_the_readme(run, sandbox):
    """No app is needed for it."""
    token = sandbox.issue_token("tp_abc")

    names = run(block("a token").replace("tp_...", token))

    assert names["session"].get(sandbox.url(PROJECT)).status_code == 200
    assert sandbox.sign_ons == 0


def test_a_second_account_has_a_profile_as_in_the_readme(run, sandbox):
    """Its token is in a file of that name."""
    work = run(block("a profile"))["work"]

    assert work.token() == work.source.store.load()
    assert Path(work.source.store.path).name == "work.json"
    assert sandbox.sign_ons == 1


def test_a_fleet_moves_to_redis_as_in_the_readme(
    run, sandbox, require, require_module, tmp_path
):
    """Two lines, and another machine finds the token."""
    require_module("redis")
    from redis_server import RedisServer

    server = RedisServer(require("redis-server"), tmp_path)
    with contextlib.closing(server.start()):
        # At another address than the README's, and with its options.
        redis = SimpleNamespace(Redis=lambda host, **given: server.client(**given))
        here = run(block("redis"), redis=redis)["session"].auth.token()
        there = run(block("redis"), redis=redis)["session"].auth.token()

    assert here == there
    assert sandbox.sign_ons == 1


def test_httpx_takes_an_auth_as_in_the_readme(run, sandbox, require_module):
    """The same token as in requests."""
    httpx = require_module("httpx")
    client = run(block("httpx"), httpx=httpx)["client"]

    async def main():
        async with client:
            return await client.get(sandbox.url(PROJECT))

    assert asyncio.run(main()).status_code == 200
    assert sandbox.sign_ons == 1


def test_a_web_application_signs_on_in_two_steps_as_in_the_readme(run, sandbox):
    """The second step finds what the first one left in the web session."""
    later = {"url_of_this_request": lambda names: sandbox.sign_on(names["request"])}
    auth, web_session = client_of(sandbox), {}

    names = run(block("a web application"), later, auth=auth, web_session=web_session)

    assert names["token"] == auth.token()
    assert web_session == {}


def test_a_program_is_tested_as_in_the_readme(run):
    """The block needs nothing but the session that it is about."""
    names = run(block("the sandbox"))

    assert names["sandbox"].sign_ons == 1
    assert names["sandbox"].api_calls == 1
