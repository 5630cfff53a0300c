"""A token goes to its own service, wherever it was found and whoever asks."""

from __future__ import annotations

import json
import logging
import pickle

import pytest
import requests
from clients import client_of
from shell import Shell

from requests_ticktick import (
    DIDA365,
    TICKTICK,
    ChainStore,
    EnvStore,
    FileStore,
    InvalidTokenError,
    MemoryStore,
    Service,
    SignOnRequiredError,
    TickTickAuth,
    Token,
    refuse,
)
from requests_ticktick._stamp import Stamp

PROJECT = "/open/v1/project"

#: The services, of which each test has one.
SERVICES = {
    "TickTick": TICKTICK,
    "Dida365": DIDA365,
    "a proxy": Service("https://p.test/a", "https://p.test/t", "https://p.test"),
    "TickTick by way of a proxy": Service(
        TICKTICK.authorization_endpoint, TICKTICK.token_endpoint, "https://p.test"
    ),
    "TickTick by way of this machine": Service(
        TICKTICK.authorization_endpoint, TICKTICK.token_endpoint, "http://localhost:1"
    ),
    "TickTick by way of this machine, over TLS": Service(
        TICKTICK.authorization_endpoint, TICKTICK.token_endpoint, "https://127.0.0.1:1"
    ),
    "a sandbox": Service("http://[::1]:1/a", "http://[::1]:1/t", "http://[::1]:1"),
}

#: What a default place holds, what TICKTICK_SERVICE is, and who gets the token.
TICKTICKS = {"TickTick", "TickTick by way of a proxy"}
STAMPED = json.dumps(
    {"access_token": "t", "token_endpoint": DIDA365.token_endpoint, "scope": None}
)
ROWS = [
    pytest.param("tp_1", None, TICKTICKS, id="tp_"),
    pytest.param("dp_1", None, {"Dida365"}, id="dp_"),
    pytest.param("dp_1", "ticktick", {"Dida365"}, id="dp_, whatever else is said"),
    pytest.param("tp_1", "http://[::1]:1", TICKTICKS, id="tp_, and a sandbox"),
    pytest.param("628ff081", None, TICKTICKS, id="no prefix"),
    pytest.param("628ff081", "", TICKTICKS, id="an empty variable"),
    pytest.param("628ff081", "ticktick", TICKTICKS, id="ticktick"),
    pytest.param("628ff081", "dida365", {"Dida365"}, id="dida365"),
    pytest.param("628ff081", "'Dida365'\r\n", {"Dida365"}, id="as it arrives"),
    pytest.param("628ff081", "todoist", set(), id="a service that is none"),
    pytest.param("628ff081", "https://p.test", set(), id="an address that is none"),
    pytest.param("628ff081", "http://a@[::1]:1", set(), id="an address with a user"),
    pytest.param(STAMPED, None, {"Dida365"}, id="a stamp"),
    pytest.param(STAMPED, "ticktick", {"Dida365"}, id="a stamp, whatever else is said"),
]


def gets_it(store, service):
    """Whether an auth for the service uses the token in the store."""
    auth = TickTickAuth(store=store, sign_on=refuse, service=service)
    auth = pickle.loads(pickle.dumps(auth))
    url = f"{service.api_origins[0]}{PROJECT}"
    try:
        prepared = requests.Request("GET", url, auth=auth).prepare()
    except SignOnRequiredError:
        return False
    return prepared.headers["Authorization"].startswith("Bearer ")


def nested(store):
    return ChainStore([MemoryStore(), ChainStore([store])])


@pytest.fixture
def place(request, monkeypatch, tmp_path):
    """One of the default places: how it is filled, and read."""
    path = tmp_path / "named-by-a-variable.json"
    if request.param == "file":
        monkeypatch.setenv("TICKTICK_TOKEN_FILE", str(path))
    profile = "work" if request.param == "profile" else None

    def fill(text):
        if request.param in ("variable", "chain"):
            monkeypatch.setenv("TICKTICK_TOKEN", text)
            store = EnvStore("TICKTICK_TOKEN")
            return store if request.param == "variable" else nested(store)
        store = FileStore(profile=profile)
        token = json.loads(text) if text.startswith("{") else {"access_token": text}
        store.save(Token.from_dict(token))
        return store

    return fill


