"""``login --print``, ``--copy``, ``--save`` and ``--ask``, in each format."""

from __future__ import annotations

import ast
import base64
import json
import re
import stat
import subprocess
from pathlib import Path

import pytest
from observing import until
from people import Person
from shell import COMMAND, SECONDS, Shell, clipboard_tool

from requests_ticktick import EnvStore, FileStore, Token
from requests_ticktick._cli.login.clipboard import find_clipboard
from requests_ticktick._cli.login.copies import TokenCopy
from requests_ticktick._cli.output import CommandError

EACH_FORM = pytest.mark.parametrize(
    "form", ["json", "env", "literal", "dotenv", "bare"]
)


@pytest.fixture
def shell(sandbox, secrets, monkeypatch, tmp_path):
    return Shell(sandbox, secrets, monkeypatch, tmp_path)


def printed(shell, *arguments):
    """Print a token of this sandbox, and return the line."""
    done = shell.run(
        "login", "--no-check", *arguments, env=shell.browser(), prints_secrets=True
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    return line, re.search(r"Fingerprint  (\w+)", done.stderr)[1]


def set_by_shell(line):
    """Return what a shell makes of a line."""
    shown = subprocess.run(
        ["/bin/sh", "-c", f'{line}\nprintf %s "$TICKTICK_TOKEN"'],
        capture_output=True,
        text=True,
        check=True,
        env={},
    )
    return shown.stdout


# -- The formats --------------------------------------------------------------


@EACH_FORM
def test_each_format_is_one_line_that_the_stores_read(shell, monkeypatch, form):
    """Alone, ``--format`` prints; the token is kept nowhere else."""
    line, fingerprint = printed(shell, "--format", form)

    value = set_by_shell(line) if form in ("env", "dotenv") else line
    monkeypatch.setenv("TICKTICK_TOKEN", value)
    token = EnvStore("TICKTICK_TOKEN").load()
    assert token.fingerprint == fingerprint
    assert (token.expires_at is None) == (form == "bare")
    assert FileStore().load() is None


def test_env_and_bare_can_be_masked(shell):
    """CI systems mask a value in their logs if it holds no white space."""
    for form in ("env", "bare"):
        line, _ = printed(shell, "--format", form)
        value = line.removeprefix("export ")
        assert not re.search(r"\s", value)


def test_a_value_needs_no_escapes(shell, sandbox):
    """Readers of .env files differ in what they do with these characters."""
    awkward = """it's a "name" for $5 `x` # \\ \N{EURO SIGN}"""
    shell.run(
        "login",
        "--with-token",
        input=json.dumps({"access_token": sandbox.issue_token(), "note": awkward}),
        stdin=None,
    )

    line, _ = printed(shell, "--format", "dotenv")

    name, value = line.split("=", 1)
    assert name == "TICKTICK_TOKEN"
    assert re.fullmatch(r"'[^'$`# ]+'", value)
    assert not re.search(r"""\\(?!u[0-9a-f]{4})""", value)
    assert json.loads(set_by_shell(line))["note"] == awkward


def test_the_literal_is_what_ticktick_py_wants(shell):
    """A dict literal with the keys that it looks at."""
    line, _ = printed(shell, "--format", "literal")

    found = ast.literal_eval(line)
    assert {"access_token", "expire_time", "scope", "token_type"} <= set(found)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--print", "--copy"], "--print and --copy exclude each other"),
        (["--save", "x", "--ask"], "--save and --ask exclude each other"),
        (["--env", "--format", "bare"], "--env and --format bare exclude each other"),
        (["--ask"], "--ask needs a terminal"),
        (["--format", "yaml"], "'yaml' is not one of"),
    ],
)
def test_wishes_that_contradict_each_other_are_an_error(shell, arguments, problem):
    """No option wins without a word."""
    done = shell.run("login", *arguments, env=shell.browser())

    assert done.returncode == 2
    assert problem in " ".join(done.stderr.split())


# -- --save -------------------------------------------------------------------


@EACH_FORM
def test_save_writes_a_private_file(shell, form):
    """In each format; the place of all tokens gets none."""
    done = shell.run(
        "login", "--save", "new/file", "--format", form, env=shell.browser()
    )

    assert done.returncode == 0, done.stderr
    path = shell.folder / "new" / "file"
    assert f"Kept in      {path}" in done.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().count("\n") == 1
    assert FileStore().load() is None


