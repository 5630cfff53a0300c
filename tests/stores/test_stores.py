"""The contract, over the stores without extras; the environment and the chain."""

from __future__ import annotations

import pickle

import pytest
from outages import folder_in_place_of

from requests_ticktick import (
    ChainStore,
    EnvStore,
    FileStore,
    MemoryStore,
    Token,
    TokenStoreError,
)
from requests_ticktick.testing import TokenStoreContract

QUOTED = """'{'access_token': '628ff081-5331-4a37-8ddk-021974c9f43g',
'token_type': 'bearer', 'expires_in': 14772375,
'scope': 'tasks:read tasks:write',
'expire_time': 1637192935,
'readable_expire_time':
'Wed Nov 17 15:48:55 2021'}'"""


class TestMemoryStore(TokenStoreContract):
    shared = False

    @pytest.fixture
    def store(self):
        return MemoryStore()


class TestFileStore(TokenStoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        return FileStore(tmp_path / "new" / "token.json")

    def corrupt(self, store):
        with open(store.path, "wb") as file:
            file.write(b'{"access_token": "half')

    def outage(self, store):
        return folder_in_place_of(store.path)


class TestChainStore(TokenStoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        self.path = tmp_path / "token.json"
        return ChainStore([EnvStore("UNSET_TOKEN"), FileStore(self.path)])

    def corrupt(self, store):
        self.path.write_text("{")

    def outage(self, store):
        return folder_in_place_of(self.path)


# -- the environment -----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "token", "expires_at"),
    [
        pytest.param("tp_0123", "tp_0123", None, id="a bare token"),
        pytest.param(" 'tp_0123' ", "tp_0123", None, id="a bare token in quotes"),
        pytest.param('{"access_token": "a"}', "a", None, id="JSON"),
        pytest.param(
            "{'access_token': 'a', 'expire_time': 5}", "a", 5, id="a dict literal"
        ),
        pytest.param(
            "\"{'access_token': 'a', 'expire_time': 5}\"", "a", 5, id="in quotes"
        ),
        pytest.param(
            QUOTED,
            "628ff081-5331-4a37-8ddk-021974c9f43g",
            1637192935,
            id="ticktick-py's documented example",
        ),
    ],
)
def test_the_environment_holds_a_token_in_any_usual_form(
    monkeypatch, text, token, expires_at
):
    """A literal, JSON or the bare token, with or without quotes around."""
    monkeypatch.setenv("A_TOKEN", text)

    found = EnvStore("A_TOKEN").load()

    assert found.access_token == token
    assert found.expires_at == expires_at


@pytest.mark.parametrize(
    "text",
    [
        "{'access_token': 'hunter2'",
        "{'access_token': 'hunter2', 'scope': 5}",
        "{'access_token': f('hunter2')}",
        "{'token': 'hunter2'}",
        "hunter2 hunter2",
        "hunter\x7f2",
        "{" + "[" * 50_000,
        "{'hunter2': " + "-" * 50_000 + "1}",
        "hunter2" * 50_000,
        "'hunter2 x'",
    ],
)
def test_a_bad_literal_is_named_and_not_shown(monkeypatch, secrets, text):
    """The error names the variable; its value appears nowhere."""
    secrets.add("hunter2")
    monkeypatch.setenv("A_TOKEN", text)

    with pytest.raises(TokenStoreError, match="A_TOKEN") as caught:
        EnvStore("A_TOKEN").load()

    assert caught.value.location == "A_TOKEN"
    shown = f"{caught.value!r} {caught.value.__context__!r}"
    assert "hunter2" not in shown


@pytest.mark.parametrize("text", [None, "", "  ", "''"])
def test_an_empty_variable_is_no_token(monkeypatch, text):
    """Unset and empty are the same: absent."""
    monkeypatch.delenv("A_TOKEN", raising=False)
    if text is not None:
        monkeypatch.setenv("A_TOKEN", text)

    assert EnvStore("A_TOKEN").load() is None
    assert EnvStore("A_TOKEN").version() == EnvStore("A_TOKEN").version()


def test_the_environment_is_never_written(monkeypatch):
    """It says so, and where to write instead."""
    store = EnvStore("A_TOKEN")

    with pytest.raises(TokenStoreError, match="ChainStore"):
        store.save(Token("a"))
    with pytest.raises(TokenStoreError, match="unset"):
        store.delete()
    with store.lock(0):
        assert not store.writable
    assert repr(store) == "EnvStore('A_TOKEN')"
    assert pickle.loads(pickle.dumps(store)).name == "A_TOKEN"


# -- the chain -----------------------------------------------------------------


def test_a_chain_offers_every_token_in_order(monkeypatch, tmp_path):
    """An expired literal in front does not hide the good file behind it."""
    monkeypatch.setenv("A_TOKEN", "{'access_token': 'old', 'expire_time': 5}")
    file = FileStore(tmp_path / "t.json")
    file.save(Token("good"))

    chain = ChainStore([EnvStore("A_TOKEN"), MemoryStore(), file])

    assert [t.access_token for t in chain.candidates()] == ["old", "good"]
    assert chain.load().access_token == "old"
    assert list(chain.members())[2] is file


def test_a_chain_saves_to_the_first_that_can_be_written(monkeypatch, tmp_path):
    """The environment's token never reaches the disk; a new one does."""
    memory, file = MemoryStore(), FileStore(tmp_path / "t.json")
    monkeypatch.setenv("A_TOKEN", "from-the-environment")
    chain = ChainStore([EnvStore("A_TOKEN"), memory, file])

    chain.save(Token("new"))
    chain.record_failure("no")

    assert memory.load().access_token == "new"
    assert (memory.failure(), chain.failure()) == ("no", "no")
    assert (file.load(), file.failure()) == (None, None)


def test_a_chain_of_read_only_stores_takes_no_room():
    """Nobody will save there."""
    with ChainStore([EnvStore("UNSET")]).reserve(Token("a")):
        pass


def test_a_chain_waits_as_long_as_the_store_that_it_saves_to(tmp_path):
    """Its lock is that one's."""
    store = FileStore(tmp_path / "t.json", lock_timeout=7.0)

    assert ChainStore([EnvStore("UNSET"), store]).lock_timeout == 7.0


def test_a_chain_deletes_from_all_that_can_be_written(tmp_path):
    """Also when one of them fails, which is then said."""

    class Stubborn(MemoryStore):
        def delete(self):
            raise TokenStoreError("no", location="here")

    file = FileStore(tmp_path / "t.json")
    file.save(Token("a"))

    with pytest.raises(TokenStoreError, match="no"):
        ChainStore([EnvStore("A"), Stubborn(), file]).delete()

    assert file.load() is None


def test_a_chain_of_read_only_stores_is_read_only():
    """There is nowhere to save, nothing to lock, and nothing to report."""
    chain = ChainStore([EnvStore("A")])

    assert not chain.writable
    with pytest.raises(TokenStoreError, match="add one"):
        chain.save(Token("a"))
    with chain.lock(0):
        chain.record_failure("x")
    assert chain.failure() is None
    assert chain.version() is None
    assert repr(chain) == "ChainStore([EnvStore('A')])"


def test_a_chain_goes_on_behind_a_store_that_is_down(tmp_path, monkeypatch):
    """What another has is offered; then the error is told, as it may hide more."""

    class Down(MemoryStore):
        def load(self):
            raise TokenStoreError("down", location="here")

    chain = ChainStore([Down(), MemoryStore(Token("a"))])

    assert chain.load().access_token == "a"
    with pytest.raises(TokenStoreError, match="down"):
        list(chain.candidates())
    monkeypatch.setenv("A_TOKEN", "no token")
    with pytest.raises(TokenStoreError, match="A_TOKEN"):
        ChainStore([EnvStore("A_TOKEN"), MemoryStore(Token("a"))]).load()


def test_a_chain_keeps_an_empty_store():
    """A store without a token is a store all the same."""
    memory = MemoryStore()

    ChainStore([memory]).save(Token("a"))

    assert memory.load().access_token == "a"
    assert "MemoryStore(<Token" in repr(memory)
