"""``requests-ticktick demo``: the first command that a newcomer runs."""

from __future__ import annotations

import io
import os
import re
import signal
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console
from shell import SECONDS, Shell

from requests_ticktick._cli.demo import demo as demo_module
from requests_ticktick._cli.demo import workers as demo_workers
from requests_ticktick._cli.demo.demo import show_result
from requests_ticktick._cli.demo.steps import Counts, Demo, Outcome
from requests_ticktick._cli.demo.workers import WorkerError, run_workers
from requests_ticktick._cli.program import program
from requests_ticktick.sandbox import Sandbox

#: The rows of the table when every step is right.
RIGHT = """\
1 Sign on 1 (1) 1 (1) 0 (0) ok
2 List the projects 0 (0) 0 (0) 1 (1) ok
3 8 processes at once 1 (1) 1 (1) 8 (8) ok
4 A short-lived token 1 (1) 1 (1) 1 (1) ok
5 Renew it in time 1 (1) 1 (1) 1 (1) ok
6 Answer a 401 1 (1) 1 (1) 2 (2) ok
all steps 5 (5) 5 (5) 13 (13)
"""


@pytest.fixture
def shell(sandbox, secrets, monkeypatch, tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    return Shell(sandbox, secrets, monkeypatch, tmp_path)


@pytest.fixture
def said():
    return []


@pytest.fixture
def demo(sandbox, said, tmp_path):
    demo = Demo(sandbox, str(tmp_path), sandbox.sign_on, said.append)
    yield demo
    demo.close()


class Interrupting(io.StringIO):
    """A screen at which somebody presses Ctrl-C as soon as anything appears."""

    folders = ()

    def write(self, text):
        found = Path(tempfile.gettempdir()).glob("requests-ticktick-demo-*")
        self.folders = [*found]
        raise KeyboardInterrupt


def rows(shown):
    lines = [" ".join(line.replace("|", " ").split()) for line in shown.splitlines()]
    return "".join(f"{line}\n" for line in lines if re.search(r"\d \(\d+\)", line))


def take(demo, *numbers):
    """Take some of the steps, counted from 1; return the last one's outcome."""
    steps = demo.steps()
    return [demo.take(steps[number - 1]) for number in numbers][-1]


# -- As a person runs it -----------------------------------------------------


def test_the_demo_succeeds_without_any_configuration(shell):
    """It needs no terminal, display or account, and ignores the variables."""
    env = {"TICKTICK_TOKEN": "{broken", "HTTP_PROXY": "http://127.0.0.1:9"}

    done = shell.run("demo", env={**env, "http_proxy": env["HTTP_PROXY"]})

    assert done.returncode == 0, done.stdout
    assert rows(done.stdout) == RIGHT
    assert done.stdout.endswith("\nEverything is as it should be.\n")
    assert "Groceries, Work, Reading" in done.stdout
    assert re.search(r"waiting \d\.\d s until 60 s are left of it", done.stdout)
    assert "401, then 200" in done.stdout
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert list((shell.folder / "tmp").glob("requests-ticktick-*")) == []
    assert shell.sandbox.received == []


def test_a_person_can_make_the_first_sign_on_in_a_browser(shell):
    """``--browser`` waits for it. A narrow terminal without UTF-8 suffices."""
    env = {**shell.browser(), "COLUMNS": "60", "PYTHONIOENCODING": "ascii"}

    done = shell.run("demo", "--browser", env=env)

    assert done.returncode == 0, done.stdout
    assert rows(done.stdout) == RIGHT
    assert "To sign on, open this address in a browser" in done.stderr
    assert done.stdout.isascii()
    assert max(map(len, done.stdout.splitlines())) <= 60


def test_a_terminal_gets_colours_and_ctrl_c_cleans_up(shell):
    """The folder with the tokens is removed."""
    with shell.at_terminal("demo", env={"TERM": "xterm"}) as running:
        running.sees("\x1b\\[1mA TickTick of your own runs on")

        assert running.ends_at_ctrl_c() == 128 + signal.SIGINT

    assert "Traceback" not in running.shown
    assert list((shell.folder / "tmp").glob("requests-ticktick-*")) == []


def test_ctrl_c_at_the_first_line_removes_the_folder(sandbox, tmp_path, monkeypatch):
    """Nothing is shown before the folder is there, and sure to be removed."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    console = Console(file=Interrupting(), highlight=False)

    with pytest.raises(KeyboardInterrupt):
        demo_module.show_steps(console, sandbox, browser=False)

    assert console.file.folders
    assert not any(map(os.path.exists, console.file.folders))


def test_sigterm_cleans_up(shell):
    """The folder with the tokens is removed."""
    with shell.start("demo") as running:
        running.sees("waiting ")
        running.interrupt(signal.SIGTERM)

        assert running.ends() == 130

    assert list((shell.folder / "tmp").glob("requests-ticktick-*")) == []


def test_a_wrong_count_is_marked_and_fails(monkeypatch):
    """The sandbox hands out the old token again, so nothing is renewed."""

    class Stubborn(Sandbox):
        def __init__(self):
            super().__init__(reissue=True)

    monkeypatch.setattr(demo_module, "sandbox_class", lambda: Stubborn)

    done = CliRunner().invoke(program, ["demo"])

    assert done.exit_code == 1
    assert re.search(r"5   Renew it in time .* WRONG", done.stdout)
    assert re.search(r"token \w{8} is still in use", done.stdout)
    assert done.stdout.endswith(" of 6 steps went wrong.\n")


def test_the_wrong_row_is_red():
    """Each cell holds what was seen, then what was expected."""
    outcomes = [
        Outcome("Sign on", Counts(1, 1, 0), Counts(1, 1, 0), "", failed=False),
        Outcome("List", Counts(0, 0, 1), Counts(2, 0, 1), "", failed=False),
        Outcome("Other", Counts(0, 0, 0), Counts(0, 0, 0), "", failed=True),
    ]
    console = Console(
        file=io.StringIO(), force_terminal=True, width=80, highlight=False
    )

    assert not show_result(console, outcomes)

    shown = console.file.getvalue()
    assert "\x1b[1;31m2 (0)\x1b[0m" in shown
    assert shown.count("\x1b[1;31mWRONG\x1b[0m") == 2
    assert "2 of 3 steps went wrong." in shown


# -- What can go wrong -------------------------------------------------------


def test_a_denied_sign_on_is_a_wrong_step(demo, sandbox):
    """The demo shows the error of the library."""
    sandbox.deny()

    outcome = take(demo, 1)

    assert not outcome.is_right
    assert "Access was not granted" in outcome.said


def test_an_error_of_the_api_is_a_wrong_step(demo, sandbox):
    """The counts alone would look right."""
    take(demo, 1)
    sandbox.fail(1, 500, endpoint="api")

    outcome = take(demo, 2)

    assert outcome.seen == outcome.expected
    assert not outcome.is_right
    assert "500" in outcome.said


def test_processes_with_different_tokens_are_a_wrong_step(demo, sandbox):
    """The API refused one of them, which then got a token of its own."""
    sandbox.fail(1, 401, endpoint="api")

    outcome = take(demo, 3)

    assert not outcome.is_right
    assert outcome.said == "2 different tokens were used"


def test_a_process_that_the_api_fails_is_a_wrong_step(demo, sandbox):
    """The demo shows what the API answered."""
    sandbox.fail(8, 503, endpoint="api")

    outcome = take(demo, 3)

    assert not outcome.is_right
    assert outcome.said.startswith("A process failed: 503 Server Error")


def test_a_revoked_token_that_is_accepted_is_a_wrong_step(demo, sandbox):
    """The API has to answer 401 first."""
    take(demo, 1)
    sandbox.fail(1, 200, [], endpoint="api")

    outcome = take(demo, 6)

    assert outcome.said == "the answers were 200"
    assert not outcome.is_right


def test_the_demo_waits_three_seconds_at_most(demo, said):
    """If the token of step 4 is missing, nobody waits for 180 days."""
    take(demo, 1)

    outcome = take(demo, 5)

    assert said == ["waiting 3.0 s until 60 s are left of it"]
    assert "is still in use" in outcome.said


def test_a_process_that_dies_is_an_error_that_says_why(tmp_path):
    """The error ends with the last line of the traceback."""
    with pytest.raises(WorkerError, match=r"^A process failed: \w+.*no-base"):
        run_workers(1, "no-base", {}, folder=str(tmp_path))


def test_a_process_that_hangs_is_killed(sandbox, monkeypatch, tmp_path):
    """The error says for how long it was waited for."""
    monkeypatch.setattr(demo_workers, "TIMEOUT_SECONDS", 0.2)
    sandbox.delay(SECONDS, "authorize")
    env = {
        "TICKTICK_CLIENT_ID": sandbox.client_id,
        "TICKTICK_CLIENT_SECRET": sandbox.client_secret,
        "TICKTICK_TOKEN_FILE": str(tmp_path / "token.json"),
    }

    with pytest.raises(WorkerError, match="gave no answer in"):
        run_workers(1, sandbox.url(""), env, folder=str(tmp_path))
