"""``doctor``: faults of the settings, the token, the clock and the network."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from email.utils import formatdate

import pytest
from click.testing import CliRunner
from ports import free_port
from raw_server import RawServer, answer
from shell import COMMAND, Shell

from requests_ticktick import FileStore, Token
from requests_ticktick._cli.program import program
from requests_ticktick._sign_on import listener
from requests_ticktick._stamp import Stamp

SCOPE = "tasks:read tasks:write"
DAY = 86_400.0


@pytest.fixture
def shell(sandbox, secrets, monkeypatch, tmp_path):
    return Shell(sandbox, secrets, monkeypatch, tmp_path)


@pytest.fixture
def save(sandbox, secrets):
    """Save a token of the sandbox, in the file that programs read."""

    def save_one(days=100, **stamp):
        now = time.time()
        access_token = sandbox.issue_token()
        secrets.add(access_token)
        fields = {
            "client_id": sandbox.client_id,
            "token_endpoint": sandbox.service.token_endpoint,
            "scope": SCOPE,
            **stamp,
        }
        ends = now + days * DAY
        token = Token(access_token, expires_at=ends, scope=SCOPE, issued_at=now - 1)
        token = Stamp(**fields).put_on(token)
        FileStore().save(token)
        return token

    return save_one


def faults(shell, *arguments, env=()):
    """Return the names of the faults that the doctor finds, and how it ends."""
    done = shell.run("doctor", "--json", *arguments, env=env)
    report = json.loads(done.stdout)
    assert report["healthy"] is (done.returncode == 0) is (report["faults"] == [])
    assert done.stderr == ""
    for fault in report["faults"]:
        assert re.match(r"[A-Z/$]", fault["found"]), fault
        assert fault["remedy"]
    return [fault["check"] for fault in report["faults"]]


def test_a_healthy_set_up_has_no_fault(shell, save, sandbox):
    """And nothing was changed, nor anybody asked."""
    token = save()
    before = sorted(os.listdir(os.path.dirname(FileStore().path)))

    done = shell.run("doctor")

    assert done.returncode == 0
    assert re.match(r"No faults in \d\d checks. The token ", done.stdout)
    assert token.fingerprint in done.stdout
    assert (sandbox.sign_ons, sandbox.api_calls) == (0, 1)
    assert sorted(os.listdir(os.path.dirname(FileStore().path))) == before
    assert faults(shell) == []


def test_offline_the_api_is_not_asked(shell, save, sandbox):
    """As the answer says."""
    save()

    done = shell.run("doctor", "--offline")

    assert done.returncode == 0
    assert done.stdout.endswith("The API was not asked.\n")
    assert sandbox.received == []


def test_no_token_yet_is_a_fault_with_a_command(shell, sandbox):
    """A mistyped profile is said, and nothing is created for it."""
    done = shell.run("doctor", "--profile", "wrok")

    assert done.returncode == 1
    assert done.stdout.startswith("no-token: There is no token yet.\n")
    command = f"requests-ticktick login --service {sandbox.url('')} --profile wrok"
    assert command in done.stdout
    assert not os.path.exists(os.path.dirname(FileStore().path))


def test_in_ci_a_missing_token_is_one(shell):
    """The remedy is a masked variable."""
    done = shell.run("doctor", env={"CI": "true"})

    assert done.returncode == 1
    assert done.stdout.startswith("ci-without-token: ")
    assert "login --env" in done.stdout
    assert faults(shell, env={"CI": "true"}) == ["ci-without-token"]


@pytest.mark.parametrize(
    ("stamp", "problem"),
    [
        ({"client_id": "other"}, "another client, other"),
        ({"scope": "tasks:read"}, "other scopes, tasks:read"),
        ({"token_endpoint": "https://dida365.com/oauth/token"}, "another service"),
    ],
)
def test_a_token_of_another_client_is_one(shell, save, stamp, problem):
    """The remedy replaces it."""
    save(**stamp)

    done = shell.run("doctor", "--offline")

    assert done.returncode == 1
    assert re.match(f"other-client: .* is for {problem}", done.stdout)
    assert "login --replace" in done.stdout
    assert faults(shell) == ["other-client"]


@pytest.mark.parametrize(("days", "words"), [(5, "days are left"), (-1, "expired on ")])
def test_a_token_that_ends_soon_is_one(shell, save, days, words):
    """Also if it has ended."""
    save(days)

    done = shell.run("doctor", "--offline")

    assert done.returncode == 1
    assert re.match(f"expires-soon: .*{words}", done.stdout)
    assert faults(shell) == ["expires-soon"]


def test_a_variable_that_hides_the_file_is_one(shell, save, sandbox, secrets):
    """The same token in both places hides nothing."""
    token = save()
    other = token.replace(access_token=sandbox.issue_token())
    secrets.add(other.access_token)
    same, another = (json.dumps(t.to_dict()) for t in (FileStore().load(), other))

    assert faults(shell, env={"TICKTICK_TOKEN": another}) == ["env-shadows-file"]
    assert faults(shell, env={"TICKTICK_TOKEN": same}) == []


@pytest.mark.parametrize(
    ("env", "words"),
    [
        pytest.param(
            {"TICKTICK_TOKEN_FILE": "{file}", "TICKTICK_PROFILE": "work"},
            "are both set",
            id="two places",
        ),
        pytest.param({"TICKTICK_TOKEN": '{{"a": 1}}'}, "holds no token", id="no token"),
        pytest.param(
            {"TICKTICK_TOKEN": "dp_a_token_of_dida365"},
            "is for ",
            id="another service's token",
        ),
        pytest.param(
            {"TICKTICK_CLIENT_SECRET": "<your-secret>"},
            "a placeholder that was not filled in",
            id="a placeholder",
        ),
    ],
)
def test_variables_that_contradict_each_other_are_one(shell, save, env, words):
    """The remedy is about the command line, and quotes no secret."""
    save()
    path = FileStore().path
    env = {name: value.format(file=path) for name, value in env.items()}

    done = shell.run("doctor", env=env)

    assert done.returncode == 1
    assert re.match(f"env-conflict: .*{words}", done.stdout)
    assert "client_secret" not in done.stdout
    assert faults(shell, env=env) == ["env-conflict"]


@pytest.mark.parametrize("uri", ["http://app.example/callback", "http://[::1"])
def test_a_redirect_uri_that_others_can_read_is_one(shell, save, uri):
    """The remedy names the option."""
    save()
    env = {"TICKTICK_REDIRECT_URI": uri}

    assert faults(shell, env=env) == ["redirect-unacceptable"]
    assert "--redirect-uri" in shell.run("doctor", env=env).stdout


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_port_in_use_is_one(shell, save, host):
    """In CI nobody needs it."""
    save()
    with socket.create_server(("127.0.0.1", free_port())) as other:
        env = {
            "TICKTICK_REDIRECT_URI": f"http://{host}:{other.getsockname()[1]}/callback"
        }
        assert faults(shell, env=env) == ["port-busy"]
        assert faults(shell, env={**env, "CI": "1"}) == []


def test_an_address_that_this_machine_lacks_is_none(save, monkeypatch):
    """As ::1 where IPv6 is off."""
    save()
    monkeypatch.setattr(listener, "addresses", lambda host: ["192.0.2.1"])
    words = ["doctor", "--offline", "--redirect-uri", "http://localhost:9/"]

    done = CliRunner().invoke(program, words)

    assert "port-busy" not in done.output


@pytest.mark.parametrize("uri", ["https://app.example/callback", "http://127.9.9.9:9/"])
def test_a_port_that_is_not_needed_is_none(shell, save, uri):
    """An address elsewhere has no port here."""
    save()

    assert faults(shell, "--offline", "--redirect-uri", uri) == []


def test_a_token_that_the_api_refuses_is_one(shell, save, sandbox):
    """The remedy is a new sign-on."""
    save()
    sandbox.revoke_all()

    assert faults(shell) == ["api-refuses"]


def test_an_api_that_is_away_is_one(shell, save, sandbox):
    """Also one that does not answer the question."""
    save()
    sandbox.rate_limit()
    assert faults(shell) == ["api-unreachable"]
    sandbox.stop()

    done = shell.run("doctor")

    assert done.returncode == 1
    assert done.stdout.startswith("api-unreachable: The API could not be reached")


@pytest.mark.parametrize(
    ("seconds", "words"), [(3600, "60 minutes behind"), (-3600, "60 minutes ahead of")]
)
def test_a_wrong_clock_is_one(shell, seconds, words):
    """It is compared with the API's, also where there is no token."""
    with RawServer(
        lambda *_: answer(200, Date=formatdate(time.time() + seconds + 5, usegmt=True))
    ) as api:
        env = {"TICKTICK_SERVICE": api.url(), "TICKTICK_TOKEN": "a-token"}

        done = shell.run("doctor", env=env)

        assert done.returncode == 1
        assert re.match(r"clock-off: This machine's clock is \d+ minutes", done.stdout)
        assert words.split()[-1] in done.stdout
        assert "clock-off" in faults(shell, env={**env, "TICKTICK_TOKEN": None})