def test_a_saved_file_is_a_store(shell):
    """The format is JSON where none is named; the next one replaces it."""
    for _ in range(2):
        done = shell.run("login", "--save", "t.json", env=shell.browser())

        assert FileStore(shell.folder / "t.json").load().fingerprint in done.stderr


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "{}\n"),
        ("A=1", "A=1\n{}\n"),
        ("A=1\nB='2'\n", "A=1\nB='2'\n{}\n"),
        ("A=1\nTICKTICK_TOKEN=old\nB=2\n", "A=1\n{}\nB=2\n"),
        ("A=1\r\nexport TICKTICK_TOKEN='old'\r\nB=2\r\n", "A=1\r\n{}\r\nB=2\r\n"),
        ("TICKTICK_TOKEN=a\nTICKTICK_TOKEN=b\n", "TICKTICK_TOKEN=a\n{}\n"),
        ("# TICKTICK_TOKEN=\nMY_TICKTICK_TOKEN=x\n", None),
    ],
)
def test_other_lines_of_a_dotenv_file_stay(shell, before, after):
    """They are other secrets."""
    path = shell.folder / ".env"
    path.write_bytes(before.encode())

    done = shell.run(
        "login", "--save", ".env", "--format", "dotenv", env=shell.browser()
    )

    assert done.returncode == 0, done.stderr
    content = path.read_bytes().decode()
    line = re.findall(r"TICKTICK_TOKEN='[^']+'", content)[-1]
    assert content == (f"{before}{{}}\n" if after is None else after).format(line)


@pytest.mark.parametrize(
    ("content", "form", "what"),
    [
        (b"A=1\nB=2\n", "json", "several lines of text"),
        (b"[project]", "json", "neither JSON nor a token"),
        (b"TICKTICK_TOKEN='{\n}'\n", "dotenv", "TICKTICK_TOKEN of several lines"),
        (b'{"access_token": "t"}', "dotenv", "a token in another form"),
        pytest.param(b"A=1\n" * 300_000, "env", "more than a megabyte", id="large"),
    ],
)
def test_a_file_of_something_else_is_not_overwritten(
    shell, sandbox, content, form, what
):
    """That is seen before anybody grants access."""
    path = shell.folder / "theirs"
    path.write_bytes(content)

    done = shell.run("login", "--save", "theirs", "--format", form, env=shell.browser())

    assert done.returncode == 1
    assert what in done.stderr
    assert "is not overwritten" in done.stderr
    assert path.read_bytes() == content
    assert sandbox.sign_ons == 0


def test_a_place_that_cannot_be_written_is_one_line(shell, sandbox):
    """Before anybody grants access."""
    (shell.folder / "file").touch()

    done = shell.run("login", "--save", "file/token", env=shell.browser())

    assert done.returncode == 1
    assert done.stderr.startswith("Error: Cannot write ")
    assert sandbox.sign_ons == 0


def test_a_folder_that_others_can_write_to_is_refused(shell, sandbox):
    """They could replace the token by one of theirs."""
    shared = shell.folder / "shared"
    shared.mkdir()
    shared.chmod(0o777)

    done = shell.run("login", "--save", "shared/token", env=shell.browser())

    assert done.returncode == 1
    assert "Others may replace files in" in done.stderr
    assert sandbox.sign_ons == 0


def test_a_file_that_appears_meanwhile_is_not_overwritten(shell, sandbox):
    """The token is kept all the same, so that nobody is asked twice."""
    with shell.start("login", "--console", "--save", "t") as running:
        url = running.grants()
        (shell.folder / "t").write_text("A=1\nB=2\n")
        running.types(f"{url}\n")

        assert running.ends() == 1

    assert "is not overwritten" in running.shown
    assert f"The token is kept in {FileStore().path}" in running.shown
    assert shell.run("login", "--save", "t2").returncode == 0
    assert sandbox.sign_ons == 1


def test_a_folder_that_vanishes_is_named(tmp_path):
    """What is in the way is seen before the sign-on, and after it."""
    copy = TokenCopy(str(tmp_path / "folder" / "t"), "json")
    copy.require_room()
    (tmp_path / "folder").rmdir()

    with pytest.raises(CommandError, match=r"Cannot write .* Choose another file"):
        copy.write("text")


# -- Nothing is lost ----------------------------------------------------------