PLACES = ("variable", "chain", "file", "default file", "profile")


@pytest.mark.parametrize("place", PLACES, indirect=True)
@pytest.mark.parametrize(("text", "named", "owners"), ROWS)
def test_a_token_of_a_default_place_has_one_service(
    place, text, named, owners, monkeypatch
):
    """Its stamp names the service, or its prefix, or TICKTICK_SERVICE."""
    if named is not None:
        monkeypatch.setenv("TICKTICK_SERVICE", named)
    store = place(text)

    assert {name for name in SERVICES if gets_it(store, SERVICES[name])} == owners


def test_a_sandbox_named_by_the_variable_gets_the_token(sandbox, monkeypatch):
    """Other sandboxes do not."""
    monkeypatch.setenv("TICKTICK_TOKEN", sandbox.issue_token("of-the-sandbox"))
    auth = client_of(sandbox, EnvStore("TICKTICK_TOKEN"), sign_on=refuse)

    with pytest.raises(SignOnRequiredError):
        requests.get(sandbox.url(PROJECT), auth=auth)
    assert sandbox.received == []

    monkeypatch.setenv("TICKTICK_SERVICE", f"{sandbox.url('/')}\n")
    assert requests.get(sandbox.url(PROJECT), auth=auth).status_code == 200


def of_the_variable(monkeypatch, tmp_path, text):
    monkeypatch.setenv("TICKTICK_TOKEN", text)
    return EnvStore("TICKTICK_TOKEN").load()


def in_a_variable_of_its_own(monkeypatch, tmp_path, text):
    monkeypatch.setenv("MY_TOKEN", text)
    return EnvStore("MY_TOKEN")


def in_a_file_of_its_own(monkeypatch, tmp_path, text):
    store = FileStore(tmp_path / ".token-oauth")
    store.save(Token(text))
    return store


def saved_in_memory(monkeypatch, tmp_path, text):
    store = MemoryStore()
    store.save(of_the_variable(monkeypatch, tmp_path, text))
    return store


@pytest.mark.parametrize(
    "hand_over",
    [
        pytest.param(lambda *a: MemoryStore(Token(a[-1])), id="memory"),
        pytest.param(
            lambda *a: MemoryStore(of_the_variable(*a)), id="read, and passed"
        ),
        saved_in_memory,
        in_a_variable_of_its_own,
        in_a_file_of_its_own,
    ],
)
@pytest.mark.parametrize("text", ["tp_1", "dp_1", "628ff081"])
def test_a_token_passed_by_the_program_goes_to_its_service(
    sandbox, monkeypatch, tmp_path, hand_over, text
):
    """Whatever its prefix is, and wherever the program read it."""
    sandbox.issue_token(text)
    store = hand_over(monkeypatch, tmp_path, text)
    auth = client_of(sandbox, store, sign_on=refuse)

    assert requests.get(sandbox.url(PROJECT), auth=auth).status_code == 200


def test_from_token_counts_as_passed_by_the_program(sandbox, monkeypatch, tmp_path):
    """Even if the program read it from the default variable."""
    sandbox.issue_token("tp_1")
    token = of_the_variable(monkeypatch, tmp_path, "tp_1")

    for given in ("tp_1", token):
        auth = TickTickAuth.from_token(given, service=sandbox.service)
        assert requests.get(sandbox.url(PROJECT), auth=auth).status_code == 200


