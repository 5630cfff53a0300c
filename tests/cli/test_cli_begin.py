"""``login --begin`` and ``--complete``: a sign-on by two commands."""

from __future__ import annotations

import errno
import json
import re
import shlex
import stat
import subprocess
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from shell import COMMAND, SECONDS, Shell, with_closed

from requests_ticktick import EnvStore, FileStore
from requests_ticktick._cli.program import program
from requests_ticktick.sandbox import Sandbox, SandboxSignOn
from requests_ticktick.stores import _replacing


@pytest.fixture
def shell(sandbox, secrets, monkeypatch, tmp_path):
    return Shell(sandbox, secrets, monkeypatch, tmp_path)


def begun(shell, *arguments, **options):
    """Begin a sign-on, and return the address that the browser ends up at."""
    done = shell.run("login", "--begin", *arguments, **options)
    assert done.returncode == 0, done.stderr
    return SandboxSignOn()(SimpleNamespace(url=done.stdout.strip()))


def completed(shell, url, *arguments, **options):
    """Complete it, by standard input."""
    options = {"input": f"{url}\n", "stdin": None, **options}
    return shell.run("login", "--complete", "-", *arguments, **options)


def left_over(shell):
    folder = shell.folder / "home"
    return [path for path in folder.rglob("*.begun-*") if path.is_file()]


def test_two_commands_sign_on(shell, sandbox):
    """What is needed between them is in a private file, which then goes."""
    url = begun(shell)
    (file,) = left_over(shell)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    done = completed(shell, url)

    assert done.returncode == 0, done.stderr
    assert f"Kept in      {FileStore().path}" in done.stderr
    assert "accepts it" in done.stderr
    assert FileStore().load().fingerprint in done.stderr
    assert left_over(shell) == []
    assert sandbox.token_requests == 1


def test_a_person_is_told_what_comes_next(shell):
    """Standard output is the address alone."""
    done = shell.run("login", "--begin", "--profile", "work")

    assert re.fullmatch(r"http://\S+\n", done.stdout)
    assert "(a page that does not load is fine)" in done.stderr
    command = done.stderr.splitlines()[-1].strip()
    words = shlex.split(command)
    assert words[:4] == ["requests-ticktick", "login", "--complete", "-"]
    assert words[-2:] == ["--profile", "work"]


def test_json_tells_a_program_what_comes_next(shell, sandbox):
    """The address, where it leads, until when, and the command."""
    done = shell.run("login", "--begin", "--json", "--timeout", "90")

    fields = json.loads(done.stdout)
    url = SandboxSignOn()(SimpleNamespace(url=fields["url"]))
    assert url.startswith(fields["redirect_uri"])
    words = shlex.split(fields["complete"])[1:]
    done = shell.run(*words, input=url, stdin=None)
    assert done.returncode == 0, done.stderr
    assert sandbox.sign_ons == 1


def test_the_address_may_be_an_argument(shell):
    """Its code is of no use without what the first command has kept."""
    done = shell.run("login", "--complete", begun(shell))

    assert done.returncode == 0, done.stderr


def test_a_terminal_asks_for_the_address(shell):
    """A person pastes it there."""
    url = begun(shell)
    with shell.at_terminal("login", "--complete", "-") as running:
        running.sees("Paste the address")
        running.types(f"{url}\n")

        assert running.ends() == 0


def test_ctrl_c_at_the_question_loses_nothing(shell):
    """The sign-on can still be completed."""
    url = begun(shell)
    with shell.at_terminal("login", "--complete", "-") as running:
        running.sees("Paste the address")

        assert running.ends_at_ctrl_c() == 130

    assert completed(shell, url).returncode == 0


def test_several_may_be_under_way(shell, sandbox):
    """Each address completes its own."""
    urls = [begun(shell), begun(shell, "--scope", "tasks:read")]

    for url in urls:
        done = completed(shell, url, "--print", prints_secrets=True)
        assert done.returncode == 0, done.stderr

    assert json.loads(done.stdout)["scope"] == "tasks:read"
    assert sandbox.token_requests == 2


def test_used_is_one_line_that_names_the_next_step(shell):
    """The address works once."""
    url = begun(shell)
    completed(shell, url)

    done = completed(shell, url)

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: No sign-on is under way here: it is completed")
    assert "Begin again: requests-ticktick login --begin" in line


def test_expired_is_one_line_that_names_the_next_step(shell, sandbox):
    """Its file goes as well, then or at the next beginning."""
    old, older = begun(shell), begun(shell)
    for file in left_over(shell):
        file.write_text(re.sub(r'"until": [\d.]+', '"until": 1.5', file.read_text()))

    done = completed(shell, old)

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: This sign-on could be completed until 1970-01-01")
    assert "Begin again: " in line
    begun(shell)
    assert len(left_over(shell)) == 1
    assert sandbox.token_requests == 0
    assert completed(shell, older).returncode == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "That was empty."),
        ("nonsense", "That may be the code alone"),
        ("?code=abc&state=other", "That belongs to another sign-on"),
        ("\udcff\udcfe", "That is not an address"),
    ],
)
def test_another_text_is_one_line(shell, text, problem):
    """Whatever it is, it is not quoted, and the sign-on is still under way."""
    url = begun(shell)

    done = completed(shell, text, errors="surrogateescape")

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Error: {problem}")
    assert completed(shell, url).returncode == 0


def test_the_code_alone_on_request(shell):
    """Where one sign-on is under way, it is clear which is meant."""
    code = re.search("code=([^&]+)", begun(shell))[1]
    assert completed(shell, code).returncode == 1
    assert completed(shell, code, "--bare-code").returncode == 0

    code = re.search("code=([^&]+)", begun(shell))[1]
    begun(shell)
    assert completed(shell, code, "--bare-code").returncode == 1


