"""``requests-ticktick login``: a person signs on once, for all programs."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from ports import free_port
from shell import SECONDS, Shell, clipboard_tool

from requests_ticktick import EnvStore, FileStore, Token
from requests_ticktick._stamp import Stamp

#: A script that is told the service, and finds the rest by itself.
SCRIPT = """
import sys, requests
from requests_ticktick import Service, TickTickAuth, refuse
base = sys.argv[1]
service = Service(f"{base}/oauth/authorize", f"{base}/oauth/token", [base])
with requests.Session() as session:
    session.auth = TickTickAuth(service=service, sign_on=refuse)
    print(session.get(f"{base}/open/v1/project").status_code)
"""


@pytest.fixture
def shell(sandbox, secrets, monkeypatch, tmp_path):
    return Shell(sandbox, secrets, monkeypatch, tmp_path)


@contextlib.contextmanager
def pasted_login(shell, *arguments, env=()):
    """Start a sign-on by hand, and yield a function that pastes the address."""
    with shell.start("login", "--console", *arguments, env=env) as running:
        url = running.grants()
        yield running, lambda: running.types(f"{url}\n")


# -- Signing on --------------------------------------------------------------


def test_after_login_a_script_needs_no_configuration(shell, sandbox):
    """It finds the token in the default store, without a client id or secret."""
    done = shell.run("login", env=shell.browser())

    assert done.returncode == 0
    assert done.stdout == ""
    assert f"Signed on to the sandbox {sandbox.url('')}." in done.stderr
    assert f"Kept in      {FileStore().path}" in done.stderr
    assert "180 days left" in done.stderr
    assert "The API      accepts it" in done.stderr
    assert FileStore().load().fingerprint in done.stderr
    none = {"TICKTICK_CLIENT_ID": None, "TICKTICK_CLIENT_SECRET": None}
    script = subprocess.run(
        [sys.executable, "-c", SCRIPT, sandbox.url("")],
        env=shell.environment(none),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert script.stdout == "200\n"
    assert sandbox.sign_ons == 1


def test_a_valid_token_is_not_replaced(shell, sandbox):
    """The second login ends at once, even where no person can sign on."""
    shell.run("login", env=shell.browser())

    done = shell.run("login")

    assert done.returncode == 0
    assert "There is a valid token" in done.stderr
    assert sandbox.sign_ons == 1


def test_force_signs_on_again(shell, sandbox):
    """The new token replaces the valid one."""
    shell.run("login", env=shell.browser())
    first = FileStore().load()

    done = shell.run("login", "--force", env=shell.browser())

    assert done.returncode == 0
    assert sandbox.sign_ons == 2
    assert FileStore().load().access_token != first.access_token


def test_a_token_that_the_api_refuses_is_replaced(shell, sandbox):
    """A revoked token looks valid until login asks the API."""
    shell.run("login", env=shell.browser())
    sandbox.revoke_all()

    done = shell.run("login", env=shell.browser())

    assert done.returncode == 0
    assert "The API refuses the token" in done.stderr
    assert sandbox.sign_ons == 2


def test_a_new_token_that_the_api_refuses_is_an_error(shell, sandbox):
    """Another sign-on would not help. The error says what does."""
    sandbox.fail(1, 401, endpoint="api")

    done = shell.run("login", env=shell.browser())

    assert done.returncode == 1
    assert "The API      refuses it" in done.stderr
    assert "Remove this app's access in TickTick's settings" in done.stderr


def test_the_rate_limit_does_not_fail_a_login(shell, sandbox):
    """TickTick's 500 says nothing about the token."""
    sandbox.rate_limit()

    done = shell.run("login", env=shell.browser())

    assert done.returncode == 0
    assert "answered with HTTP status 500: try again in a minute" in done.stderr


