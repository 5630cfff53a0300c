"""A command that is ended while it waits: it clears up as after Ctrl-C."""

from __future__ import annotations

import os
import signal

import pytest
from observing import until
from shell import Shell

from requests_ticktick import FileStore

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="Windows has no hang-up, and ends programs at once"
)

#: What login shows at each of its waits: the options, the variables, the words.
WAITS = {
    "browser": (["--no-browser"], {}, r"left\. Paste: "),
    "paste": (["--console"], {}, r"left\. Paste: "),
    "client id": ([], {"TICKTICK_CLIENT_ID": None}, r"Client id: "),
    "client secret": (
        [],
        {"TICKTICK_CLIENT_ID": None, "TICKTICK_CLIENT_SECRET": None},
        r"Client secret \(hidden\): ",
    ),
}


@pytest.fixture
def shell(sandbox, secrets, monkeypatch, tmp_path):
    shell = Shell(sandbox, secrets, monkeypatch, tmp_path)
    shell.variables["TERM"] = "xterm"
    return shell


@pytest.fixture(params=WAITS)
def waiting(shell, request):
    """``login`` at a terminal, in one of its waits."""
    options, env, words = WAITS[request.param]
    with shell.at_terminal("login", *options, env=env) as running:
        if request.param == "client secret":
            running.sees("Client id: ")
            running.types("an-id\n")
        running.sees(words)
        yield running


def is_clear():
    """Whether the folder holds no token and no room for one, and no lock is held."""
    store = FileStore()
    names = os.listdir(os.path.dirname(store.path))
    return not [name for name in names if name.endswith((".tmp", ".json"))]


def test_a_closed_terminal_leaves_nothing(waiting, shell):
    """Neither the room that was taken for the token, nor a lock that is held."""
    waiting.loses_its_terminal()

    if os.path.exists(os.path.dirname(FileStore().path)):
        until(is_clear)
    assert shell.run("login", env=shell.browser()).returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_login_as_ctrl_c_does(shell, number):
    """A time limit (``timeout 60 requests-ticktick login``) sends SIGTERM."""
    with shell.start("login", "--no-browser") as running:
        running.sees("Waiting for the browser")
        running.interrupt(number)

        assert running.ends() == 130

    assert running.shown.endswith("\nInterrupted.\n")
    assert is_clear()
