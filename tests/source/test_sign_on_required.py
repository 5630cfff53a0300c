"""What a person reads whose program has no token: where it looked, what to run."""

from __future__ import annotations

import time

import pytest
from clients import Faulty, Plain, client_of

from requests_ticktick import (
    DIDA365,
    ChainStore,
    EnvStore,
    FileStore,
    MemoryStore,
    Service,
    SignOnRequiredError,
    TextStore,
    TickTickAuth,
    Token,
    TokenStoreError,
    refuse,
)

CLIENT = {"client_id": "app", "client_secret": "s3cr3t-of-the-app"}
SCOPE = "tasks:read tasks:write"
HALF_A_TOKEN = '{"access_token": "0123456789abcdef", "expires_at": 17'


def message(**options):
    auth = TickTickAuth(**{"sign_on": refuse, **CLIENT, **options})
    with pytest.raises(SignOnRequiredError) as caught:
        auth.token()
    assert str(caught.value).startswith("No usable TickTick token. ")
    assert "s3cr3t" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "tokens" / "t.json")


def expired(days=3, **fields):
    return Token("0123456789abcdef", expires_at=time.time() - days * 86_400, **fields)


def test_each_place_is_named_with_what_is_there(path):
    """The variable and the file, in the order in which they are read."""
    FileStore(path).save(expired())
    day = time.strftime("%Y-%m-%d", time.localtime(time.time() - 3 * 86_400))

    text = message(store=ChainStore([EnvStore("TICKTICK_TOKEN"), FileStore(path)]))

    assert "$TICKTICK_TOKEN is not set. " in text
    assert f"{path} holds a token that expired on {day}. Run: " in text
    assert "; or set TICKTICK_TOKEN)." in text


def test_a_file_that_is_not_there(path):
    """It is said, and no variable is advised that nobody reads."""
    text = message(store=FileStore(path))

    assert f"{path} does not exist." in text
    assert "set TICKTICK_TOKEN" not in text


def test_a_torn_file(path):
    """What a crash has left is not called an absent file."""
    store = FileStore(path)
    store.save(expired())
    with open(path, "w", encoding="utf-8") as file:
        file.write(HALF_A_TOKEN)

    assert f"{path} holds a torn token, which cannot be read." in message(store=store)


def test_an_empty_file(path):
    """Nothing in it is no torn token."""
    store = FileStore(path)
    store.save(expired())
    open(path, "w", encoding="utf-8").close()

    assert f"{path} holds no token." in message(store=store)


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ({"client_id": "theirs"}, "is for another client, theirs, and is not used"),
        ({"requested_scope": "notes:read"}, "is for other scopes, notes:read, and"),
        (
            {"token_endpoint": "https://dida365.com/oauth/token"},
            "is for another service, https://dida365.com/oauth/token, and",
        ),
    ],
    ids=["client", "scopes", "service"],
)
def test_a_token_that_is_somebody_elses(path, theirs, said, monkeypatch):
    """Whose it is; in a place that the program chose, it is an error of the store."""
    monkeypatch.setenv("TICKTICK_TOKEN_FILE", path)
    store = FileStore(path)
    theirs = {"client_id": "app", "requested_scope": SCOPE, **theirs}
    store.save(Token("0123456789abcdef", extra=theirs))
    fingerprint = Token("0123456789abcdef").fingerprint

    text = message()

    assert f"The token {fingerprint} in {path} {said}" in text
    assert (
        "another profile for this app. Run: requests-ticktick login --profile" in text
    )
    with pytest.raises(TokenStoreError, match="Choose another place"):
        message(store=store)


def test_a_token_that_the_api_refused():
    """It has not expired, so that its date would say nothing."""
    token = Token("0123456789abcdef", expires_at=time.time() + 1e6)
    auth = TickTickAuth(store=MemoryStore(token), sign_on=refuse, **CLIENT)

    with pytest.raises(SignOnRequiredError, match="Memory holds a token that the API"):
        auth.source.token(instead_of=auth.token())


def test_an_unsaved_token_that_has_expired(sandbox, clock):
    """It was in no store, and still there was one."""

    class Full(MemoryStore):
        def save(self, token):
            raise TokenStoreError("It is full.")

    auth = client_of(sandbox, Full(), clock=clock)
    auth.token()
    clock.advance(400 * 86_400)
    other = client_of(sandbox, auth.source.store, sign_on=refuse, clock=clock)

    with pytest.raises(
        SignOnRequiredError,
        match=r"Memory holds a token that expired on [-\d]+\. There is none in memory",
    ):
        other.token()


def test_a_token_without_an_end_that_is_to_be_replaced(path):
    """In a forced sign-on, the places are not at fault: the command is all."""
    auth = TickTickAuth(store=FileStore(path), sign_on=refuse, **CLIENT)
    auth.source.store.save(Token("0123456789abcdef"))

    with pytest.raises(SignOnRequiredError) as caught:
        auth.sign_on(force=True)

    assert path not in str(caught.value).partition("--file")[0]


