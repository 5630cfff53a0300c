"""``requests-ticktick login``: a person signs on, all programs go on."""

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
from test_cli_support import SECONDS, Shell

from requests_ticktick import EnvStore, FileStore, Token
from requests_ticktick.owner import Owner

#: A script that is configured by variables, but for the service.
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
    """Sign on by hand, up to the address that is to be pasted."""
    with shell.start("login", "--console", *arguments, env=env) as running:
        url = running.grants()
        yield running, lambda: running.types(f"{url}\n")


# -- Signing on --------------------------------------------------------------


def test_after_login_a_script_needs_no_configuration(shell, sandbox):
    """It finds the token where it looks by itself, with no id and no secret."""
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


def test_a_valid_token_is_not_asked_for_again(shell, sandbox):
    """The second login answers at once; so does one where nobody is."""
    shell.run("login", env=shell.browser())

    done = shell.run("login")

    assert done.returncode == 0
    assert "There is a valid token" in done.stderr
    assert sandbox.sign_ons == 1


def test_force_asks_again(shell, sandbox):
    """Although there is a valid token."""
    shell.run("login", env=shell.browser())
    first = FileStore().load()

    done = shell.run("login", "--force", env=shell.browser())

    assert done.returncode == 0
    assert sandbox.sign_ons == 2
    assert FileStore().load().access_token != first.access_token


def test_a_token_that_the_api_refuses_is_replaced(shell, sandbox):
    """It looks valid, but was revoked: login finds out, and signs on."""
    shell.run("login", env=shell.browser())
    sandbox.revoke_all()

    done = shell.run("login", env=shell.browser())

    assert done.returncode == 0
    assert "The API refuses the token" in done.stderr
    assert sandbox.sign_ons == 2


def test_a_new_token_that_the_api_refuses_is_an_error(shell, sandbox):
    """It says what helps, instead of signing on for ever."""
    sandbox.fail(1, 401, endpoint="api")

    done = shell.run("login", env=shell.browser())

    assert done.returncode == 1
    assert "The API      refuses it" in done.stderr
    assert "Remove this app's access in TickTick's settings" in done.stderr


def test_the_rate_limit_does_not_spoil_a_login(shell, sandbox):
    """TickTick's 500 says nothing about the token."""
    sandbox.rate_limit()

    done = shell.run("login", env=shell.browser())

    assert done.returncode == 0
    assert "answered with HTTP status 500: try again in a minute" in done.stderr


def test_the_check_can_be_left_out(shell, sandbox):
    """``--no-check`` makes no call, with a new token or a known one."""
    for _ in range(2):
        done = shell.run("login", "--no-check", env=shell.browser())

        assert done.returncode == 0
        assert "The API" not in done.stderr
    assert sandbox.api_calls == 0


def test_a_denial_is_one_line(shell, sandbox):
    """Whoever says no in the browser reads no traceback."""
    sandbox.deny()

    done = shell.run("login", env=shell.browser())

    assert done.returncode == 1
    assert "\nError: Access was not granted (access_denied" in done.stderr


def test_the_address_can_be_pasted(shell, sandbox):
    """``--console`` works through a pipe, and over SSH."""
    with pasted_login(shell) as (running, paste):
        paste()

        assert running.ends() == 0

    assert sandbox.sign_ons == 1
    assert FileStore().load() is not None


def test_the_browser_may_be_elsewhere(shell, sandbox):
    """``--no-browser`` opens none, and waits for one."""
    with shell.start("login", "--no-browser", env=shell.browser()) as running:
        url = running.grants()
        assert sandbox.sign_ons == 1
        urllib.request.urlopen(url).close()

        assert running.ends() == 0


# -- Where the token goes ----------------------------------------------------


def test_print_prints_the_token_and_saves_none(shell, secrets):
    """Standard output is JSON that any store reads."""
    done = shell.run("login", "--print", env=shell.browser(), prints_secrets=True)

    assert done.returncode == 0
    assert Token.from_dict(json.loads(done.stdout)).fingerprint in done.stderr
    assert "no file of this machine" in done.stderr
    assert FileStore().load() is None


