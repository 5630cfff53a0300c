"""``accounts``: the profiles, whose they are, and which one programs use."""

from __future__ import annotations

import json
import os
import re
import time

import pytest
from click.testing import CliRunner
from raw_server import RawServer, answer
from shell import Shell

from requests_ticktick import FileStore, Token
from requests_ticktick._cli import whose
from requests_ticktick._cli.program import program
from requests_ticktick._stamp import Stamp

DAY = 86_400.0
MEMBERS = "/open/v1/project/inbox/members"


@pytest.fixture
def shell(sandbox, secrets, monkeypatch, tmp_path):
    return Shell(sandbox, secrets, monkeypatch, tmp_path)


def save(profile, access_token, endpoint=None, *, days=100):
    """Save a token under a profile."""
    now = time.time()
    token = Token(access_token, expires_at=now + days * DAY + 60, scope="tasks:read")
    store = FileStore(profile=profile)
    store.save(Stamp("the-app", endpoint, "tasks:read").put_on(token))
    return store.load()


def api_of(people):
    """Return a TickTick that knows whose each token is."""

    def say(connection, request):
        token = re.search(rb"Bearer (\S+)", request)[1].decode()
        return answer(200, json.dumps(people.get(token)).encode())

    return RawServer(say)


def member(**fields):
    return [{"username": "other@example.com", "self": False}, {"self": True, **fields}]


def test_without_accounts_it_says_what_to_run(shell):
    """And creates nothing."""
    done = shell.run("accounts")

    assert done.returncode == 1
    assert done.stdout.endswith("Run: requests-ticktick login\n")
    assert not os.path.exists(os.path.dirname(FileStore().path))


def test_accounts_lists_whose_each_profile_is(shell, secrets):
    """By e-mail, with the service and the days that are left."""
    people = {"token-of-ann": member(username="ann@example.com")}
    people["token-of-bob"] = member(displayName="Bob\x1b[2J")
    secrets.add(*people)
    with api_of(people) as api:
        endpoint = api.url("/oauth/token")
        ann = save("default", "token-of-ann", endpoint)
        save("work", "token-of-bob", endpoint, days=20)
        save("old", "token-of-eve", endpoint, days=-1)

        done = shell.run("accounts")
        listed = shell.run("accounts", "list", "--json")

    assert done.returncode == 0
    first, old, work = re.split("\n  (?:old|work)\n", done.stdout)
    assert first.startswith("* default\n")
    assert (
        f"Account      ann@example.com\n    Service      the sandbox {api.url()}"
        in first
    )
    assert f"Fingerprint  {ann.fingerprint}" in first
    assert "100 days left" in first
    assert "Account      unknown" in old
    assert "Account      Bob [2J" in work
    entries = {entry["profile"]: entry for entry in json.loads(listed.stdout)}
    assert entries["work"]["account"] == "Bob [2J"
    assert entries["work"]["days_left"] == 20.0
    assert [entries[name]["used"] for name in ("default", "old", "work")] == [
        *(True, False, False),
    ]
    assert len(api.requests) == 4


def test_a_token_goes_to_its_own_service_alone(shell, secrets):
    """Offline nobody is asked; a service that is not known never is."""
    secrets.add("token-of-ann", "token-elsewhere")
    with api_of({"token-of-ann": member(username="ann@example.com")}) as api:
        env = {"TICKTICK_SERVICE": api.url()}
        save("default", "token-of-ann", api.url("/oauth/token"))
        save("else", "token-elsewhere", "https://as.example/token")

        offline = shell.run("accounts", "--offline", env=env)
        assert api.requests == []
        done = shell.run("accounts", "--json", env=env)

    assert "ann@example.com" not in offline.stdout
    assert [e["service"] for e in json.loads(done.stdout)] == [api.url(), None]
    assert len(api.requests) == 1


