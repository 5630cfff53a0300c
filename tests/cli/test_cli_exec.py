"""``exec``: any program, with the token in its environment alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from shell import COMMAND, SECONDS, Shell

from requests_ticktick import FileStore, Token
from requests_ticktick._cli import executing
from requests_ticktick._cli.program import program

TOKEN = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
PYTHON = sys.executable
POSIX = pytest.mark.skipif(os.name != "posix", reason="there it is a child process")

#: A program that tells which variables it was given, and of what length.
TELLS = """
import json, os, sys
print(json.dumps({
    "variables": {k: v for k, v in os.environ.items() if "TICKTICK_" in k},
    "arguments": sys.argv[1:], "pid": os.getpid(), "input": sys.stdin.read(),
}))
"""


@pytest.fixture
def shell(sandbox, secrets, monkeypatch, tmp_path):
    shell = Shell(sandbox, secrets, monkeypatch, tmp_path)
    FileStore().save(Token(sandbox.issue_token(TOKEN), expires_at=4e9))
    return shell


def told(shell, *options, env=(), **others):
    """Run the program that tells, and return what it was given."""
    words = ("exec", *options, "--", PYTHON, "-c", TELLS, "an argument")
    done = shell.run(*words, env=env, prints_secrets=True, **others)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_a_program_gets_the_token(shell, sandbox):
    """In the variable that our own reads, with the service it is for."""
    given = told(shell, input="a line", stdin=None)

    assert given["variables"]["TICKTICK_TOKEN"] == TOKEN
    assert given["variables"]["TICKTICK_SERVICE"] == sandbox.url("")
    assert given["arguments"] == ["an argument"]
    assert given["input"] == "a line"
    assert sandbox.token_requests == 0


def test_a_service_that_was_typed_is_the_programs_too(shell, sandbox):
    """``--service``, where no variable names it."""
    typed = ("--service", sandbox.url(""), "--file", shell.store.path)

    given = told(shell, *typed, env={"TICKTICK_SERVICE": None})

    assert given["variables"]["TICKTICK_SERVICE"] == sandbox.url("")


def test_the_service_is_left_out_where_it_is_ticktick(shell):
    """Programs of others may mean something else by that variable."""
    env = {"TICKTICK_SERVICE": None, "TICKTICK_TOKEN": "tp_0123456789abcdef"}

    given = told(shell, "--service", "ticktick", env=env)

    assert "TICKTICK_SERVICE" not in given["variables"]
    assert given["variables"]["TICKTICK_TOKEN"] == "tp_0123456789abcdef"


def test_an_mcp_server_gets_it(shell):
    """Under each of the names that they have for it."""
    variables = told(shell, "--as", "mcp")["variables"]

    for name in ("TICKTICK_ACCESS_TOKEN", "TICKTICK_API_TOKEN", "TICKTICK_API_KEY"):
        assert variables[name] == TOKEN
    assert "TICKTICK_TOKEN" not in variables


def test_ticktick_sdk_gets_it(shell):
    """It wants a client id and a secret as well, and uses neither."""
    env = {"TICKTICK_CLIENT_SECRET": None, "TICKTICK_CLIENT_ID": "mine"}

    variables = told(shell, "--as", "ticktick-sdk", env=env)["variables"]

    assert variables["TICKTICK_ACCESS_TOKEN"] == TOKEN
    assert variables["TICKTICK_CLIENT_ID"] == "mine"
    assert variables["TICKTICK_CLIENT_SECRET"] == "-"


def test_ticktick_sdk_is_told_of_dida365(shell):
    """By a variable of its own."""
    env = {"TICKTICK_TOKEN": "dp_0123456789abcdef"}

    given = told(shell, "--as", "ticktick-sdk", "--service", "dida365", env=env)

    assert given["variables"]["TICKTICK_HOST"] == "dida365.com"


def test_pyticktick_gets_it(shell, sandbox):
    """With all that it requires beside the token."""
    variables = told(shell, "--as", "pyticktick")["variables"]

    ours = {k: v for k, v in variables.items() if k.startswith("PYTICKTICK_")}
    assert ours == {
        "PYTICKTICK_V1_TOKEN_VALUE": TOKEN,
        "PYTICKTICK_V1_TOKEN_EXPIRATION": "4000000000",
        "PYTICKTICK_V1_BASE_URL": sandbox.url("/open/v1/"),
        "PYTICKTICK_V1_CLIENT_ID": "-",
        "PYTICKTICK_V1_CLIENT_SECRET": "-",
    }


def test_pyticktick_is_told_some_end_of_a_token(shell):
    """It takes none without."""
    FileStore().save(Token(TOKEN))

    variables = told(shell, "--as", "pyticktick")["variables"]

    assert int(variables["PYTICKTICK_V1_TOKEN_EXPIRATION"]) > time.time() + 1e7


@pytest.mark.parametrize(
    "token", ["tp_0123456789abcdef", "a0eebc99-9c0b-1ef8-bb6d-6bb9bd380a11"]
)
def test_pyticktick_takes_no_other_token(shell, token):
    """It would say so in a page of errors, which show the token."""
    env = {"TICKTICK_TOKEN": token, "TICKTICK_SERVICE": "ticktick"}

    done = shell.run("exec", "--as", "pyticktick", "--", PYTHON, "-c", "1/0", env=env)

    assert done.returncode == 1
    assert "Run: requests-ticktick login --force" in done.stderr
    assert "ZeroDivisionError" not in done.stderr


def test_the_options_of_the_program_are_its_own(shell):
    """Also without the two dashes."""
    done = shell.run("exec", PYTHON, "-c", "import sys; print(sys.argv)", "--as", "-h")

    assert done.stdout == "['-c', '--as', '-h']\n"


def test_its_exit_status_is_the_commands(shell):
    """Whatever it is."""
    assert shell.run("exec", "--", PYTHON, "-c", "exit(7)").returncode == 7


@POSIX
def test_it_takes_the_place_of_the_command(shell):
    """So that signals reach it, and it ends as it ends."""
    script = (
        "import os, signal; print(os.getpid(), flush=True); "
        "os.kill(os.getpid(), signal.SIGTERM)"
    )
    words = ("exec", "--", PYTHON, "-c", script)

    with subprocess.Popen(
        [*COMMAND, *words],
        env=shell.environment({}),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        shown, _ = process.communicate(timeout=SECONDS)

    assert int(shown) == process.pid
    assert process.returncode == -signal.SIGTERM


@POSIX
def test_a_broken_pipe_ends_it_as_any_program(shell):
    """Python ignores that signal, and has its children ignore it."""
    script = "kill -PIPE $$; echo still here"

    done = shell.run("exec", "--", "sh", "-c", script)

    assert done.returncode == -signal.SIGPIPE
    assert done.stdout == ""


@POSIX
def test_the_terminal_is_its_own(shell):
    """It can ask, and Ctrl-C is for it."""
    asks = "import sys; assert sys.stdin.isatty(); print(input('Who? ') + '!')"

    with shell.at_terminal("exec", "--", PYTHON, "-c", asks) as running:
        running.sees(r"Who\? ")
        running.types("me\n")
        running.sees("me!")
        assert running.ends() == 0


def test_without_a_token_nothing_is_run(shell):
    """Nobody is asked; the error names the command to run."""
    FileStore().delete()

    done = shell.run("exec", "--", PYTHON, "-c", "print('I ran')")

    assert done.returncode == 1
    assert "Run: requests-ticktick login" in done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("replaces", [True, False])
def test_what_cannot_be_run_has_the_status_that_shells_give_it(
    shell, tmp_path, monkeypatch, replaces
):
    """127 where it is missing, 126 where it is no program."""
    if replaces and os.name != "posix":
        pytest.skip("there it is a child process")
    monkeypatch.setattr(executing, "CAN_REPLACE", replaces)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    text = tmp_path / "text"
    text.write_text("no program")
    if not replaces:
        text.chmod(0o755)
    for name, value in shell.variables.items():
        monkeypatch.setenv(name, value)

    missing = CliRunner().invoke(program, ["exec", "no-such-command"])
    below = CliRunner().invoke(program, ["exec", str(text / "below")])
    unusable = CliRunner().invoke(program, ["exec", str(text)])

    assert missing.exit_code == below.exit_code == 127
    assert "no-such-command: there is no such command" in missing.output
    assert unusable.exit_code == 126
    assert "it cannot be run (" in unusable.output
    assert TOKEN not in missing.output + unusable.output


def test_where_it_is_a_child_ctrl_c_is_left_to_it(shell, tmp_path, monkeypatch):
    """On Windows: the command waits, and has the program's exit status."""
    monkeypatch.setattr(executing, "CAN_REPLACE", False)
    for name, value in shell.variables.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "told"
    code = (
        "import os, signal\n"
        f"with open({str(file)!r}, 'w') as told:\n"
        "    told.write(os.environ['TICKTICK_TOKEN'])\n"
        "for _ in range(9 * (os.name == 'posix')):\n"
        "    os.kill(os.getppid(), signal.SIGINT)\n"
        "os._exit(3)\n"
    )

    result = CliRunner().invoke(program, ["exec", PYTHON, "-c", code])

    assert result.exit_code == 3
    assert file.read_text() == TOKEN


def test_the_help_lists_whose_variables_there_are(shell):
    """And the variables."""
    shown = shell.run("exec", "--help").stdout

    for name in ("mcp", "pyticktick", "ticktick-sdk", "TICKTICK_ACCESS_TOKEN"):
        assert name in shown
