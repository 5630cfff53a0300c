"""Vaults in trouble: unsaved tokens, garbage, revocation, and many who wait."""

from __future__ import annotations

import contextlib
import gc
import json
import sqlite3
import weakref

import pytest
import redis
from clients import Faulty
from cryptography.fernet import Fernet
from inside import grant_of

from requests_ticktick import (
    MemoryStore,
    RevocationError,
    Service,
    SignOnTimeoutError,
    StateMismatchError,
    Token,
    TokenStoreError,
)
from requests_ticktick._source import saving
from requests_ticktick.stores.sql import SqlStore
from requests_ticktick.vault import TokenVault, _waiting


def signs_on(sandbox, vault, key="me"):
    vault.complete_sign_on(key, sandbox.sign_on(vault.begin_sign_on(key)))
    return vault[key].load()


# -- tokens that could not be saved ---------------------------------------------------


def test_a_token_outlives_a_database_that_goes_away_in_mid_renewal(
    sandbox, options, postgres, monkeypatch
):
    """The auth that renewed it is gone with its request; the vault has the token."""
    monkeypatch.setattr(saving, "SOON_AGAIN_AFTER", 0.0)
    sandbox.refresh_tokens = True
    url = postgres.url(postgres.new_user())
    hasty = TokenVault(lambda name: SqlStore(url, name, lock_ttl=0.1), **options)
    old = signs_on(sandbox, hasty)
    hasty["me"].save(old.replace(expires_at=1.0))
    auth = hasty.auth("me")
    exchanges = grant_of(auth).refresh

    def and_it_goes(*args, **kwargs):
        postgres.kill()
        return exchanges(*args, **kwargs)

    grant_of(auth).refresh = and_it_goes
    renewed = auth.token()
    del auth
    gc.collect()

    assert hasty.token("me") == renewed != old
    postgres.start()
    assert hasty.token("me") == renewed

    assert TokenVault.sql(url, **options)["me"].load() == renewed
    assert (sandbox.token_requests, sandbox.reuse_detected) == (2, 0)


@pytest.fixture
def full(sandbox, options, monkeypatch):
    """A vault whose stores can be made to refuse, and a way to their contents."""
    monkeypatch.setattr(saving, "SAVE_AGAIN_AFTER", 0.0)
    kept = {}

    class Shared(Faulty):
        """As a row of a table is: it outlives the objects that read it."""

        def __init__(self, name):
            super().__init__(kept.get(name))
            self.name = name

        def save(self, token):
            super().save(token)
            kept[self.name] = token

    vault = TokenVault(Shared, **options)
    return vault, kept, lambda is_full: monkeypatch.setattr(Faulty, "full", is_full)


def test_a_sign_on_whose_token_cannot_be_saved_is_not_in_vain(sandbox, full, caplog):
    """The error tells; this process has the token, and saves it when it can."""
    vault, kept, make_full = full
    redirected = sandbox.sign_on(vault.begin_sign_on("me"))
    make_full(True)

    with pytest.raises(TokenStoreError, match="full"):
        vault.complete_sign_on("me", redirected)
    gc.collect()

    token = vault.token("me")
    assert token is not None
    assert kept == {}
    make_full(False)
    assert vault.token("me") == kept["me"] == token


def test_only_stores_with_unsaved_tokens_are_kept(sandbox, full):
    """A million people may come by."""
    vault, _, make_full = full
    assert vault["me"] is not None
    store = weakref.ref(vault["me"])
    gc.collect()
    assert store() is None

    redirected = sandbox.sign_on(vault.begin_sign_on("me"))
    make_full(True)
    with pytest.raises(TokenStoreError):
        vault.complete_sign_on("me", redirected)
    gc.collect()
    store = weakref.ref(vault["me"])
    gc.collect()
    assert store() is vault["me"]

    make_full(False)
    assert vault.token("me") is not None
    assert vault["me"] is not None
    gc.collect()
    assert store() is None


def test_deleting_forgets_an_unsaved_token_as_well(sandbox, full):
    """Else it would come back."""
    vault, kept, make_full = full
    redirected = sandbox.sign_on(vault.begin_sign_on("me"))
    make_full(True)
    with pytest.raises(TokenStoreError):
        vault.complete_sign_on("me", redirected)

    del vault["me"]
    make_full(False)

    assert vault.token("me") is None
    assert kept == {}