@pytest.mark.parametrize(
    "said",
    [
        answer(500),
        answer(404),
        answer(200, b"no JSON"),
        answer(200, b"[" * 100_000),
        answer(200, b"{}"),
        answer(200, b'["x", {"self": "no"}]'),
        answer(200, b'[{"self": true, "username": 7}]'),
        answer(302, Location="http://127.0.0.1:1/"),
        None,
    ],
)
def test_an_api_that_does_not_say_whose_it_is(shell, secrets, said):
    """The account is unknown then, which is no error."""
    secrets.add("a-token")
    with RawServer(lambda *_: said) as api:
        save("default", "a-token", api.url("/oauth/token"))

        done = shell.run("accounts")

    assert done.returncode == 0
    assert "Account      unknown\n" in done.stdout


def test_the_sandbox_has_an_account(shell, sandbox):
    """So that what is written against it can be tried."""
    save("default", sandbox.issue_token(), sandbox.service.token_endpoint)

    done = shell.run("accounts")

    assert "Account      you@example.com\n" in done.stdout


def test_two_profiles_with_one_token_are_warned_about(shell):
    """The browser was still signed on to the first account."""
    save("work", "the-same")
    save("home", "the-same")

    done = shell.run("accounts", "--offline")

    assert done.returncode == 0
    assert "Warning: The profiles home and work hold the same token" in done.stderr
    assert "Sign out" in done.stderr


def test_a_sign_on_warns_of_the_same_token_in_another_profile(shell, sandbox):
    """Right after it, while the browser is still open."""
    sandbox.reissue = True
    save("work", "another", sandbox.service.token_endpoint)
    first = shell.run("login", "--profile", "home", env=shell.browser())
    token = FileStore(profile="home").load()
    FileStore(profile="work").delete()
    FileStore(profile="work").save(token)

    again = shell.run("login", "--force", "--profile", "home", env=shell.browser())

    assert first.returncode == again.returncode == 0
    assert "the same token" not in first.stderr
    assert FileStore(profile="home").load().access_token == token.access_token
    assert "work and this one hold the same token" in again.stderr


def test_other_places_are_listed_as_well(shell, tmp_path):
    """A variable comes before all profiles, as in programs."""
    save("work", "of-work")
    other = FileStore(tmp_path / "other.json")
    other.save(Token("elsewhere"))
    env = {"TICKTICK_TOKEN_FILE": other.path}

    of_file = shell.run("accounts", "--offline", env=env).stdout
    env["TICKTICK_TOKEN"] = "in-the-environment"
    of_variable = shell.run("accounts", "--offline", env=env).stdout

    assert "  work\n" in of_file
    assert f"* {other.path}\n" in of_file
    assert of_variable.startswith("* $TICKTICK_TOKEN\n")
    assert f"  {other.path}\n" in of_variable


def test_a_file_without_a_token_says_so(shell):
    """It is listed, and nothing is done to it."""
    path = FileStore(profile="work").path
    os.makedirs(os.path.dirname(path), 0o700)
    for name, content in (("work", '{"a": 1}'), ("torn", '{"access_tok')):
        with open(path.replace("work", name), "w") as file:
            file.write(content)

    done = shell.run("accounts")

    assert done.returncode == 0
    assert "  torn\n    It holds no token.\n" in done.stdout
    assert "JSON without an 'access_token'" in done.stdout


def test_without_a_home_there_are_no_accounts(shell):
    """Nor is there an error."""
    env = {"TICKTICK_TOKEN_FILE": "x.json", "TICKTICK_TOKEN": "a-token"}
    save("work", "of-work")

    done = shell.run("accounts", "--offline", env=env)

    assert done.returncode == 0
    assert done.stdout.startswith("* $TICKTICK_TOKEN\n")


# -- switch ---------------------------------------------------------------------


def switch(*words):
    done = CliRunner().invoke(program, ["accounts", "switch", *words])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.output


def used():
    return FileStore().load().access_token


