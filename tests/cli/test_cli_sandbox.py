"""``requests-ticktick sandbox``: a TickTick to try things on."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess

import pytest
import requests
from observing import until
from ports import free_port, is_free
from shell import COMMAND, ROOT, SECONDS, Running, Shell

#: Runs a command with Flask missing.
WITHOUT_FLASK = """
import sys
sys.modules["flask"] = None
from requests_ticktick._cli import main
sys.argv[1:] = [{command!r}]
main()
"""

PROMPT = r"# A TickTick on (http://127\.0\.0\.1:\d+) until"


@pytest.fixture
def shell(sandbox, secrets, monkeypatch, tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    return Shell(sandbox, secrets, monkeypatch, tmp_path)


def test_its_output_can_be_pasted_into_a_shell(shell):
    """Then login, status and token work there without further options."""
    nothing = dict.fromkeys(shell.variables)
    with shell.start("sandbox", "--port", "0", env=nothing) as running:
        running.sees(r"#   .*curl .*\n")
        assert "\x1b" not in running.shown
        lines = running.shown
        script = f"{lines}\n{' '.join(COMMAND)} login && {' '.join(COMMAND)} status"
        script += f"\n{' '.join(COMMAND)} token"

        done = subprocess.run(
            ["/bin/sh", "-c", script],
            env={**shell.environment(nothing), **shell.browser()},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )

        base = re.search(PROMPT, lines)[1]
        assert f"Signed on to the sandbox {base}." in done.stderr
        token = done.stdout.splitlines()[-1]
        with requests.Session() as session:
            headers = {"Authorization": f"Bearer {token}"}
            answer = session.get(f"{base}/open/v1/project", headers=headers)
        assert answer.status_code == 200
        running.sees("GET /open/v1/project 200")
        running.sees("POST /oauth/token 200")
        running.interrupt()
        assert running.ends() == 0
        assert token not in running.shown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly(shell, number):
    """On Ctrl-C and on SIGTERM, it removes the folder with its tokens."""
    with shell.start("sandbox", "--port", "0") as running:
        running.sees(r"#   .*curl .*\n")
        assert list((shell.folder / "tmp").glob("requests-ticktick-*"))
        running.interrupt(number)

        assert running.ends() == 0

    assert running.shown.endswith("\nThe sandbox has ended.\n")
    assert list((shell.folder / "tmp").glob("requests-ticktick-*")) == []


def test_it_clears_up_when_its_terminal_closes(shell):
    """The folder with its tokens goes, and its port is free."""
    folder = shell.folder / "tmp"
    with shell.at_terminal("sandbox", "--port", "0") as running:
        port = int(running.sees(r"# A TickTick on http://127\.0\.0\.1:(\d+)")[1])
        running.sees(r"buttons that make it fail")
        assert list(folder.glob("requests-ticktick-*"))
        running.loses_its_terminal()
        until(lambda: not list(folder.glob("requests-ticktick-*")))
        until(lambda: is_free(port))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no hang-up")
def test_nohup_keeps_it_running(shell):
    """Whoever starts it so wants it to outlive the terminal."""
    command = ["nohup", *COMMAND, "sandbox", "--port", "0"]
    with Running(command, shell.environment({}), shell.folder) as running:
        base = running.sees(PROMPT)[1]
        running.sees(r"buttons that make it fail")
        running.process.send_signal(signal.SIGHUP)

        assert requests.get(base, timeout=SECONDS).status_code == 200
        running.interrupt(signal.SIGTERM)
        assert running.ends() == 0


def test_its_client_stays_the_same(shell):
    """A program is configured once. The redirect URI can be chosen."""
    uri = "http://127.0.0.1:8765/callback"
    for _ in range(2):
        with shell.start("sandbox", "--port", "0", "--redirect-uri", uri) as running:
            shown = running_text(running)
            assert "export TICKTICK_CLIENT_ID=sandbox-app\n" in shown
            assert f"export TICKTICK_REDIRECT_URI={uri}\n" in shown


def test_a_redirect_uri_that_others_could_read_is_an_error(shell):
    """TickTick itself might take it, but no sign-on of ours."""
    done = shell.run("sandbox", "--redirect-uri", "http://app.example/callback")

    assert done.returncode == 2
    assert "Others could read the authorization code" in done.stderr


def test_port_and_lifetime_can_be_chosen(shell):
    """By ``--port`` and ``--expires-in``."""
    port = free_port()
    arguments = ["--port", str(port), "--expires-in", "90"]
    with shell.start("sandbox", *arguments) as running:
        exports = dict(re.findall(r"export (\w+)='?(.*?)'?\n", running_text(running)))
        assert exports["TICKTICK_SERVICE"] == f"http://127.0.0.1:{port}"

        done = shell.run("login", env={**exports, **shell.browser()})

    assert re.search(r"\d\d seconds left", done.stderr)


def running_text(running):
    running.sees(r"#   .*curl .*\n")
    return running.shown


def test_a_port_in_use_is_an_error(shell):
    """The error names the option that helps."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        done = shell.run("sandbox", "--port", str(port))

    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: Port {port} cannot be opened: ")
    assert done.stderr.endswith(" Choose another with --port.\n")


def test_it_listens_on_loopback_addresses_only(shell):
    """It has no TLS, and grants access to everybody."""
    done = shell.run("sandbox", "--host", "0.0.0.0")

    assert done.returncode == 2
    assert "'0.0.0.0' is not a loopback address" in done.stderr


@pytest.mark.parametrize("command", ["sandbox", "demo"])
def test_a_missing_flask_is_an_error_that_names_the_extra(shell, command):
    """The sandbox is an extra of its own."""
    done = subprocess.run(
        [*COMMAND[:1], "-c", WITHOUT_FLASK.format(command=command)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        cwd=ROOT,
    )

    assert done.returncode == 1
    assert done.stderr == (
        "Error: The sandbox needs Flask: "
        "python -m pip install 'requests-ticktick[cli,sandbox]'\n"
    )