@pytest.mark.parametrize(
    ("given", "service"),
    [
        ("tp_1", TICKTICK),
        ("dp_1", DIDA365),
        (" dp_1\r\n", DIDA365),
        ('"dp_1"', DIDA365),
        ("\ufeff'dp_1'\n", DIDA365),
        ("\u201cdp_1\u201d", DIDA365),
        (Token("dp_1"), DIDA365),
        (Stamp("id", DIDA365.token_endpoint, None).put_on(Token("628ff081")), DIDA365),
        (Stamp("id", TICKTICK.token_endpoint, None).put_on(Token("dp_1")), TICKTICK),
        ("628ff081", DIDA365),
    ],
)
def test_from_token_picks_the_tokens_own_service(given, service, monkeypatch):
    """By its stamp or prefix. Quotes and spaces around it do not matter.

    The variable names the service of a token that names none.
    """
    monkeypatch.setenv("TICKTICK_SERVICE", "dida365")
    auth = TickTickAuth.from_token(given)

    url = f"{service.api_origins[0]}{PROJECT}"
    header = requests.Request("GET", url, auth=auth).prepare().headers["Authorization"]

    assert header in ("Bearer dp_1", "Bearer tp_1", "Bearer 628ff081")


@pytest.mark.parametrize(
    "given",
    [
        *("", " ", '""', "dp_1 dp_2", "dp\n_1", None, 5),
        *("null", "None", "${TOKEN}", "<token>", "tp_...", "your_token_here"),
    ],
)
def test_from_token_refuses_an_invalid_token(given):
    """An unset variable, two words, a line break inside, an example."""
    with pytest.raises(InvalidTokenError):
        TickTickAuth.from_token(given)


# -- what somebody is told ---------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "named", "told"),
    [
        ("tp_1", None, "https://api.ticktick.com, as its prefix tp_ says"),
        ("628ff081", None, "https://api.ticktick.com, as long as TICKTICK_SERVICE"),
        ("628ff081", "dida365", "https://api.dida365.com, as TICKTICK_SERVICE says"),
        ("628ff081", "todoist", "TICKTICK_SERVICE is 'todoist': set it to ticktick,"),
        (STAMPED, None, f"another service, {DIDA365.token_endpoint}, and"),
        (
            json.dumps({"access_token": "t", "client_id": "theirs\x1b[2J"}),
            "http://[::1]:1",
            "is for another service, http://[::1]:1, as TICKTICK_SERVICE says",
        ),
    ],
)
def test_an_unused_token_is_reported_with_its_service(
    sandbox, monkeypatch, caplog, text, named, told
):
    """In the log before a person is asked, or in the error."""
    monkeypatch.setenv("TICKTICK_TOKEN", text)
    if named is not None:
        monkeypatch.setenv("TICKTICK_SERVICE", named)
    chain = ChainStore([EnvStore("TICKTICK_TOKEN"), MemoryStore()])

    with pytest.raises(SignOnRequiredError, match="requests-ticktick login") as caught:
        client_of(sandbox, chain, sign_on=refuse).token()
    caplog.clear()
    auth = client_of(sandbox, chain)
    auth.token()
    auth.source.token(instead_of=auth.token())

    message = str(caught.value)
    assert told in message
    assert "TICKTICK_TOKEN" in message
    assert message.isprintable()
    (warning,) = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert told in warning.getMessage()
    assert warning.getMessage().isprintable()


def test_another_services_token_is_not_reported_if_there_is_a_token(
    monkeypatch, caplog
):
    """Two services share a machine, each with its own token."""
    monkeypatch.setenv("TICKTICK_TOKEN", "tp_1")
    stamp = Stamp(None, DIDA365.token_endpoint, None).put_on
    FileStore().save(stamp(Token("628ff081", scope="tasks:read tasks:write")))
    chain = ChainStore([EnvStore("TICKTICK_TOKEN"), FileStore()])

    assert TickTickAuth(store=chain, service=DIDA365).token().access_token == "628ff081"
    assert caplog.records == []


