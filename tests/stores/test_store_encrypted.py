"""A token that is encrypted wherever it is kept."""

from __future__ import annotations

import importlib
import json
import os
import pickle
import sys

import pytest
from clients import Person, client_of
from cryptography.fernet import Fernet
from outages import folder_in_place_of

from requests_ticktick import (
    FileStore,
    MemoryStore,
    SignOnRequiredError,
    TickTickAuth,
    Token,
    TokenStoreError,
    refuse,
)
from requests_ticktick._stamp import Stamp
from requests_ticktick.stores.encrypted import EncryptedStore, Seal
from requests_ticktick.stores.sql import SqlStore
from requests_ticktick.testing import TokenStoreContract

OLD, NEW = Fernet.generate_key(), Fernet.generate_key().decode()
MINE = Stamp("me", "https://as.test/t", "tasks:read")
TOKEN = MINE.put_on(Token("a-token", refresh_token="a-refresh-token"))


@pytest.fixture
def inner(tmp_path, secrets):
    secrets.add(OLD.decode(), NEW, "a-token", "a-refresh-token")
    return FileStore(tmp_path / "t.json")


class TestEncryptedFile(TokenStoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        self.path = tmp_path / "t.json"
        return EncryptedStore(FileStore(self.path), [OLD], "me")

    def corrupt(self, store):
        self.path.write_text('{"access_token": "half')

    def outage(self, store):
        return folder_in_place_of(self.path)


class TestEncryptedRow(TokenStoreContract):
    @pytest.fixture
    def store(self, tmp_path, request):
        self.path = tmp_path / "t.db"
        name = request.node.name
        ttl = 6.0 if "dies" in name else 3.0 if "outage" in name else 30.0
        self.inner = SqlStore(f"sqlite:///{self.path}", lock_ttl=ttl)
        return EncryptedStore(self.inner, [NEW])

    def corrupt(self, store):
        self.inner.write('{"access_token": "half')

    def outage(self, store):
        return folder_in_place_of(self.path)


def test_nothing_of_the_token_can_be_read(inner, tmp_path):
    """Neither its text, nor its scopes, nor what came with it."""
    token = TOKEN.replace(scope="tasks:read", extra={**TOKEN.extra, "more": "a-secret"})
    EncryptedStore(inner, [OLD]).save(token.replace(expires_at=5e9, refresh_token=None))

    text = (tmp_path / "t.json").read_text()
    for secret in ("a-token", "a-refresh-token", "tasks", "a-secret"):
        assert secret not in text
    assert json.loads(text)["expires_at"] == 5e9


def test_a_program_without_the_keys_neither_uses_nor_replaces_it(sandbox, inner):
    """It would send to the API, and overwrite, what it takes for a token."""
    store = EncryptedStore(inner, [OLD])
    token = client_of(sandbox, store).token()
    person = Person(sandbox)

    for without in (
        client_of(sandbox, inner, sign_on=refuse),
        TickTickAuth(store=inner, sign_on=refuse, service=sandbox.service),
    ):
        with pytest.raises((TokenStoreError, SignOnRequiredError)):
            without.token()
    with pytest.raises(TokenStoreError, match="not overwritten"):
        inner.save(TOKEN)

    assert client_of(sandbox, store, sign_on=person).token() == token
    assert person.asked == 0


def test_keys_are_replaced_one_after_the_other(inner):
    """The first encrypts, all decrypt; each save leaves the old one behind."""
    EncryptedStore(inner, [OLD]).save(TOKEN)
    both = EncryptedStore(inner, [NEW, OLD])
    assert both.load() == TOKEN

    both.save(TOKEN)

    assert EncryptedStore(inner, NEW).load() == TOKEN
    with pytest.raises(TokenStoreError):
        EncryptedStore(inner, OLD).load()


def test_a_key_that_is_gone_is_told_and_nothing_is_lost(inner, sandbox):
    """Nobody is asked for a token that would take the place of another."""
    store = EncryptedStore(inner, [OLD])
    token = client_of(sandbox, store).token()
    person = Person(sandbox)
    other = EncryptedStore(inner, [NEW])

    for act in (
        other.load,
        lambda: list(other.candidates()),
        lambda: other.save(token),
        lambda: other.reserve(token),
        client_of(sandbox, other, sign_on=person).token,
    ):
        with pytest.raises(TokenStoreError, match="a key that is not among") as caught:
            act()
        assert caught.value.location == repr(other)

    assert person.asked == 0
    assert store.load() == token
    other.delete()  # as the error says
    assert store.load() is None


def test_a_token_that_was_moved_is_refused(inner):
    """Else who can write to a database passes off one account as another."""
    EncryptedStore(inner, [OLD], "me").save(TOKEN)

    with pytest.raises(TokenStoreError, match="for another place"):
        EncryptedStore(inner, [OLD], "you").load()

    assert EncryptedStore(inner, [OLD], "me").load() == TOKEN


def test_a_token_in_plain_text_is_used_and_encrypted_by_the_next_save(inner, tmp_path):
    """With all that stood beside it."""
    inner.save(TOKEN.replace(extra={**TOKEN.extra, "more": "a-secret"}))
    store = EncryptedStore(inner, [OLD])
    assert store.load().access_token == "a-token"

    with store.lock(0), store.reserve(TOKEN):
        store.save(TOKEN)

    assert store.load() == TOKEN
    assert "a-secret" not in (tmp_path / "t.json").read_text()


def test_another_clients_plain_token_stays(inner):
    """As in any other store."""
    theirs = Stamp("you", "https://as.test/t", "tasks:read").put_on(Token("b"))
    inner.save(theirs)

    with pytest.raises(TokenStoreError, match="not overwritten"):
        EncryptedStore(inner, [OLD]).save(TOKEN)

    assert inner.load() == theirs


@pytest.mark.parametrize("keys", [[], "", [""], ["short"], [b"\xff" * 44], [5], [None]])
def test_an_invalid_key_is_refused_and_not_quoted(keys):
    """An unset variable must not mean plain text."""
    with pytest.raises(ValueError, match="Fernet keys") as caught:
        EncryptedStore(MemoryStore(), keys)

    assert "short" not in str(caught.value)


def test_no_repr_shows_a_key(inner):
    """A pickle holds them."""
    seal = Seal([OLD])
    store = EncryptedStore(inner, seal)
    store.save(TOKEN)

    copy = pickle.loads(pickle.dumps(store))

    assert copy.load() == TOKEN
    assert OLD.decode() not in f"{store!r} {vars(store)!r} {vars(seal)!r}"
    assert store.writable
    assert store.lock_timeout == inner.lock_timeout


def test_room_is_taken_in_the_store_itself(inner, tmp_path):
    """Before anybody is asked, also where an encrypted token is there."""
    store = EncryptedStore(inner, [OLD])
    store.save(TOKEN)
    before = set(os.listdir(tmp_path))

    with store.lock(0), store.reserve(TOKEN):
        rooms = [n for n in set(os.listdir(tmp_path)) - before if n.endswith(".tmp")]
        store.save(TOKEN.replace(access_token="a-token-later"))

    assert len(rooms) == 1
    assert store.load().access_token == "a-token-later"


def test_cryptography_that_is_missing_is_named(monkeypatch):
    """With what to install."""
    monkeypatch.delitem(sys.modules, "requests_ticktick.stores.encrypted")
    monkeypatch.setitem(sys.modules, "cryptography.fernet", None)

    with pytest.raises(ImportError, match=r"requests-ticktick\[encrypted\]"):
        importlib.import_module("requests_ticktick.stores.encrypted")
