"""One token in a keychain, through keyring, whatever backend it has."""

from __future__ import annotations

import contextlib
import json
import os
import pickle

import keyring
import pytest
import workers
from clients import client_of
from keychains import Broken, FileKeyring, Slow
from keyring.errors import (
    KeyringLocked,
)
from observing import warnings_in

from requests_ticktick import (
    LockTimeoutError,
    Token,
    TokenStoreError,
)
from requests_ticktick.stores.keyring import KeyringStore
from requests_ticktick.testing import TokenStoreContract

PROJECT = "/open/v1/project"


pytestmark = pytest.mark.usefixtures("keychain")


class TestKeyringStore(TokenStoreContract):
    @pytest.fixture
    def store(self):
        return KeyringStore()

    def corrupt(self, store):
        keyring.set_password("requests-ticktick", "default", '{"access_token": "half')

    @contextlib.contextmanager
    def outage(self, store):
        locked = dict.fromkeys(["get", "set", "delete"], KeyringLocked())
        before = keyring.get_keyring()
        keyring.set_keyring(Broken(**locked))
        try:
            yield
        finally:
            keyring.set_keyring(before)


# -- the value -----------------------------------------------------------------


def test_the_password_is_plain_json_with_all_its_keys():
    """A key that another program put there survives our renewal."""
    keyring.set_password("it", "me", '{"access_token": "a", "note": "mine"}')

    KeyringStore("it", "me").save(Token("b", expires_at=2e9))

    fields = json.loads(keyring.get_password("it", "me"))
    assert fields["access_token"] == "b"
    assert fields["note"] == "mine"
    assert fields["expire_time"] == 2_000_000_000


def test_profiles_and_services_are_kept_apart():
    """Each has its token, and its lock."""
    stores = [KeyringStore(), KeyringStore(profile="work"), KeyringStore("it", "work")]

    for number, store in enumerate(stores):
        store.save(Token(f"token-{number}"))
        store.lock(0).__enter__()

    assert [store.load().access_token for store in stores] == [
        "token-0",
        "token-1",
        "token-2",
    ]


@pytest.mark.parametrize("names", [("", "me"), ("it", "")])
def test_a_name_is_not_empty(names):
    """The library itself would only warn of it."""
    with pytest.raises(ValueError, match="service and a profile"):
        KeyringStore(*names)


@pytest.mark.parametrize("text", ["", "{", '{"access_token": "hunter2'])
def test_a_torn_token_is_set_aside_by_the_next_save(caplog, secrets, text):
    """Nothing crashes, nothing is lost, and there is one warning."""
    secrets.add("hunter2")
    keyring.set_password("it", "me", text)
    store = KeyringStore("it", "me")

    assert store.load() is None
    assert store.load() is None

    (warning,) = warnings_in(caplog)
    assert "it/me in the keychain holds" in warning
    assert "where a token should be" in warning
    store.save(Token("new"))
    assert store.load() == Token("new")
    assert keyring.get_password("it", "me:corrupt") == text
    store.delete()
    assert keyring.get_password("it", "me:corrupt") is None


@pytest.mark.parametrize("answer", [5, b"{}", {"access_token": "hunter2"}, object()])
def test_a_backend_that_answers_with_no_text_is_named(secrets, answer):
    """Python's types bind no backend; what it answered is not shown."""
    secrets.add("hunter2")

    class Odd(FileKeyring):
        def get_password(self, service, username):
            return answer

    keyring.set_keyring(Odd())
    store = KeyringStore("it", "me")

    for call in (store.load, lambda: store.save(Token("new")), store.delete):
        with pytest.raises(TokenStoreError, match=r"answered with \w+, and not a text"):
            call()


@pytest.mark.parametrize(
    "text", ["{}", "[]", "a pass phrase hunter2", "{" + "[" * 50_000, "hunter2"]
)
def test_another_programs_password_stays(secrets, text):
    """The names may be those of an account that something else needs."""
    secrets.add("hunter2")
    keyring.set_password("it", "me", text)
    store = KeyringStore("it", "me")

    for call in (lambda: store.save(Token("new")), store.delete):
        with pytest.raises(TokenStoreError, match="it/me in the keychain holds"):
            call()
    if text != "hunter2":  # which may be a token
        with pytest.raises(TokenStoreError, match="it/me in the keychain holds"):
            store.load()

    assert keyring.get_password("it", "me") == text
    assert keyring.get_password("it", "me:corrupt") is None