def test_env_prints_a_line_for_another_shell(shell, monkeypatch):
    """Pasted there, the token is in the environment."""
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


def test_a_token_that_is_there_is_printed_without_a_sign_on(shell, sandbox):
    """It can be taken to another machine, and stays here."""
    shell.run("login", env=shell.browser())

    done = shell.run("login", "--print", prints_secrets=True)

    token = Token.from_dict(json.loads(done.stdout))
    assert token.access_token == FileStore().load().access_token
    assert sandbox.sign_ons == 1


def clipboard_tool(folder, code, name="xclip"):
    """Put a clipboard's tool on the path; return the variables to find it."""
    path = folder / name
    path.write_text(code)
    path.chmod(0o755)
    return {"PATH": str(folder), "DISPLAY": ":99"}


def test_copy_puts_the_token_on_the_clipboard(shell, tmp_path):
    """By the tool that is there; nothing secret is shown."""
    copied = tmp_path / "copied"
    env = clipboard_tool(
        tmp_path, f'#!/bin/sh\necho "$@" >{copied}; /bin/cat >>{copied}'
    )

    done = shell.run("login", "--copy", env={**shell.browser(), **env})

    assert done.returncode == 0
    assert done.stdout == ""
    arguments, text = copied.read_text().split("\n")
    assert arguments == "-selection clipboard"
    assert Token.from_dict(json.loads(text)).fingerprint in done.stderr
    assert FileStore().load() is None


def test_without_a_clipboard_nobody_is_asked(shell, sandbox, tmp_path):
    """The tool is looked for before the sign-on, not after it."""
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
    """With what to do instead."""
    env = clipboard_tool(tmp_path, code)

    done = shell.run("login", "--copy", env={**shell.browser(), **env})

    assert done.returncode == 1
    assert f"Error: xclip {problem}. Use --print" in done.stderr


# -- What is missing ---------------------------------------------------------


def test_the_client_is_asked_for_at_a_terminal(shell, secrets):
    """The id is typed, the secret is typed unseen; both pages are named."""
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
        running.types("\x03")

        assert running.ends() == 130

    secrets.check(running.shown)


def test_a_sandbox_has_no_portal_to_look_at(shell, sandbox):
    """Its id and secret are asked for alone, and do."""
    env = {"TICKTICK_CLIENT_ID": None, "TICKTICK_CLIENT_SECRET": None}
    with shell.at_terminal("login", "--console", env=env) as running:
        running.sees("Client id: ")
        assert "developer" not in running.shown
        running.types(f"{sandbox.client_id}\n")
        running.sees(r"Client secret \(hidden\): ")  # the space comes without echo
        running.types(f"{sandbox.client_secret}\n")
        running.types(f"{running.grants()}\n")

        assert running.ends() == 0


@pytest.mark.parametrize(
    ("missing", "ways"),
    [
        ("TICKTICK_CLIENT_ID", "client id: pass --client-id"),
        ("TICKTICK_CLIENT_SECRET", "client secret: pass --client-secret-file"),
    ],
)
def test_without_a_terminal_what_is_missing_is_an_error(shell, missing, ways):
    """It names the option and the variable, before anybody is asked."""
    done = shell.run("login", "--console", env={missing: None})

    assert done.returncode == 1
    assert done.stderr == f"Error: A sign-on needs the {ways} or set {missing}.\n"


def test_the_apps_page_is_named_where_there_is_one(shell):
    """TickTick's and Dida365's apps are registered in different places."""
    env = {"TICKTICK_CLIENT_ID": None, "TICKTICK_SERVICE": "ticktick"}

    done = shell.run("login", "--console", env=env)

    assert "your app's page, https://developer.ticktick.com/manage" in done.stderr


