"""What a person sees while ``login`` waits: for them, or for a process."""

from __future__ import annotations

import os
import re
import sys
import threading
import time

import pytest
from people import Person
from shell import Shell

from requests_ticktick import FileStore
from requests_ticktick._cli.login import waiting, ways
from requests_ticktick._cli.login.waiting import Waiting


@pytest.fixture
def shell(sandbox, secrets, monkeypatch, tmp_path):
    shell = Shell(sandbox, secrets, monkeypatch, tmp_path)
    shell.variables["TERM"] = "xterm"
    return shell


@pytest.fixture
def quick(monkeypatch):
    """A clock whose second is short."""
    monkeypatch.setattr(waiting, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(waiting, "HINT_SECONDS", 0.0)


# -- At a real terminal -------------------------------------------------------


@pytest.mark.parametrize("way", ["--no-browser", "--console"])
def test_a_countdown_takes_the_paste(shell, way):
    """It is drawn on one line, which then goes."""
    with shell.at_terminal("login", way, "--timeout", "100") as running:
        url = running.grants()
        running.sees(r"\r 1:\d\d left\. Paste: ")
        running.types(f"{url}\n")

        assert running.ends() == 0

    assert "\r\x1b[K" in running.shown


def test_a_pasted_error_is_translated(shell, sandbox):
    """TickTick's page says what is wrong in words that help nobody."""
    with shell.at_terminal("login", "--no-browser") as running:
        url = running.grants()
        running.types(
            "Invalid redirect: x does not match one of the registered values: [y]\n"
        )
        running.sees("is not the one that your app has")
        running.types(f"{url}\n")

        assert running.ends() == 0


def test_ctrl_c_while_it_waits(shell):
    """130. The countdown's line is taken away first."""
    with shell.at_terminal("login", "--no-browser") as running:
        running.sees("left. Paste: ")

        assert running.ends_at_ctrl_c() == 130

    assert "\r\x1b[K\nInterrupted." in running.shown


def test_a_dumb_terminal_gets_no_countdown(shell):
    """Nor does a log: what cannot be redrawn would fill it."""
    with shell.at_terminal("login", "--console", env={"TERM": "dumb"}) as running:
        running.types(f"{running.grants()}\n")

        assert running.ends() == 0

    assert " left. Paste" not in running.shown


def test_the_time_can_be_chosen(shell):
    """The error names the option."""
    done = shell.run("login", "--no-browser", "--timeout", "2.5")

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "Error: Nobody finished the sign-on within 2.5 seconds. Start again, or allow "
        "more time with --timeout."
    )


def test_the_code_alone_on_request(shell):
    """By ``--bare-code``, where a page shows nothing else."""
    with shell.start("login", "--bare-code") as running:
        code = re.search("code=([^&]+)", running.grants())[1]
        running.types(f"{code}\n")

        assert running.ends() == 0


def test_another_processes_sign_on_is_named(shell, sandbox):
    """In place of a blank screen. Its token is used: nobody is asked twice."""
    with shell.start("login", "--console") as first:
        url = first.grants()  # it has the lock
        with shell.at_terminal("login", "--no-browser") as second:
            second.sees("Another sign-on is under way: process")
            found = second.sees(r"left, waiting for process (\d+)")
            assert int(found[1]) == first.process.pid
            first.types(f"{url}\n")

            assert first.ends() == 0
            assert second.ends() == 0

    assert sandbox.sign_ons == 1


def test_ctrl_c_while_it_waits_for_a_process(shell):
    """The other sign-on goes on."""
    with FileStore().lock(1.0), shell.at_terminal("login", "--no-browser") as running:
        running.sees("left, waiting for process")

        assert running.ends_at_ctrl_c() == 130


class LookedAt:
    """A clock that knows when it was looked at so many times."""

    def __init__(self, times):
        self._left = times
        self.done = threading.Event()

    def monotonic(self):
        self._left -= 1
        if self._left <= 0:
            self.done.set()
        return time.monotonic()


# -- The parts ----------------------------------------------------------------


@pytest.mark.usefixtures("quick")
def test_a_hint_comes_once(monkeypatch):
    """After a while, above the countdown."""
    with Person() as person:
        person.sits_down(monkeypatch)
        monkeypatch.setenv("TERM", "xterm")

        with Waiting().until(62.0, ". Paste: ", "The hint."):
            person.sees("The hint.\n")
            person.sees(" 1:02 left. Paste: \x1b7")

        assert person.screen.count("The hint.") == 1


@pytest.mark.usefixtures("quick")
def test_a_narrow_terminal_gets_a_part_of_the_line(monkeypatch):
    """A line that wraps could not be redrawn."""
    with Person() as person:
        person.sits_down(monkeypatch)
        monkeypatch.setenv("TERM", "xterm")
        size = os.terminal_size((12, 24))
        monkeypatch.setattr(os, "get_terminal_size", lambda descriptor: size)

        with Waiting().until(9.0, ", waiting for somebody", "A hint of words"):
            person.sees("A hint of\nwords\n")
            person.sees(" 0:09 left,\x1b8")


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("stream", ["none", "closed", "left", "file", "dumb"])
def test_without_a_terminal_the_wait_goes_on(monkeypatch, tmp_path, stream):
    """A terminal may go away while somebody signs on elsewhere."""
    with Person() as person, (tmp_path / "log").open("w") as log:
        person.sits_down(monkeypatch)
        monkeypatch.setenv("TERM", "dumb" if stream == "dumb" else "xterm")
        shown = Waiting()
        if stream == "file":
            monkeypatch.setattr(sys, "stderr", log)
        elif stream == "none":
            monkeypatch.setattr(sys, "stderr", None)
        elif stream == "closed":
            person.output.close()
        elif stream == "left":
            person.leaves()

        looks = LookedAt(3)
        monkeypatch.setattr(waiting, "time", looks)
        with shown.until(9.0, "", "A hint."):
            assert shown.write("A line.\n") == 8
            assert looks.done.wait(60)


def test_where_no_thread_can_be_started_nothing_is_shown(monkeypatch):
    """The sign-on itself goes on."""

    def fail(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)

    with Waiting().until(9.0, "", "A hint."):
        pass


@pytest.mark.parametrize(
    ("way", "terminal", "advice"),
    [
        (None, True, "ends up at a page that does not load: paste"),
        ("listen", False, "run: requests-ticktick login --console"),
        ("console", True, "in the browser's address bar"),
    ],
)
@pytest.mark.usefixtures("quick")
def test_the_hint_fits_the_way(monkeypatch, way, terminal, advice):
    """The redirect URI, another machine, and what can be pasted here."""
    uri = "http://127.0.0.1:8765/callback"

    class Request:
        redirect_uri = uri

    hints = threading.Event()

    class Screen(Waiting):
        text = ""

        def write(self, text):
            self.text += text
            hints.set()
            return len(text)

    monkeypatch.setattr(ways, "terminal_is_here", lambda: terminal)
    monkeypatch.setitem(ways.WAYS, way, lambda seconds, output: lambda r: hints.wait(9))
    screen = Screen()

    ways.asking(way, 9.0, screen)(Request())

    assert advice in screen.text
    assert f"{uri} is not, letter for letter, your app's redirect URI" in screen.text
