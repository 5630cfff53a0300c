"""Commands whose standard output or standard error cannot be written."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from shell import COMMAND, SECONDS, Shell, with_closed

from requests_ticktick import FileStore, Token


@pytest.fixture
def shell(sandbox, secrets, monkeypatch, tmp_path):
    return Shell(sandbox, secrets, monkeypatch, tmp_path)


@pytest.fixture
def saved(auth, shell, monkeypatch):
    """A token in the file that the commands read."""
    for name, value in shell.variables.items():
        monkeypatch.setenv(name, value)
    token = auth.token()
    FileStore().save(token)
    return token


def run(shell, *arguments, closed=None, **streams):
    command = [*COMMAND, *arguments]
    if closed is not None:
        command = with_closed(closed, command)
    done = subprocess.run(
        command,
        env=shell.environment({"PYTHONUNBUFFERED": None}),
        text=True,
        timeout=SECONDS,
        check=False,
        cwd=shell.folder,
        **{"stdin": subprocess.DEVNULL, "stderr": subprocess.PIPE, **streams},
    )
    assert "Traceback" not in (done.stderr or "")
    assert "Exception ignored" not in (done.stderr or "")
    return done


ANSWERING = [
    ["token"],
    ["token", "--json"],
    ["status"],
    ["status", "--json"],
    ["login", "--print"],
    ["login", "--env"],
    ["logout"],
    ["--help"],
    ["--version"],
    ["login", "--help"],
    ["demo"],
    ["sandbox", "--port", "0"],
]
each_answer = pytest.mark.parametrize(
    "arguments", ANSWERING, ids=[" ".join(arguments) for arguments in ANSWERING]
)


@pytest.mark.usefixtures("saved")
@each_answer
def test_a_full_device_is_an_error_of_one_line(shell, arguments):
    """A script must not go on with half an answer."""
    with Path("/dev/full").open("w") as full:
        done = run(shell, *arguments, stdout=full)

    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == (
        "Error: Standard output cannot be written: No space left on device. Run the "
        "command again where it can."
    )


@pytest.mark.usefixtures("saved")
@pytest.mark.parametrize("arguments", [["token"], ["status"], ["login", "--print"]])
@pytest.mark.parametrize("how", ["closed", "read-only"])
def test_a_closed_or_read_only_standard_output_is_an_error(shell, arguments, how):
    """With ``>&-``, click alone would print nothing and end with status 0."""
    with open(os.devnull) as devnull:
        streams = {"closed": 1} if how == "closed" else {"stdout": devnull}
        done = run(shell, *arguments, **streams)

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: Standard output ")


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
@pytest.mark.parametrize("name", ["t\udcff.json", "\u0141ukasz.json"])
def test_a_path_that_standard_output_cannot_encode_is_escaped(
    shell, monkeypatch, encoding, name
):
    """Such as undecodable bytes, or a Polish name in a pipe on Windows."""
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    path = os.path.join(shell.folder, name)
    FileStore(path).save(Token("a"))

    for command in ("status", "logout"):
        done = run(shell, command, "--file", path, stdout=subprocess.PIPE)

        assert (done.returncode, done.stderr) == (0, "")
        assert ".json" in done.stdout


@pytest.mark.usefixtures("saved")
@each_answer
def test_a_reader_that_has_gone_is_an_error_and_no_traceback(shell, arguments):
    """``requests-ticktick status | head -0``."""
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as pipe:
        done = run(shell, *arguments, stdout=pipe)

    assert done.returncode == 1
    assert "Broken pipe" in done.stderr or not done.stderr or arguments[0] == "demo"


def test_without_a_standard_output_nobody_signs_on_in_vain(shell, sandbox):
    """Standard output is checked before the sign-on."""
    done = run(shell, "login", "--print", "--no-browser", closed=1)

    assert done.returncode == 1
    assert "Standard output is closed" in done.stderr
    assert sandbox.token_requests == 0


@pytest.mark.usefixtures("saved")
@pytest.mark.parametrize("stream", ["full", "closed"])
def test_a_full_or_closed_standard_error_stops_no_command(shell, saved, stream):
    """The answer and the exit status are the same."""
    with Path("/dev/full").open("w") as full:
        streams = {"stderr": full} if stream == "full" else {"closed": 2}
        told = run(shell, "login", stdout=subprocess.PIPE, **streams)
        answered = run(shell, "token", stdout=subprocess.PIPE, **streams)

    assert (told.returncode, told.stdout) == (0, "")
    assert (answered.returncode, answered.stdout) == (0, f"{saved.access_token}\n")


def test_an_error_that_cannot_be_shown_is_in_the_exit_status(shell):
    """Standard error is full, or closed."""
    with Path("/dev/full").open("w") as full:
        assert run(shell, "token", stderr=full, stdout=full).returncode == 1
    assert run(shell, "token", closed=2).returncode == 1


def test_another_oserror_is_not_blamed_on_standard_output(shell, monkeypatch):
    """A bug of ours ends with its traceback."""
    from requests_ticktick._cli.program import program

    def broken(*args, **kwargs):
        raise OSError(5, "Input/output error", "a file")

    monkeypatch.setattr("click.Group.main", broken)

    with pytest.raises(OSError, match="a file"):
        program.main([])