def test_switch_changes_the_profile_of_all_programs(shell):
    """A program that saves its token saves the profile's."""
    save("work", "of-work")
    save("home", "of-home")

    assert switch("work")[0] == 0
    assert used() == "of-work"
    FileStore().save(FileStore().load().replace(access_token="new"))
    assert switch("home") == (0, "Programs use the profile home from now on.\n")

    assert used() == "of-home"
    assert FileStore(profile="work").load().access_token == "new"
    listed = shell.run("accounts", "--offline").stdout
    assert listed.startswith("* home\n")
    assert "default" not in listed


def test_the_default_token_gets_a_name(shell):
    """Nothing is lost: without a name nothing is done."""
    save("default", "of-old")
    save("work", "of-work")
    client = FileStore().path.replace(".json", ".client")
    with open(client, "w") as file:
        file.write("the-app")

    assert "--keep-as NAME" in switch("work")[1]
    assert used() == "of-old"
    assert "There is a profile work already" in switch("work", "--keep-as", "work")[1]
    assert "A profile is letters" in switch("work", "--keep-as", "../x")[1]
    assert switch("work", "--keep-as", "old")[0] == 0

    assert used() == "of-work"
    assert FileStore(profile="old").load().access_token == "of-old"
    assert not os.path.exists(client)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("wrok", "There is no profile wrok: did you mean work?"),
        ("x", "There is no profile x; there are work."),
        ("default", "name another profile, such as work."),
    ],
)
def test_a_mistyped_profile_is_not_switched_to(shell, name, hint):
    """The error says which there are, and nothing is created."""
    save("work", "of-work")
    before = sorted(os.listdir(os.path.dirname(FileStore().path)))

    status, output = switch(name)

    assert status == 1
    assert hint in output
    assert sorted(os.listdir(os.path.dirname(FileStore().path))) == before


def test_without_profiles_nothing_is_switched(shell):
    """The error says how one is made."""
    status, output = switch("work")

    assert status == 1
    assert output.startswith("Error: There is no profile work. A new one is made by: ")


def test_switch_warns_of_a_variable_that_comes_first(shell, monkeypatch):
    """Otherwise nobody would see why nothing has changed."""
    save("work", "of-work")
    monkeypatch.setenv("TICKTICK_PROFILE", "home")

    status, output = switch("work")

    assert status == 0
    assert "TICKTICK_PROFILE is set here and comes before" in output


def test_where_no_link_can_be_made_a_variable_does(shell, monkeypatch):
    """On Windows, not everybody may make links."""
    save("work", "of-work")

    def refuse(*_):
        raise OSError(1, "A required privilege is not held")

    monkeypatch.setattr(os, "symlink", refuse)

    status, output = switch("work")

    assert status == 1
    assert "Set TICKTICK_PROFILE=work instead." in output


def test_a_default_that_cannot_be_renamed_stays(shell, monkeypatch):
    """As in a folder that is read-only."""
    save("default", "of-old")
    save("work", "of-work")

    def refuse(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "rename", refuse)

    status, output = switch("work", "--keep-as", "old")

    assert status == 1
    assert "cannot be renamed: Read-only file system" in output
    assert used() == "of-old"


def test_the_services_of_tokens_are_known_by_their_stamps(monkeypatch):
    """Of TickTick, of Dida365, of a sandbox; a look-alike has none."""
    monkeypatch.setenv("TICKTICK_SERVICE", "todoist")
    assert whose.service_of(Token("without-a-stamp")) is None
    names = {
        "https://ticktick.com/oauth/token": "ticktick",
        "https://dida365.com/oauth/token": "dida365",
        "http://127.0.0.1:99/oauth/token": "http://127.0.0.1:99",
        "http://127.0.0.1:99/oauth/tokens": None,
        "http://127.0.0.1:99": None,
        "https://ticktick.com.example/oauth/token": None,
    }

    for endpoint, name in names.items():
        found = whose.service_of(Stamp(None, endpoint, None).put_on(Token("t")))
        assert (found and found[0]) == name