def test_a_forced_sign_on_does_not_report_another_services_token(
    sandbox, monkeypatch, caplog
):
    """``sign_on(force=True)`` replaces any token."""
    monkeypatch.setenv("TICKTICK_TOKEN", "tp_1")
    chain = ChainStore([EnvStore("TICKTICK_TOKEN"), MemoryStore()])

    client_of(sandbox, chain).sign_on(force=True)

    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


# -- what is written ---------------------------------------------------------------


def test_a_token_of_the_default_file_is_not_overwritten_by_another_services(
    sandbox, caplog
):
    """It has no stamp and is TickTick's."""
    FileStore().save(Token("628ff081"))
    auth = client_of(sandbox, FileStore())

    token = auth.token()
    auth.forget()

    assert token.access_token != "628ff081"
    assert FileStore().load() == Token("628ff081")
    assert "is not overwritten" in caplog.text


def test_a_new_token_does_not_inherit_the_old_ones_stamp(tmp_path):
    """Other keys of the file are kept."""
    store = FileStore(tmp_path / "t.json")
    theirs = Stamp("id", TICKTICK.token_endpoint, "tasks:read").put_on(Token("old"))
    store.save(theirs.replace(extra={**theirs.extra, "note": "kept"}))

    store.save(Token("dp_1"))

    assert dict(store.load().extra) == {"note": "kept"}


def test_found_in_is_neither_saved_nor_compared(monkeypatch, tmp_path):
    """It is not part of the token."""
    token = of_the_variable(monkeypatch, tmp_path, "tp_1")

    assert token == Token("tp_1")
    assert token.to_dict() == Token("tp_1").to_dict()
    assert token.replace().found_in is None
    assert pickle.loads(pickle.dumps(token)).found_in == "TICKTICK_TOKEN"


# -- the command line --------------------------------------------------------------


@pytest.fixture
def shell(sandbox, secrets, monkeypatch, tmp_path):
    return Shell(sandbox, secrets, monkeypatch, tmp_path)


@pytest.mark.parametrize("command", ["status", "token"])
def test_the_command_line_names_a_tokens_service(shell, command):
    """It prints no token of another service."""
    env = {"TICKTICK_TOKEN": "tp_1", "TICKTICK_SERVICE": None}

    done = shell.run(command, "--service", "dida365", env=env)

    told = done.stdout + done.stderr
    assert done.returncode == 1
    assert "in $TICKTICK_TOKEN is for another service, https://api.ticktick" in told
    assert "as its prefix tp_ says" in told


def test_a_sandbox_named_by_an_option_gets_no_token_of_the_variable(shell, sandbox):
    """TICKTICK_SERVICE says what a token is for; the option does not."""
    env = {"TICKTICK_TOKEN": "628ff081", "TICKTICK_SERVICE": None}

    done = shell.run("status", "--check", "--service", sandbox.url(""), env=env)

    assert done.returncode == 1
    assert "as long as TICKTICK_SERVICE names no other" in done.stdout
    assert sandbox.received == []


def test_another_services_default_file_is_unchanged(shell):
    """``logout`` and ``login`` name its service."""
    FileStore().save(Token("628ff081"))
    env = {"TICKTICK_SERVICE": None, **shell.browser()}

    for command in ("logout", "login"):
        done = shell.run(command, "--service", "dida365", env=env)

        assert "is for another service, https://api.ticktick.com" in done.stderr
    assert FileStore().load() == Token("628ff081")


@pytest.mark.parametrize("words", [["login", "--print"], ["token", "--json"]])
def test_a_printed_token_carries_its_service(shell, sandbox, words):
    """If pasted elsewhere it goes to no other service. Its client is ignored."""
    env = {"TICKTICK_TOKEN": sandbox.issue_token("no-stamp")}

    done = shell.run(*words, env=env, prints_secrets=True)

    fields = json.loads(done.stdout)
    assert fields["token_endpoint"] == sandbox.service.token_endpoint
    assert "client_id" not in fields