def test_the_secret_can_come_from_a_file_or_a_pipe(shell, sandbox):
    """It is in no command line, which other users of the machine can read."""
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
    """PowerShell writes UTF-16; others a BOM, line ends of their own, quotes."""
    bom = "\ufeff" if encoding == "utf-16-be" else ""
    quote = "'" if encoding == "ascii" else ""
    text = f"{bom}{quote}{sandbox.client_secret}{quote}\r\n"
    (shell.folder / "secret").write_bytes(text.encode(encoding))
    env = {**shell.browser(), "TICKTICK_CLIENT_SECRET": None}

    done = shell.run("login", "--client-secret-file", "secret", env=env)

    assert done.returncode == 0
    assert sandbox.sign_ons == 1


def test_where_nobody_can_be_the_way_out_is_named(shell):
    """No terminal, no display: at once, with the command for elsewhere."""
    done = shell.run("login")

    assert done.returncode == 1
    assert "requests-ticktick login --env --service" in done.stderr


# -- What is in the way ------------------------------------------------------


def test_anothers_token_is_neither_used_nor_overwritten(shell, sandbox):
    """The person learns of it before they grant access in vain."""
    theirs = Owner("another-app", sandbox.service.token_endpoint, None).stamp(
        Token("t")
    )
    FileStore().save(theirs)

    done = shell.run("login", env=shell.browser())

    assert done.returncode == 1
    assert "is for another client, another-app: it is not overwritten" in done.stderr
    assert "--profile" in done.stderr
    assert FileStore().load() == theirs
    assert sandbox.sign_ons == 0


def test_a_place_that_cannot_be_written_is_named_first(shell, sandbox):
    """Before a person grants access in vain."""
    (shell.folder / "file").touch()

    done = shell.run("login", "--file", "file/token.json", env=shell.browser())

    assert done.returncode == 1
    assert "file/token.json" in done.stderr
    assert sandbox.sign_ons == 0


def test_a_token_that_was_not_saved_is_an_error(shell):
    """Whatever took the place meanwhile: the login has not done its work."""
    with pasted_login(shell) as (running, paste):
        FileStore().save(Owner("another-app", None, None).stamp(Token("t")))
        paste()

        assert running.ends() == 1

    assert "Warning: " in running.shown
    assert "Error: Signed on, but the token was not saved." in running.shown


def test_a_variable_that_hides_the_new_token_is_told_of(shell, sandbox):
    """Programs read TICKTICK_TOKEN first."""
    env = {
        **shell.browser(),
        "TICKTICK_TOKEN": sandbox.issue_token("in-the-environment"),
    }

    done = shell.run("login", "--force", env=env)

    assert done.returncode == 0
    assert "Warning: $TICKTICK_TOKEN holds another token" in done.stderr
    assert "unset it" in done.stderr


def test_a_sign_on_elsewhere_is_waited_for(shell, sandbox):
    """A lock that another process holds is no reason to fail."""
    with shell.start("login", "--console") as running:
        with FileStore().lock(SECONDS):
            time.sleep(1)  # it has started, and waits
        running.types(f"{running.grants()}\n")

        assert running.ends() == 0


def test_a_token_near_its_end_is_replaced(shell, sandbox):
    """Within the minute in which programs would ask for another."""
    FileStore().save(Token("old", expires_at=time.time() + 50))

    done = shell.run("login", "--no-check", env=shell.browser())

    assert done.returncode == 0
    assert sandbox.sign_ons == 1
    assert FileStore().load().access_token != "old"


def test_a_token_issued_for_less_than_a_minute_is_kept(shell, sandbox):
    """Programs use it to its end, since another would be no longer: so login does."""
    now = time.time()
    FileStore().save(Token("short", issued_at=now, expires_at=now + 50))

    done = shell.run("login", "--no-check", env=shell.browser())

    assert done.returncode == 0
    assert "There is a valid token" in done.stderr
    assert sandbox.sign_ons == 0


def test_a_proxy_is_not_asked_for_this_machine(shell):
    """A proxy for the world cannot reach a sandbox, nor need it be asked."""
    proxy = f"http://127.0.0.1:{free_port()}"  # where nobody listens
    env = {"HTTP_PROXY": proxy, "http_proxy": proxy}

    with pasted_login(shell, env=env) as (running, paste):
        paste()

        assert running.ends() == 0

    assert "accepts it" in running.shown
    assert Path(FileStore().path).exists()