def test_no_check_makes_no_call(shell, sandbox):
    """Neither with a new token nor with a known one."""
    for _ in range(2):
        done = shell.run("login", "--no-check", env=shell.browser())

        assert done.returncode == 0
        assert "The API" not in done.stderr
    assert sandbox.api_calls == 0


def test_a_denial_is_one_line(shell, sandbox):
    """A person who denies access in the browser sees no traceback."""
    sandbox.deny()

    done = shell.run("login", env=shell.browser())

    assert done.returncode == 1
    assert "\nError: Access was not granted (access_denied" in done.stderr


def test_console_takes_a_pasted_address(shell, sandbox):
    """``--console`` needs no terminal: a pipe will do."""
    with pasted_login(shell) as (running, paste):
        paste()

        assert running.ends() == 0

    assert sandbox.sign_ons == 1
    assert FileStore().load() is not None


def test_no_browser_waits_for_a_browser(shell, sandbox):
    """``--no-browser`` opens none itself."""
    with shell.start("login", "--no-browser", env=shell.browser()) as running:
        url = running.grants()
        assert sandbox.sign_ons == 1
        urllib.request.urlopen(url).close()

        assert running.ends() == 0


# -- Where the token goes ----------------------------------------------------


def test_print_prints_the_token_and_saves_none(shell, secrets):
    """Standard output is JSON that every store can read."""
    done = shell.run("login", "--print", env=shell.browser(), prints_secrets=True)

    assert done.returncode == 0
    assert Token.from_dict(json.loads(done.stdout)).fingerprint in done.stderr
    assert "no file of this machine" in done.stderr
    assert FileStore().load() is None


def test_env_prints_a_line_for_another_shell(shell, monkeypatch):
    """The line puts the token into that shell's environment."""
    done = shell.run("login", "--env", env=shell.browser(), prints_secrets=True)

    shown = subprocess.run(
        ["/bin/sh", "-c", f'{done.stdout}printf %s "$TICKTICK_TOKEN"'],
        capture_output=True,
        text=True,
        check=True,
    )
    monkeypatch.setenv("TICKTICK_TOKEN", shown.stdout)
    assert EnvStore("TICKTICK_TOKEN").load().fingerprint in done.stderr
    assert shell.run("status", "--check").returncode == 0
    assert FileStore().load() is None


def test_a_valid_token_is_printed_without_a_sign_on(shell, sandbox):
    """A person can take it to another machine. It stays in the file."""
    shell.run("login", env=shell.browser())

    done = shell.run("login", "--print", prints_secrets=True)

    token = Token.from_dict(json.loads(done.stdout))
    assert token.access_token == FileStore().load().access_token
    assert sandbox.sign_ons == 1


def test_copy_puts_the_token_on_the_clipboard(shell, tmp_path):
    """It uses the tool that is installed, and shows no secret."""
    copied = tmp_path / "copied"
    env = clipboard_tool(
        tmp_path, f'#!/bin/sh\necho "$@" >{copied}; /bin/cat >>{copied}'
    )

    done = shell.run("login", "--copy", env={**shell.browser(), **env})

    assert done.returncode == 0
    assert done.stdout == ""
    arguments, text = copied.read_text().split("\n")
    assert arguments == "-selection clipboard"
    assert "Copied to the clipboard, by xclip." in done.stderr
    assert Token.from_dict(json.loads(text)).fingerprint in done.stderr
    assert FileStore().load() is None


def test_without_a_clipboard_nobody_signs_on_in_vain(shell, sandbox, tmp_path):
    """The tool is looked for before the sign-on."""
    env = {**shell.browser(), "PATH": str(tmp_path), "DISPLAY": ":99"}

    done = shell.run("login", "--copy", env=env)

    assert done.returncode == 1
    assert done.stderr.startswith("Error: No clipboard can be reached")
    assert "--print" in done.stderr
    assert sandbox.sign_ons == 0


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        pytest.param("#!/bin/sh\nexit 3", "failed with status 3", id="an error"),
        pytest.param("#!/not/there", "failed: FileNotFoundError", id="no program"),
    ],
)
def test_a_clipboard_that_fails_is_named(shell, tmp_path, code, problem):
    """The error says what to do instead."""
    env = clipboard_tool(tmp_path, code)

    done = shell.run("login", "--copy", env={**shell.browser(), **env})

    assert done.returncode == 1
    assert f"Error: xclip {problem}. Use --print" in done.stderr
    assert f"The token is kept in {FileStore().path}" in done.stderr