def test_a_store_of_ones_own(path):
    """It is called by its location, else by its repr."""

    class Row(TextStore):
        location = "row 17 of the table tokens"
        text = None

        def read(self):
            return self.text

        def write(self, text):
            self.text = text

        def lock(self, timeout=None):
            return FileStore(path).lock(timeout)

    row = Row()
    assert "row 17 of the table tokens holds no token." in message(store=row)

    row.text = HALF_A_TOKEN
    text = message(store=row)

    assert "row 17 of the table tokens holds a torn token" in text
    assert "auth.sign_on() in a program with this store" in text


def test_a_store_that_breaks_meanwhile(path):
    """The others are still named, and it is named with its trouble."""
    broken = Faulty()

    def nobody(request):
        broken.blips = 99
        raise SignOnRequiredError("Nobody came.")

    store = ChainStore([FileStore(path), broken])

    text = message(store=store, sign_on=nobody)

    assert f"{path} does not exist. Memory cannot be read: It cannot be read." in text
    assert text.endswith(" Nobody came.")


def test_a_place_that_there_is_not(path, monkeypatch):
    """A variable that was not set is what has to be mended."""
    monkeypatch.setenv("TICKTICK_TOKEN_FILE", "$NOT_SET/t.json")
    text = message(store=ChainStore([FileStore(path), FileStore()]))
    assert "TICKTICK_TOKEN_FILE is '$NOT_SET/t.json', which is no whole path." in text

    store = ChainStore([Plain(Token("0123456789abcdef", expires_at=1.0)), FileStore()])
    assert "NOT_SET" in message(store=store)


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ({"profile": "work"}, "--profile work"),
        ({"store": FileStore("/x/my tokens.json")}, "--file '/x/my tokens.json'"),
        ({}, ""),
        ({"service": DIDA365}, "--service dida365"),
        ({"scope": "tasks:read"}, "--scope tasks:read"),
        ({"scope": "tasks:write tasks:read"}, ""),
        (
            {"service": DIDA365, "profile": "a", "scope": "tasks:read"},
            "--service dida365 --profile a --scope tasks:read",
        ),
        (
            {"store": ChainStore([EnvStore("T"), FileStore(profile="b")])},
            "--profile b",
        ),
    ],
)
def test_the_command_has_the_options_of_the_program(options, command):
    """It can be copied: the token that it gets is found here."""
    expected = f"Run: requests-ticktick login {command}".strip()

    assert f"{expected} (" in message(**options)


def test_the_command_has_what_the_environment_says(monkeypatch):
    """The shell of the person who runs it may have another environment."""
    monkeypatch.setenv("TICKTICK_PROFILE", "work")
    assert "requests-ticktick login --profile work (" in message()

    monkeypatch.setenv("TICKTICK_TOKEN_FILE", "/x/t.json")
    assert "requests-ticktick login --file /x/t.json (" in message()


def test_the_command_for_a_sandbox(sandbox, path):
    """Its address is its name."""
    text = message(service=sandbox.service, store=FileStore(path))

    assert f"login --service {sandbox.url('')} --file {path} (" in text


def test_a_service_that_the_command_line_does_not_know(path):
    """No command is better than one that asks another service."""
    service = Service(
        "https://auth.example/authorize",
        "https://auth.example/token",
        ["https://api.example/"],
    )

    text = message(service=service, store=FileStore(path))

    assert "Run: auth.sign_on() in a program with this store" in text


def test_a_person_is_looked_for_before_a_secret_is_missed(path):
    """Where nobody can sign on, no secret would help."""
    auth = TickTickAuth("app", store=FileStore(path), sign_on=refuse)
    with pytest.raises(SignOnRequiredError) as caught:
        auth.token()
    nothing = TickTickAuth(store=FileStore(path), sign_on=refuse)
    with pytest.raises(SignOnRequiredError) as caught_too:
        nothing.token()

    for error in (caught.value, caught_too.value):
        assert "Run: requests-ticktick login" in str(error)
        assert "is configured" not in str(error)


def test_a_missing_client_id_is_told_with_the_places(path, monkeypatch):
    """Somebody is there: what lacks is the id, or the token."""
    auth = TickTickAuth(store=FileStore(path), sign_on=lambda request: "never")

    with pytest.raises(SignOnRequiredError) as caught:
        auth.token()

    text = str(caught.value)
    assert f"{path} does not exist. A sign-on is needed, but no client_id" in text
    assert text.endswith(f"requests-ticktick login --file {path}")


def test_the_log_says_why_a_token_is_skipped(path, caplog):
    """At the level DEBUG, by its fingerprint."""
    caplog.set_level("DEBUG")
    first, second = FileStore(path), FileStore(path + "2")
    first.save(Token("0123456789abcdef", extra={"client_id": "theirs"}))
    second.save(expired())
    with pytest.raises(TokenStoreError, match="another client"):
        message(store=ChainStore([first, second]))

    said = [r.getMessage() for r in caplog.records if "Skipped" in r.getMessage()]
    assert ["another client, theirs" in said[0], "expired on" in said[1]] == [True] * 2
    assert Token("0123456789abcdef").fingerprint in said[0]


def test_a_date_beyond_the_calendar(path):
    """A clock or a file may be wrong by more than a calendar has years."""
    store = MemoryStore(Token("0123456789abcdef", expires_at=-1e17))

    assert "a day that this machine's calendar does not have" in message(store=store)
