"""The page about other clients does what it says."""

from __future__ import annotations

import test_readme
from pages import code_of

#: TickTick is the sandbox, for whatever runs with it.
run = test_readme.run


def test_every_client_of_the_page_calls_the_api(run, sandbox, require_module, capsys):
    """With one sign-on: they share the file."""
    for name in ("httpx", "aiohttp"):
        require_module(name)
    code = code_of("other-clients").replace("https://api.ticktick.com", sandbox.url(""))
    names = {"__name__": __name__}

    exec(compile(code, "other-clients.rst", "exec"), names)

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all("Groceries" in line for line in lines)
    with names["session"] as session, names["client"] as client:
        assert session.get(sandbox.url("/open/v1/project")).status_code == 200
        assert client.get(sandbox.url("/open/v1/project")).status_code == 200
    assert sandbox.sign_ons == 1