# -- What is missing ---------------------------------------------------------


def test_the_client_is_asked_for_at_a_terminal(shell, secrets):
    """The secret is not echoed. The app's page and redirect URI are shown."""
    env = {name: None for name in shell.variables if name != "COLUMNS"}
    secrets.add("typed-secret")
    arguments = ("login", "--service", "dida365", "--console")
    with shell.at_terminal(*arguments, env=env) as running:
        running.sees("https://developer.dida365.com/manage")
        running.sees(
            "redirect URI there must be http://127.0.0.1:8765/dida365/callback"
        )
        running.sees("Client id: ")
        running.types("typed-id\n")
        running.sees(r"Client secret \(hidden\): ")
        running.types("typed-secret\n")
        running.sees("https://dida365.com/oauth/authorize.*client_id=typed-id")

        assert running.ends_at_ctrl_c() == 130

    secrets.check(running.shown)


def test_the_client_of_a_sandbox_is_asked_for_without_a_page(shell, sandbox):
    """A sandbox has no page where apps are registered."""
    env = {"TICKTICK_CLIENT_ID": None, "TICKTICK_CLIENT_SECRET": None}
    with shell.at_terminal("login", "--console", env=env) as running:
        running.sees("Client id: ")
        assert "developer" not in running.shown
        running.types(f"{sandbox.client_id}\n")
        running.sees(r"Client secret \(hidden\): ")  # the space comes without echo
        running.types(f"{sandbox.client_secret}\n")
        running.types(f"{running.grants()}\n")

        assert running.ends() == 0


def test_without_a_terminal_a_missing_client_is_an_error(shell):
    """The error names the option and the variable."""
    done = shell.run("login", "--console", env={"TICKTICK_CLIENT_ID": None})

    assert done.returncode == 1
    assert done.stderr == (
        "Error: A sign-on needs the client id: pass --client-id or set "
        "TICKTICK_CLIENT_ID.\n"
    )


def test_the_error_names_the_page_of_the_app(shell):
    """TickTick has one, where apps are registered."""
    env = {"TICKTICK_CLIENT_ID": None, "TICKTICK_SERVICE": "ticktick"}

    done = shell.run("login", "--console", env=env)

    assert "your app's page, https://developer.ticktick.com/manage" in done.stderr


def test_the_secret_can_come_from_a_file_or_a_pipe(shell, sandbox):
    """Other users of the machine could read it in a command line."""
    (shell.folder / "secret").write_text(f"{sandbox.client_secret}\n")
    env = {**shell.browser(), "TICKTICK_CLIENT_SECRET": None}

    with (shell.folder / "secret").open() as file:
        piped = shell.run("login", "--client-secret-file", "-", env=env, stdin=file)
    read = shell.run("login", "--force", "--client-secret-file", "secret", env=env)

    assert (piped.returncode, read.returncode) == (0, 0)
    assert sandbox.sign_ons == 2


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-8", "ascii"]
)
def test_the_secret_can_come_from_a_windows_editor(shell, sandbox, encoding):
    """Editors add UTF-16, a BOM, quotes and line ends of their own."""
    bom = "\ufeff" if encoding == "utf-16-be" else ""
    quote = "'" if encoding == "ascii" else ""
    text = f"{bom}{quote}{sandbox.client_secret}{quote}\r\n"
    (shell.folder / "secret").write_bytes(text.encode(encoding))
    env = {**shell.browser(), "TICKTICK_CLIENT_SECRET": None}

    done = shell.run("login", "--client-secret-file", "secret", env=env)

    assert done.returncode == 0
    assert sandbox.sign_ons == 1