def test_a_denial_ends_it(shell, sandbox):
    """Another sign-on has to begin."""
    sandbox.deny()
    url = begun(shell)

    done = completed(shell, url)

    assert done.returncode == 1
    assert "Error: Access was not granted (access_denied" in done.stderr
    assert "login --begin" in done.stderr
    assert left_over(shell) == []


def test_trouble_at_the_service_does_not_end_it(shell, sandbox):
    """The same command can be run again."""
    url = begun(shell)
    sandbox.fail(1, 503)

    assert completed(shell, url).returncode == 1
    assert completed(shell, url).returncode == 0


def test_a_code_that_the_service_refuses_ends_it(shell, sandbox):
    """It would refuse it again."""
    url = begun(shell)
    sandbox.fail(1, 400, {"error": "invalid_grant"})

    done = completed(shell, url)

    assert done.returncode == 1
    assert "To begin again: requests-ticktick login --begin" in done.stderr
    assert left_over(shell) == []


def test_another_profile_is_another_sign_on(shell):
    """The error says so."""
    url = begun(shell, "--profile", "work")

    done = completed(shell, url)

    assert done.returncode == 1
    assert "--profile" in done.stderr
    assert completed(shell, url, "--profile", "work").returncode == 0


def test_no_client_is_needed_in_the_second_command(secrets, monkeypatch, tmp_path):
    """Its id is kept, and an app without a secret has nothing else."""
    with Sandbox(public=True) as sandbox:
        shell = Shell(sandbox, secrets, monkeypatch, tmp_path)
        shell.variables["TICKTICK_CLIENT_SECRET"] = None
        url = begun(shell)

        done = completed(shell, url, env={"TICKTICK_CLIENT_ID": None})

        assert done.returncode == 0, done.stderr


def test_a_client_can_be_registered_for_it(shell, sandbox):
    """The second command need not be told."""
    env = dict.fromkeys(["TICKTICK_CLIENT_ID", "TICKTICK_CLIENT_SECRET"])
    url = begun(shell, "--register", env=env)

    done = completed(shell, url, env=env)

    assert done.returncode == 0, done.stderr
    assert len(sandbox.registered_clients) == 1


def test_without_a_client_nothing_begins(shell):
    """Nobody is asked for it: a program may run this command."""
    with shell.at_terminal(
        "login", "--begin", env={"TICKTICK_CLIENT_ID": None}
    ) as running:
        assert running.ends() == 1

    assert "Error: A sign-on needs the client id" in running.shown


def test_a_place_that_cannot_be_written_is_one_line(shell):
    """Before anybody grants access."""
    (shell.folder / "file").touch()

    done = shell.run("login", "--begin", "--file", "file/token.json")

    assert done.returncode == 1
    assert done.stderr.startswith("Error: Cannot write ")


def test_a_file_that_cannot_be_written_is_one_line(monkeypatch, sandbox):
    """As on a disk that has become full."""
    for name in ("client_id", "client_secret", "redirect_uri"):
        monkeypatch.setenv(f"TICKTICK_{name.upper()}", getattr(sandbox, name))
    monkeypatch.setenv("TICKTICK_SERVICE", sandbox.url(""))

    def fail(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_replacing, "replace", fail)

    done = CliRunner().invoke(program, ["login", "--begin"])

    assert done.exit_code == 1
    assert "No space left on device. Free some space" in done.output


def test_a_file_that_another_user_may_have_put_there_is_passed_over(shell):
    """Its sign-on could be theirs."""
    url = begun(shell)
    (file,) = left_over(shell)
    file.parent.chmod(0o777)

    assert completed(shell, url).returncode == 1

    file.parent.chmod(0o700)
    assert completed(shell, url).returncode == 0


def test_files_that_hold_something_else_are_passed_over(shell):
    """What is needed is beside the token's file, wherever that is."""
    url = begun(shell, env={"TICKTICK_TOKEN_FILE": str(shell.folder / "t" / "x.json")})

    (file,) = (shell.folder / "t").glob("*.begun-*")
    file.with_name("x.json.begun-other").write_text("{}")
    file.with_name("x.json.begun-torn").write_text("{")
    done = completed(
        shell, url, env={"TICKTICK_TOKEN_FILE": str(shell.folder / "t" / "x.json")}
    )
    assert done.returncode == 0, done.stderr


def test_the_token_can_go_elsewhere(shell, monkeypatch):
    """By the second command's options."""
    done = completed(shell, begun(shell), "--env", prints_secrets=True)

    monkeypatch.setenv("TICKTICK_TOKEN", done.stdout.split("'")[1])
    assert EnvStore("TICKTICK_TOKEN").load().fingerprint in done.stderr
    assert FileStore().load() is None
    assert left_over(shell) == []


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--begin", "--print"], "is chosen with --complete"),
        (["--begin", "--complete", "-"], "exclude each other"),
        (["--json"], "--json goes with --begin"),
    ],
)
def test_options_that_contradict_each_other_are_an_error(shell, arguments, problem):
    """Before anything happens."""
    done = shell.run("login", *arguments)

    assert done.returncode == 2
    assert problem in " ".join(done.stderr.split())


def test_a_closed_standard_input_is_one_line(shell):
    """As where a service is started without one."""
    done = subprocess.run(
        with_closed(0, [*COMMAND, "login", "--complete", "-"]),
        env=shell.environment({}),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == "Error: Standard input is closed: pipe the address to it.\n"