def test_a_full_device_loses_no_token(shell, sandbox):
    """A person has granted access: the token goes where all tokens go."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "login", "--print"],
            env=shell.environment(shell.browser()),
            stdout=full,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    assert "No space left on device" in line
    assert f"The token is kept in {FileStore().path}" in line
    assert FileStore().load() is not None
    assert sandbox.sign_ons == 1


def test_where_it_cannot_be_kept_either_the_error_says_so(shell, tmp_path):
    """Both problems are named."""
    env = {**shell.browser(), **clipboard_tool(tmp_path, "#!/bin/sh\nexit 3")}
    (shell.folder / "file").touch()

    done = shell.run("login", "--copy", "--file", "file/t.json", env=env)

    assert done.returncode == 1
    assert "Warning: " in done.stderr
    assert done.stderr.splitlines()[-1].endswith(
        "The token is not kept: sign on again."
    )


# -- --copy over SSH ----------------------------------------------------------


def test_over_ssh_the_terminal_copies(shell, tmp_path):
    """By OSC 52. A tool there would write the clipboard of that machine."""
    tool = clipboard_tool(tmp_path, "#!/bin/sh\nexit 3", name="pbcopy")
    env = {"SSH_CONNECTION": "a 1 b 2", "TERM": "xterm", "PATH": tool["PATH"]}
    arguments = ("login", "--console", "--copy", "--format", "bare")
    with shell.at_terminal(*arguments, env=env) as running:
        running.types(f"{running.grants()}\n")
        copied = running.sees("\x1b\\]52;c;([A-Za-z0-9+/=]+)\x07")[1]
        running.sees("Copied, if your terminal lets programs copy")

        assert running.ends() == 0

    token = Token(base64.b64decode(copied).decode())
    assert f"Fingerprint  {token.fingerprint}" in running.shown


def test_a_terminal_that_has_gone_cannot_copy(monkeypatch, tmp_path):
    """The error says what to do instead."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TERM", "xterm")
    with Person() as person:
        person.sits_down(monkeypatch)
        copy = find_clipboard()
        person.leaves()

        with pytest.raises(CommandError, match=r"cannot be written\. Use --print"):
            copy("text")


def test_a_terminal_that_cannot_copy_is_an_error(shell, sandbox, tmp_path):
    """Before anybody grants access."""
    env = {"SSH_TTY": "/dev/pts/0", "TERM": "dumb", "PATH": str(tmp_path)}
    with shell.at_terminal("login", "--copy", env=env) as running:
        assert running.ends() == 1

    assert "Error: No clipboard can be reached" in running.shown
    assert sandbox.sign_ons == 0


# -- --ask --------------------------------------------------------------------


@pytest.fixture
def asking(shell, tmp_path):
    """Somebody who has signed on, and is asked where the token goes."""
    copied = tmp_path / "copied"
    tool = clipboard_tool(tmp_path, f"#!/bin/sh\n/bin/cat >{copied}")
    arguments = ("login", "--console", "--ask", "--no-check", "--format", "bare")
    with shell.at_terminal(*arguments, env=tool) as running:
        running.types(f"{running.grants()}\n")
        running.sees(r"Copy the token to the clipboard\? \[y/N\]: ")
        running.copied = copied
        yield running


def test_the_first_yes_copies(asking):
    """As in pyticktick: one answer skips the rest."""
    asking.types("y\n")
    asking.sees("Copied to the clipboard, by xclip.")

    assert asking.ends() == 0
    assert "Print it?" not in asking.shown
    token = Token(asking.copied.read_text())
    assert f"Fingerprint  {token.fingerprint}" in asking.shown
    assert FileStore().load() is None


def test_the_second_yes_prints(asking, sandbox):
    """In the format that was chosen."""
    asking.types("n\n")
    asking.sees(r"Print it\? \[y/N\]: ")
    asking.types("y\n")

    assert asking.ends() == 0
    assert any(f"\n{secret}\n" in asking.shown for secret in sandbox.secrets)


@pytest.mark.parametrize("typed", ["", "mine"])
def test_else_a_file_is_asked_for(shell, asking, typed):
    """Enter means the place where all programs look."""
    asking.types("n\n")
    asking.sees(r"Print it\? \[y/N\]: ")
    asking.types("n\n")
    asking.sees("Save it in the file")
    asking.types(f"{typed}\n")

    assert asking.ends() == 0
    path = str(shell.folder / typed) if typed else FileStore().path
    assert f"Kept in      {path}" in asking.shown
    assert FileStore(path).load() is not None


def test_ctrl_c_at_the_question_loses_no_token(asking):
    """It is kept where all programs look, and that is said."""
    assert asking.ends_at_ctrl_c() == 130

    assert f"The token is kept in {FileStore().path}" in asking.shown
    assert FileStore().load() is not None


def test_a_terminal_that_closes_at_the_question_loses_no_token(asking):
    """Nor does its person have to sign on again."""
    asking.loses_its_terminal()
    until(lambda: FileStore().load() is not None)


def test_ctrl_c_about_a_kept_token_says_nothing(shell):
    """It was not in danger."""
    shell.run("login", env=shell.browser())
    env = {"TERM": "dumb"}
    with shell.at_terminal("login", "--ask", "--no-check", env=env) as running:
        running.sees(r"Print it\? \[y/N\]: ")  # this terminal cannot copy

        assert running.ends_at_ctrl_c() == 130

    assert "The token is kept" not in running.shown