def test_all_auths_of_a_person_share_what_is_unsaved(sandbox, full):
    """Requests of one person come at the same time."""
    vault, _, make_full = full
    first, second = vault.auth("me"), vault.auth("me")
    make_full(True)

    assert first.source.store is second.source.store
    with pytest.raises(TokenStoreError):
        signs_on(sandbox, vault)

    assert first.token() == second.token() == vault.token("me")


# -- garbage -------------------------------------------------------------------------


def garbage(good):
    """Texts that nobody has begun a sign-on with."""
    content = json.loads(good)
    yield from ("[]", "{}", "null", "7")
    for name, values in {
        "until": (None, "later", 0.0),
        "name": (None, "Not/Escaped", "%ff", ""),
        "request": (None, [], "x", {}),
    }.items():
        for value in values:
            yield json.dumps({**content, name: value})


def test_a_sign_on_that_makes_no_sense_is_none(sandbox, tmp_path, options):
    """Whoever can write to the folder may have written anything."""
    vault = TokenVault.files(tmp_path, **options)
    redirected = sandbox.sign_on(vault.begin_sign_on("me"))
    (path,) = (tmp_path / "sign-ons").iterdir()
    good = path.read_text()

    for text in garbage(good):
        path.write_text(text)
        with pytest.raises(StateMismatchError, match="There is no such sign-on"):
            vault.complete_sign_on("me", redirected)
    path.write_text(good)
    assert vault.complete_sign_on("me", redirected) == "me"