def test_without_a_home_the_token_is_kept_and_the_lock_is_elsewhere(
    sandbox, monkeypatch, caplog
):
    """Neither needs a folder of the user's."""
    monkeypatch.setattr("platformdirs.user_state_dir", lambda *_, **__: "~/state")
    store = KeyringStore()
    auth = client_of(sandbox, store)

    token = auth.token()

    assert store.load() == token
    assert store.failure() is None
    assert KeyringStore(lock_path="~nobody-of-that-name/x").failure() is None
    with store.lock(0), pytest.raises(LockTimeoutError):
        KeyringStore().lock(0).__enter__()
    assert warnings_in(caplog) == []


# -- the lock ------------------------------------------------------------------


def test_the_lock_stands_beside_the_default_token_file(tmp_path):
    """In the user's state folder, whatever characters the names have."""
    state = tmp_path / "home" / "state" / "requests-ticktick"
    store = KeyringStore("../it", "a/b")

    store.save(Token("a"))
    with store.lock(0):
        pass

    name = "keyring=..%2Fit=a%2Fb"
    assert sorted(os.listdir(state)) == [
        f"{name}.lock",
        f"{name}.lock-info",
        f"{name}.saved",
    ]


def test_the_lock_may_stand_elsewhere(tmp_path):
    """For a home that cannot be written, or is on a network."""
    store = KeyringStore(lock_path=tmp_path / "run" / "ticktick", lock_timeout=0.0)

    with store.lock(), pytest.raises(LockTimeoutError, match=f"process {os.getpid()}"):
        KeyringStore(lock_path=tmp_path / "run" / "ticktick").lock(0).__enter__()

    assert (tmp_path / "run" / "ticktick.lock").exists()


def test_a_home_that_cannot_be_written_costs_the_lock_alone(tmp_path):
    """The token is kept, and the lock is elsewhere."""
    (tmp_path / "file").write_text("")
    store = KeyringStore(lock_path=tmp_path / "file" / "x")

    store.save(Token("a"))

    assert store.load() == Token("a")
    with store.lock(0), pytest.raises(LockTimeoutError):
        KeyringStore(lock_path=tmp_path / "file" / "x").lock(0).__enter__()


def test_waiting_processes_learn_of_a_deletion():
    """The version changes, and the keychain is not asked for it."""
    store = KeyringStore()
    store.save(Token("a"))
    before = store.version()

    KeyringStore().delete()

    assert store.version() != before


def test_waiting_callers_learn_of_a_failure():
    """By the note beside the lock: the keychain is not asked for it."""
    store = KeyringStore()
    before = store.version()

    with store.lock(0):
        store.record_failure("no")

    assert KeyringStore().failure() == "no"
    assert store.version() != before


# -- processes -----------------------------------------------------------------


def test_a_pickle_holds_the_names_and_no_token():
    """And the store's options; another process finds the token by them."""
    store = KeyringStore("it", "me", timeout=5.0, lock_timeout=7.0)
    store.save(Token("hunter2"))

    pickled = pickle.dumps(store)

    assert b"hunter2" not in pickled
    other = pickle.loads(pickled)
    assert other.load() == Token("hunter2")
    assert (other.timeout, other.lock_timeout) == (5.0, 7.0)
    assert repr(other) == "KeyringStore('it', 'me')"


def test_a_store_can_be_pickled_while_its_keychain_waits_for_a_person():
    """The copy does not wait for the answer to another's question."""
    slow = Slow()
    keyring.set_keyring(slow)
    store = KeyringStore(timeout=0.05)
    with pytest.raises(TokenStoreError):
        store.load()

    other = pickle.loads(pickle.dumps(store))

    with pytest.raises(TokenStoreError, match="did not answer"):
        other.load()
    assert slow.was_asked(times=2)
    slow.answered.set()


# A fork server has the environment of the first test that used it.
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_that_start_together_sign_on_once(sandbox, method):
    """Four of two threads each: one person asked, one token for all."""
    sandbox.delay(0.2)
    auth = client_of(sandbox, KeyringStore())

    results = workers.herd(method, 4, 2, auth, sandbox.url(PROJECT))

    assert [status for status, _ in results] == [200] * 8
    assert len({token for _, token in results}) == 1
    assert (sandbox.sign_ons, sandbox.token_requests) == (1, 1)