def test_where_nobody_can_sign_on_the_error_says_what_to_do(shell):
    """It names the command to run on a machine with a person."""
    done = shell.run("login")

    assert done.returncode == 1
    assert "requests-ticktick login --env --service" in done.stderr


# -- What is in the way ------------------------------------------------------


def test_the_token_of_another_client_is_neither_used_nor_overwritten(shell, sandbox):
    """Login refuses before the person grants access in vain."""
    theirs = Stamp("another-app", sandbox.service.token_endpoint, None).put_on(
        Token("t")
    )
    FileStore().save(theirs)

    done = shell.run("login", env=shell.browser())

    assert done.returncode == 1
    assert "is for another client, another-app: it is not overwritten" in done.stderr
    assert "--profile" in done.stderr
    assert FileStore().load() == theirs
    assert sandbox.sign_ons == 0


def test_an_unwritable_place_is_an_error_before_the_sign_on(shell, sandbox):
    """The person does not grant access in vain."""
    (shell.folder / "file").touch()

    done = shell.run("login", "--file", "file/token.json", env=shell.browser())

    assert done.returncode == 1
    assert "file/token.json" in done.stderr
    assert sandbox.sign_ons == 0


def test_a_token_that_was_not_saved_is_an_error(shell):
    """Another client's token took the place during the sign-on."""
    with pasted_login(shell) as (running, paste):
        FileStore().save(Stamp("another-app", None, None).put_on(Token("t")))
        paste()

        assert running.ends() == 1

    assert "Warning: " in running.shown
    assert "Error: Signed on, but the token was not saved." in running.shown


def test_login_warns_of_a_variable_that_hides_the_new_token(shell, sandbox):
    """Programs read TICKTICK_TOKEN before the file."""
    env = {
        **shell.browser(),
        "TICKTICK_TOKEN": sandbox.issue_token("in-the-environment"),
    }

    done = shell.run("login", "--force", env=env)

    assert done.returncode == 0
    assert "Warning: $TICKTICK_TOKEN holds another token" in done.stderr
    assert "unset it" in done.stderr


def test_login_waits_for_another_sign_on(shell, sandbox):
    """Another process holds the lock for a while."""
    with shell.start("login", "--console") as running:
        with FileStore().lock(SECONDS):
            time.sleep(1)  # it has started, and waits
        running.types(f"{running.grants()}\n")

        assert running.ends() == 0


def test_a_token_near_its_end_is_replaced(shell, sandbox):
    """In a token's last minute, programs would ask for another."""
    FileStore().save(Token("old", expires_at=time.time() + 50))

    done = shell.run("login", "--no-check", env=shell.browser())

    assert done.returncode == 0
    assert sandbox.sign_ons == 1
    assert FileStore().load().access_token != "old"


def test_a_token_issued_for_less_than_a_minute_is_kept(shell, sandbox):
    """As in programs, which use such a token to its end."""
    now = time.time()
    FileStore().save(Token("short", issued_at=now, expires_at=now + 50))

    done = shell.run("login", "--no-check", env=shell.browser())

    assert done.returncode == 0
    assert "There is a valid token" in done.stderr
    assert sandbox.sign_ons == 0


def test_a_sandbox_is_reached_without_the_proxy(shell):
    """A proxy on another machine could not reach this one."""
    proxy = f"http://127.0.0.1:{free_port()}"  # where nobody listens
    env = {"HTTP_PROXY": proxy, "http_proxy": proxy}

    with pasted_login(shell, env=env) as (running, paste):
        paste()

        assert running.ends() == 0

    assert "accepts it" in running.shown
    assert Path(FileStore().path).exists()