def test_a_wrong_clock_is_seen_offline(shell, sandbox):
    """A token that was issued in the future says so."""
    now = time.time()
    token = Token("t", expires_at=now + 90 * DAY, issued_at=now + DAY)
    endpoint = sandbox.service.token_endpoint
    FileStore().save(Stamp(sandbox.client_id, endpoint, SCOPE).put_on(token))

    assert faults(shell, "--offline") == ["clock-off"]


@pytest.mark.parametrize("moment", ["never", ""])
def test_an_api_without_a_clock_is_no_fault(shell, moment):
    """The header is optional."""
    with RawServer(lambda *_: answer(200, Date=moment)) as api:
        env = {"TICKTICK_SERVICE": api.url(), "TICKTICK_TOKEN": "a-token"}

        assert faults(shell, env=env) == []


@pytest.mark.parametrize("command", ["doctor", "accounts", "import"])
@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ('exec "$@" >/dev/full', "No space left on device"),
        ('exec "$@" >&-', "Standard output is closed"),
        ('LC_ALL=C exec "$@"', ""),
    ],
)
def test_an_answer_that_cannot_be_written_is_one_line(
    shell, save, command, script, problem
):
    """A full device, a closed pipe; a C locale is no trouble."""
    save()

    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", *COMMAND, command],
        env=shell.environment({"TICKTICK_API_KEY": "a-token"}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == (1 if problem else 0)
    assert problem in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == (1 if problem else 0)


def test_ctrl_c_ends_the_wait_for_the_api(shell):
    """As everywhere, with 130."""
    with RawServer(lambda *_: api.closed.wait(60) and None) as api:
        env = {"TICKTICK_SERVICE": api.url(), "TICKTICK_TOKEN": "a-token"}
        with shell.start("doctor", env=env) as running:
            assert api.asked.wait(60)
            running.interrupt()

            assert running.ends() == 130

    assert "Traceback" not in running.shown
