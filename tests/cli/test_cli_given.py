"""``login --with-token``: a token that is there already."""

from __future__ import annotations

import json
import subprocess
import time

import pytest
from shell import COMMAND, SECONDS, Shell, with_closed

from requests_ticktick import FileStore, Token
from requests_ticktick._stamp import Stamp


@pytest.fixture
def shell(sandbox, secrets, monkeypatch, tmp_path):
    return Shell(sandbox, secrets, monkeypatch, tmp_path)


def given(shell, content, *arguments, **options):
    """Pipe this to the command."""
    text = content if isinstance(content, str) else json.dumps(content)
    return shell.run(
        "login", "--with-token", *arguments, input=text, stdin=None, **options
    )


@pytest.mark.parametrize("form", ["{}\n", '"{}"\r\n', '{{"access_token": "{}"}}'])
def test_a_token_is_kept_for_all_programs(shell, sandbox, form):
    """It is tried at the API. Nobody is asked for anything."""
    token = sandbox.issue_token("tp_0123456789abcdef0123456789abcdef")

    done = given(shell, form.format(token))

    assert done.returncode == 0, done.stderr
    assert "The token is kept: signed on to the sandbox" in done.stderr
    assert f"Kept in      {FileStore().path}" in done.stderr
    assert shell.run("status", "--check").returncode == 0
    assert sandbox.sign_ons == 0


def test_what_token_json_prints_can_be_taken_to_another_machine(shell, sandbox):
    """With its expiry, and whose it is."""
    shell.run("login", env=shell.browser())
    printed = shell.run("token", "--json", prints_secrets=True).stdout

    done = given(shell, printed, "--profile", "other")

    assert done.returncode == 0, done.stderr
    assert FileStore(profile="other").load() == FileStore().load()


def test_a_token_that_the_api_refuses_is_not_kept(shell):
    """It replaces none that works."""
    shell.run("login", env=shell.browser())
    before = FileStore().load()

    done = given(shell, "tp_0123456789abcdef0123456789abcdef")

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: The API refuses the token ")
    assert FileStore().load() == before


def test_it_need_not_be_tried(shell, sandbox):
    """As where there is no network yet."""
    done = given(shell, "tp_0123456789abcdef0123456789abcdef", "--no-check")

    assert done.returncode == 0, done.stderr
    assert sandbox.api_calls == 0


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "Standard input holds nothing, and no token. Pipe the bare token"),
        ("A=1\nB=2\n", "Standard input holds several lines of text"),
        ({"accessToken": "x"}, "under the name 'accessToken'"),
        ({"access_token": "x", "expires_at": 1.5}, "has expired. Sign on: requests-"),
        ({"access_token": "x", "token_endpoint": "https://a.b/c"}, "another service"),
        ({"access_token": "x", "client_id": "someone"}, "another client, someone"),
    ],
)
def test_what_is_no_token_of_this_account_is_one_line(shell, content, problem):
    """It quotes nothing, and names the next step."""
    done = given(shell, content)

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert problem in line
    assert FileStore().load() is None


def test_a_token_of_the_other_service_is_named(shell):
    """A personal API token shows whose it is."""
    done = given(shell, "dp_0123456789abcdef", "--service", "ticktick", "--no-check")

    assert done.returncode == 1
    assert "is for another service, https://dida365.com/" in done.stderr
    assert FileStore().load() is None


def test_another_clients_token_is_not_overwritten(shell, sandbox):
    """As by a sign-on."""
    theirs = Stamp("other", sandbox.service.token_endpoint, None).put_on(Token("t"))
    FileStore().save(theirs)

    done = given(shell, sandbox.issue_token())

    assert done.returncode == 1
    assert "is not overwritten" in done.stderr
    assert FileStore().load() == theirs


def test_it_can_be_turned_into_another_form(shell, sandbox):
    """Then it is kept nowhere else."""
    token = sandbox.issue_token()

    done = given(shell, token, "--format", "env", prints_secrets=True)

    assert done.returncode == 0, done.stderr
    assert token in done.stdout
    assert done.stderr.startswith("Read ")
    assert FileStore().load() is None


def test_a_terminal_asks_for_it(shell, sandbox, secrets):
    """It is not echoed."""
    token = sandbox.issue_token()
    secrets.add(token)
    with shell.at_terminal("login", "--with-token") as running:
        running.sees(r"Token \(hidden\): ")
        running.types(f"{token}\n")

        assert running.ends() == 0

    secrets.check(running.shown)
    assert FileStore().load().access_token == token


def test_ctrl_c_at_the_question(shell):
    """130, as everywhere."""
    with shell.at_terminal("login", "--with-token") as running:
        running.sees(r"Token \(hidden\): ")

        assert running.ends_at_ctrl_c() == 130


def test_a_closed_standard_input_is_one_line(shell):
    """As where a service is started without one."""
    done = subprocess.run(
        with_closed(0, [*COMMAND, "login", "--with-token"]),
        env=shell.environment({}),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == "Error: Standard input is closed: pipe the token to it.\n"


def test_its_expiry_is_shown(shell, sandbox):
    """Where it says one."""
    fields = {"access_token": sandbox.issue_token(), "expires_at": time.time() + 9_000}

    done = given(shell, fields)

    assert "2 hours left" in done.stderr
