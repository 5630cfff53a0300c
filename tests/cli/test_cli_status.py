"""``status``, ``token`` and ``logout``: commands for a token that is there."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import time

import pytest
from raw_server import RawServer, answer
from shell import COMMAND, Shell

from requests_ticktick import FileStore, Token
from requests_ticktick._cli.output import date, left
from requests_ticktick._stamp import Stamp

SCOPE = "tasks:read tasks:write"
DAY = 86_400.0


@pytest.fixture
def shell(sandbox, secrets, monkeypatch, tmp_path):
    return Shell(sandbox, secrets, monkeypatch, tmp_path)


@pytest.fixture
def stamp(sandbox):
    return Stamp(sandbox.client_id, sandbox.service.token_endpoint, SCOPE)


@pytest.fixture
def saved(sandbox, secrets, stamp):
    """A valid token of the sandbox, in the file that programs read."""
    now = time.time()
    access_token = sandbox.issue_token()
    secrets.add(access_token)
    token = Token(
        access_token,
        expires_at=now + 100 * DAY + 60,
        scope=SCOPE,
        issued_at=now,
    )
    FileStore().save(stamp.put_on(token))
    return FileStore().load()


# -- status ------------------------------------------------------------------


def test_status_describes_a_usable_token(shell, saved, sandbox):
    """It says where the token is, for which service, and until when."""
    done = shell.run("status")

    assert done.returncode == 0
    assert done.stderr == ""
    fields = dict(re.split("  +", line.strip()) for line in done.stdout.splitlines())
    assert fields.pop("Valid until").endswith(", 100 days left")
    assert fields == {
        "Service": f"the sandbox {sandbox.url('')}",
        "From": FileStore().path,
        "Fingerprint": saved.fingerprint,
        "Scopes": SCOPE,
    }
    assert (sandbox.sign_ons, sandbox.api_calls) == (0, 0)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["token"], r"tp_0123456789\n"),
        (["status"], r"(?s).*From +\$TICKTICK_TOKEN\n.*"),
        (["exec", "--", "sh", "-c", "echo $TICKTICK_TOKEN"], r"tp_0123456789\n"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_stands_behind_the_token_need_not_be_readable(shell, words, shown):
    """A program that finds a token in the variable does not read the file."""
    path = shell.folder / "theirs.json"
    path.write_text('{"name": "another program\'s"}')
    env = {
        "TICKTICK_TOKEN": "tp_0123456789",
        "TICKTICK_TOKEN_FILE": str(path),
        "TICKTICK_SERVICE": "ticktick",
    }

    done = shell.run(*words, env=env, prints_secrets=True)

    assert done.returncode == 0, done.stderr
    assert re.fullmatch(shown, done.stdout)
    assert bool(done.stderr) is (words == ["status"])  # which looks at all


def test_a_store_that_cannot_be_read_is_an_error_where_no_other_has_a_token(shell):
    """One line, and not that there is no token."""
    (shell.folder / "theirs.json").write_text('{"name": "another program\'s"}')

    done = shell.run(
        "status", env={"TICKTICK_TOKEN_FILE": f"{shell.folder}/theirs.json"}
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"Error: .*theirs\.json holds JSON .*\n", done.stderr)


def test_status_prints_json(shell, saved):
    """``--json`` says the same, with the expiry as a number."""
    done = shell.run("status", "--json")

    assert json.loads(done.stdout) == {
        "usable": True,
        "service": shell.sandbox.url(""),
        "problems": [],
        "accepted": None,
        "from": FileStore().path,
        "fingerprint": saved.fingerprint,
        "scopes": ["tasks:read", "tasks:write"],
        "expires_at": saved.expires_at,
        "days_left": 100.0,
    }


def test_without_a_token_status_fails_and_says_what_to_run(shell, sandbox):
    """It never signs on, even if a person is there."""
    done = shell.run("status", env=shell.browser())
    as_json = shell.run("status", "--json", "--check")

    assert done.returncode == as_json.returncode == 1
    assert done.stdout == (
        f"There is no token in $TICKTICK_TOKEN and {FileStore().path}.\n"
        f"Run: requests-ticktick login --service {sandbox.url('')}\n"
    )
    fields = json.loads(as_json.stdout)
    assert fields["usable"] is False
    assert fields["problems"] == done.stdout.splitlines()[:1]
    assert sandbox.received == []


def test_a_token_in_the_environment_comes_first(shell, saved, sandbox):
    """Status names the variable, and says that no expiry is stated."""
    env = {"TICKTICK_TOKEN": sandbox.issue_token("in_the_environment")}

    done = shell.run("status", env=env)
    as_json = shell.run("status", "--json", env=env)

    assert done.returncode == 0
    assert "$TICKTICK_TOKEN" in done.stdout
    assert "the API refuses it: no expiry is stated" in done.stdout
    assert "not stated" in done.stdout
    assert json.loads(as_json.stdout)["days_left"] is None


def test_a_token_near_its_end_gives_way_to_another(shell, saved, sandbox):
    """As in programs. If it is the only one, it is still used."""
    near = Token("near-its-end", expires_at=time.time() + 30)
    env = {"TICKTICK_TOKEN": json.dumps(near.to_dict())}

    with_both = shell.run("status", env=env)
    FileStore().delete()
    alone = shell.run("status", env=env)

    assert saved.fingerprint in with_both.stdout
    assert near.fingerprint in alone.stdout
    assert re.search(r"\d+ seconds left", alone.stdout)
    assert alone.returncode == 0


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        pytest.param({"client_id": "other"}, "another client, other", id="client"),
        pytest.param(
            {"token_endpoint": "https://dida365.com/oauth/token"},
            "another service, https://dida365.com/oauth/token",
            id="service",
        ),
        pytest.param({"scope": "tasks:read"}, "other scopes, tasks:read", id="scopes"),
    ],
)
def test_a_token_for_something_else_is_not_usable(shell, sandbox, fields, problem):
    """Status says for which client, service or scopes it is."""
    mine = {
        "client_id": sandbox.client_id,
        "token_endpoint": sandbox.service.token_endpoint,
        "scope": SCOPE,
    }
    FileStore().save(Stamp(**{**mine, **fields}).put_on(Token("theirs")))

    done = shell.run("status")

    assert done.returncode == 1
    assert f" is for {problem}.\n" in done.stdout


def test_the_scopes_of_a_token_cannot_steer_the_terminal(shell):
    """They are shown without control characters, whether usable or not."""
    token = Token("t", scope="tasks:write evil\x1b[2J")
    env = {"TICKTICK_TOKEN": json.dumps(token.to_dict())}

    usable = shell.run("status", "--scope", "tasks:write", env=env)
    other = shell.run("status", env=env)

    assert (usable.returncode, other.returncode) == (0, 1)
    assert "tasks:write evil [2J\n" in usable.stdout
    assert "is for other scopes, tasks:write evil [2J.\n" in other.stdout


def test_an_expired_token_is_not_usable(shell, stamp):
    """Status says when it expired."""
    FileStore().save(stamp.put_on(Token("old", expires_at=1_600_000_000.0)))

    done = shell.run("status")

    assert done.returncode == 1
    assert " expired on 2020-09-1" in done.stdout


def test_check_asks_the_api(shell, saved, sandbox):
    """The exit status is 0 if the API accepts it, 4 if it does not say."""
    accepted = shell.run("status", "--check")
    sandbox.rate_limit()
    limited = shell.run("status", "--check", "--json")
    sandbox.revoke_all()
    refused = shell.run("status", "--check")
    sandbox.stop()
    gone = shell.run("status", "--check")

    assert (accepted.returncode, refused.returncode) == (0, 1)
    assert (limited.returncode, gone.returncode) == (4, 4)
    assert "The API      accepts it" in accepted.stdout
    assert json.loads(limited.stdout)["accepted"] is None
    assert "The API      refuses it" in refused.stdout
    assert "The API      could not be reached (ConnectionError)" in gone.stdout
    assert sandbox.sign_ons == 0


def test_the_check_follows_no_redirect(shell):
    """The token goes to the API and nowhere else."""
    env = {"TICKTICK_TOKEN": "a-token"}
    with RawServer(lambda *_: answer()) as elsewhere:
        redirect = answer(302, Location=elsewhere.url("/open/v1/project"))
        with RawServer(lambda *_: redirect) as api:
            env["TICKTICK_SERVICE"] = api.url()

            done = shell.run("status", "--check", env=env)

    assert done.returncode == 4
    assert "answered with HTTP status 302" in done.stdout
    assert len(api.requests) == 1
    assert elsewhere.requests == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (15_551_999, "180 days"),
        (2 * DAY, "2 days"),
        (2 * DAY - 3600, "47 hours"),
        (7100, "118 minutes"),
        (90, "90 seconds"),
        (-5, "0 seconds"),
    ],
)
def test_a_length_of_time_is_rounded_down(seconds, text):
    """Nobody should count on time that is not left."""
    assert left(seconds) == text


def test_a_date_beyond_the_calendar_is_no_error():
    """A server may send any number."""
    assert "calendar" in date(1e300)


# -- token -------------------------------------------------------------------


def test_token_prints_the_token_alone(shell, saved):
    """It can be used within another command."""
    done = shell.run("token", prints_secrets=True)

    assert done.returncode == 0
    assert done.stdout == f"{saved.access_token}\n"
    assert done.stderr == ""


def test_token_prints_json(shell, saved):
    """It prints all that the file holds."""
    done = shell.run("token", "--json", prints_secrets=True)

    assert Token.from_dict(json.loads(done.stdout)) == saved


def test_token_prints_a_header_for_curl(shell, saved, sandbox, require):
    """A pipe keeps the token out of every command line."""
    curl, url = require("curl"), sandbox.url("/open/v1/project")
    script = f"{shlex.join(COMMAND)} token --header | {curl} -sS -H @- {url}"

    done = subprocess.run(
        ["/bin/sh", "-c", script],
        env=shell.environment({}),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert json.loads(done.stdout)[0]["id"]
    (sent,) = [r for r in sandbox.received if r.path == "/open/v1/project"]
    assert sent.headers["Authorization"] == f"Bearer {saved.access_token}"


def test_token_prints_json_or_a_header(shell, saved):
    """Not both."""
    done = shell.run("token", "--json", "--header")

    assert done.returncode == 2
    assert "exclude each other" in done.stderr


def test_without_a_token_the_error_names_the_next_step(shell, sandbox):
    """Standard output stays empty, and nobody signs on."""
    done = shell.run("token", env=shell.browser())

    assert done.returncode == 1
    assert done.stdout == ""
    assert "Error: There is no token in $TICKTICK_TOKEN and " in done.stderr
    assert f"Run: requests-ticktick login --service {sandbox.url('')}\n" in done.stderr
    assert sandbox.sign_ons == 0


def test_without_a_token_and_a_client_the_error_is_about_the_token(shell):
    """The next step is a sign-on, which asks for the client."""
    env = {"TICKTICK_CLIENT_ID": None, "TICKTICK_CLIENT_SECRET": None}

    done = shell.run("token", env=env)

    assert "There is no token" in done.stderr


def test_token_signs_on_if_it_is_told_to(shell, sandbox):
    """``--sign-on`` does so once. The next call reads the file."""
    for _ in range(2):
        done = shell.run("token", "--sign-on", env=shell.browser(), prints_secrets=True)

        assert done.returncode == 0
        assert done.stdout == f"{FileStore().load().access_token}\n"
    assert sandbox.sign_ons == 1


def test_an_expired_token_is_refreshed_without_a_person(shell, sandbox, auth, stamp):
    """The client has a refresh token."""
    sandbox.refresh_tokens = True
    refreshable = auth.sign_on()
    FileStore().save(stamp.put_on(refreshable.replace(expires_at=1_600_000_000.0)))

    done = shell.run("token", prints_secrets=True)

    assert done.returncode == 0
    assert done.stdout.strip() != refreshable.access_token
    assert sandbox.sign_ons == 1


# -- logout ------------------------------------------------------------------


def test_logout_removes_the_token(shell, saved):
    """It says which and from where. The second time it finds none."""
    first = shell.run("logout")
    second = shell.run("logout")

    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout == (
        f"Removed the token {saved.fingerprint} from {FileStore().path}\n"
    )
    assert second.stdout == "There was no token to remove.\n"
    assert FileStore().load() is None


def test_logout_warns_of_a_token_in_the_environment(shell, saved):
    """Logout cannot remove it, and programs would go on using it."""
    done = shell.run("logout", env={"TICKTICK_TOKEN": "tp_in_the_environment"})

    assert done.returncode == 0
    assert "Removed" in done.stdout
    assert "Warning: $TICKTICK_TOKEN holds the token" in done.stderr


def test_logout_leaves_the_token_of_another_client(shell):
    """It warns, and says whose token it is."""
    theirs = Stamp("another-app", None, None).put_on(Token("theirs"))
    FileStore().save(theirs)

    done = shell.run("logout")

    assert done.returncode == 0
    assert done.stdout == "There was no token to remove.\n"
    assert "is for another client, another-app" in done.stderr
    assert FileStore().load() == theirs


def test_logout_removes_a_token_of_any_scopes(shell, sandbox):
    """Unless scopes are typed, which then have to match."""
    narrow = Stamp(sandbox.client_id, None, "tasks:read").put_on(Token("narrow"))
    FileStore().save(narrow)

    named = shell.run("logout", "--scope", SCOPE)
    unnamed = shell.run("logout")

    assert "is for other scopes, tasks:read" in named.stderr
    assert f"Removed the token {narrow.fingerprint}" in unnamed.stdout