@pytest.mark.parametrize("text", [b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_cannot_be_read_is_an_error_of_ours(
    sandbox, tmp_path, options, start_redis, text
):
    """In a file, and in Redis, whether its client decodes or not."""
    server = start_redis()
    client = server.client()
    for vault in (
        TokenVault.files(tmp_path, **options),
        TokenVault.redis(client, **options),
        TokenVault.redis(server.client(decode_responses=True), **options),
    ):
        redirected = sandbox.sign_on(vault.begin_sign_on("me"))
        for path in (tmp_path / "sign-ons").iterdir():
            path.write_bytes(text)
        for key in client.keys("*:sign-on:*"):
            client.set(key, text)

        with pytest.raises(TokenStoreError, match="begin the sign-on again"):
            vault.complete_sign_on("me", redirected)


@pytest.mark.parametrize("size", [0, 2_000_000])
def test_a_huge_or_empty_record_in_redis_is_no_sign_on(
    sandbox, options, start_redis, monkeypatch, size
):
    """Of a huge one, no more is fetched than a sign-on could be."""
    client = start_redis().client()
    vault = TokenVault.redis(client, **options)
    redirected = sandbox.sign_on(vault.begin_sign_on("me"))
    (key,) = client.keys("*:sign-on:*")
    client.set(key, b"x" * size)
    fetched, real = [], redis.Redis.execute_command

    def execute(self, *args, **options):
        answer = real(self, *args, **options)
        fetched.append(len(answer) if isinstance(answer, bytes) else 0)
        return answer

    monkeypatch.setattr(redis.Redis, "execute_command", execute)
    with pytest.raises(StateMismatchError, match="There is no such sign-on"):
        vault.complete_sign_on("me", redirected)

    assert max(fetched) < 1_100_000
    assert client.keys("*:sign-on:*") == []


@pytest.mark.parametrize("key", ["", "A" * 200, 17])
def test_a_key_that_is_none_uses_no_sign_on_up(sandbox, make, key):
    """A mistake of the program's is mended, and the person comes back."""
    vault = make()
    redirected = sandbox.sign_on(vault.begin_sign_on("me"))

    with pytest.raises((TokenStoreError, TypeError)):
        vault.complete_sign_on(key, redirected)

    assert vault.complete_sign_on("me", redirected) == "me"


def test_names_that_no_key_has_are_nobodys(tmp_path, start_redis):
    """Somebody else's files, rows and keys."""
    server = start_redis()
    client = server.client()
    vaults = [
        TokenVault.files(tmp_path),
        TokenVault.sql(f"sqlite:///{tmp_path}/v.db"),
        TokenVault.redis(client, "p"),
        TokenVault.redis(server.client(decode_responses=True), "p"),
    ]
    strange = ["UPPER", "%FF", "%ff", "%", "a%20b%", "x" * 161, "%61"]
    for vault in vaults:
        vault["me"].save(Token("t"))
    for name in strange:
        (tmp_path / f"token-{name}.json").write_text("{}")
        client.set(f"p:{name}", "{}")
    client.set(b"p:\xff", "{}")
    with contextlib.closing(sqlite3.connect(tmp_path / "v.db")) as database, database:
        rows = [(name, "{}") for name in strange]
        sql = "INSERT INTO requests_ticktick (name, text) VALUES (?, ?)"
        database.executemany(sql, rows)

    assert [list(vault) for vault in vaults] == [["me"]] * 4


def test_a_redirect_of_another_service_completes_nothing(sandbox, tmp_path, options):
    """RFC 9207: its ``iss`` is not that of who was asked."""
    there = sandbox.service
    endpoints = there.authorization_endpoint, there.token_endpoint
    named = Service(*endpoints, there.api_origins, issuer=sandbox.url(""))
    vault = TokenVault.files(tmp_path, **{**options, "service": named})
    redirected = sandbox.sign_on(vault.begin_sign_on("me"))

    with pytest.raises(StateMismatchError, match="came from another service"):
        vault.complete_sign_on("me", f"{redirected}&iss=https%3A%2F%2Fevil.test")

    assert list(vault) == []
    assert sandbox.token_requests == 0
    assert signs_on(sandbox, vault) == vault.token("me")


# -- one person's token is given back, and one client is everybody's ------------------


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_persons_token_is_revoked_and_gone(sandbox, make, encrypted):
    """And nobody else's."""
    vault = make(keys=[Fernet.generate_key()] if encrypted else None)
    mine, yours = (signs_on(sandbox, vault, key) for key in ("me", "you"))
    sandbox.fail(1, 503, endpoint="revoke")

    with pytest.raises(RevocationError, match="still kept"):
        vault.auth("me").revoke()
    assert vault["me"].load() == mine
    assert vault.auth("me").revoke() is True
    assert vault.auth("me").revoke() is False

    assert list(vault) == ["you"]
    assert vault.token("me") is None
    assert vault.token("you") == yours


def test_a_row_is_removed_with_its_token(sandbox, options, postgres):
    """The table does not grow by those who have left."""
    user = postgres.new_user()
    vault = TokenVault.sql(postgres.url(user), **options)
    for key in ("me", "you"):
        signs_on(sandbox, vault, key)

    vault.auth("me").revoke()
    del vault["you"]

    for table in ("requests_ticktick", "requests_ticktick_sign_ons"):
        assert postgres.execute(f"SELECT * FROM {table}", user=user) == []


def test_names_in_the_tables_are_no_secrets(options, postgres):
    """They are in logs of statements, and in errors."""
    user = postgres.new_user()
    vault = TokenVault.sql(postgres.url(user), **options)
    begun = vault.begin_sign_on("me")
    vault["me"].save(Token("a-token"))

    names = [
        name
        for table in ("requests_ticktick", "requests_ticktick_sign_ons")
        for (name,) in postgres.execute(f"SELECT name FROM {table}", user=user)
    ]

    assert names[0] == "me"
    assert len(names) == 2
    assert not {begun.state, begun.code_verifier, "a-token"} & set(names)


@pytest.mark.parametrize("register", [True, "My app"])
def test_a_client_is_registered_for_all_people_and_not_for_each(tmp_path, register):
    """The error says how."""
    with pytest.raises(ValueError, match=r"register\(...\) once for all"):
        TokenVault.files(tmp_path, register=register)
    TokenVault.files(tmp_path, register=False)


# -- many who wait --------------------------------------------------------------------


def test_who_waits_does_not_ask_the_store_all_the_time(options, monkeypatch):
    """Once a second, when the person takes their time."""
    passed, looks = [0.0], []

    class Clock:
        monotonic = staticmethod(lambda: passed[0])

        @staticmethod
        def sleep(seconds):
            passed[0] += seconds

    class Counting(MemoryStore):
        def load(self):
            looks.append(passed[0])
            return super().load()

    monkeypatch.setattr(_waiting, "time", Clock)
    vault = TokenVault(lambda name: Counting(), **options)

    with pytest.raises(SignOnTimeoutError):
        vault.wait_for_token("me", 300)

    assert 300 <= len(looks) < 310
    assert len([seconds for seconds in looks if seconds < 1.0]) == 5
