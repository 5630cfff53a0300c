"""Which token is used, of memory, variables and stores that may fail."""

from __future__ import annotations

import os

import pytest
from clients import Faulty, Person, client_of
from observing import raises, warnings_in

from requests_ticktick import (
    AuthorizationDeniedError,
    ChainStore,
    EnvStore,
    FileStore,
    MemoryStore,
    TickTickAuth,
    Token,
    TokenStoreError,
)
from requests_ticktick.sandbox import Sandbox
from requests_ticktick.stores._base import AwayError

# -- which token ---------------------------------------------------------------


def test_memory_then_environment_then_file_then_new(
    sandbox, clock, tmp_path, monkeypatch
):
    """ticktick-py's order; what has expired is passed over."""
    now = clock.time()
    file = FileStore(tmp_path / "t.json")
    file.save(Token("from-file", expires_at=now + 7200))
    store = ChainStore([EnvStore("A_TOKEN"), file])
    monkeypatch.setenv(
        "A_TOKEN", f"{{'access_token': 'from-env', 'expire_time': {now + 3600}}}"
    )
    auth = client_of(sandbox, store, clock=clock)

    assert auth.token().access_token == "from-env"
    monkeypatch.delenv("A_TOKEN")
    assert auth.token().access_token == "from-env"
    monkeypatch.setenv("A_TOKEN", f"{{'access_token': 'old', 'expire_time': {now}}}")
    clock.advance(3600)
    assert auth.token().access_token == "from-file"
    assert sandbox.sign_ons == 0
    clock.advance(3600)
    assert auth.token().access_token not in ("old", "from-file", "from-env")
    assert sandbox.sign_ons == 1
    assert "old" not in (tmp_path / "t.json").read_text()


def test_an_expiring_token_does_not_hide_a_fresh_one(sandbox, clock):
    """A candidate that needs renewal is the last resort."""
    now = clock.time()
    store = ChainStore(
        [MemoryStore(Token("a", expires_at=now + 30)), MemoryStore(Token("b"))]
    )

    assert client_of(sandbox, store, clock=clock).token().access_token == "b"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"client_id": "another"}, id="client"),
        pytest.param({"service": "another"}, id="service"),
        pytest.param({"scope": "tasks:read"}, id="scopes"),
    ],
)
def test_another_clients_token_is_neither_used_nor_overwritten(
    sandbox, tmp_path, caplog, other
):
    """The sign-on's token stays in memory; the warning says what to do."""
    store = FileStore(tmp_path / "t.json")
    mine = client_of(sandbox, store)
    mine.token()
    before = (tmp_path / "t.json").read_bytes()
    app = {"client_id": other["client_id"]} if "client_id" in other else {}
    scope = other.get("scope", "tasks:read tasks:write")
    with Sandbox(**{"client_id": sandbox.client_id, **app}) as two:
        client = client_of(sandbox if "scope" in other else two, store, scope=scope)
        token = client.token()
        assert client.token() is token
        client.forget()

    assert (tmp_path / "t.json").read_bytes() == before
    assert mine.token().access_token != token.access_token
    (warning,) = warnings_in(caplog)
    assert "profile" in warning
    assert "memory" in warning


def test_scopes_in_another_order_are_the_same(sandbox, tmp_path):
    """A file belongs to a set of scopes."""
    store = FileStore(tmp_path / "t.json")
    client_of(sandbox, store, scope="tasks:read tasks:write").token()

    client_of(sandbox, store, scope="tasks:write tasks:read").token()

    assert sandbox.sign_ons == 1


def test_no_credentials_are_needed_where_there_is_a_token(tmp_path):
    """A worker knows neither the client's id nor its secret."""
    store = FileStore(tmp_path / "t.json")
    store.save(Token("a", scope="tasks:read tasks:write", extra={"client_id": "x"}))

    assert TickTickAuth(store=store).token().access_token == "a"


class Counted(MemoryStore):
    """A store that counts how often it is read."""

    reads = 0

    def load(self):
        self.reads += 1
        return super().load()


def test_a_new_process_reads_the_store_with_its_token_once():
    """And none behind it: a file that it does not need, or a keychain."""
    first, second = Counted(Token("a")), Counted(Token("b"))

    auth = TickTickAuth(store=ChainStore([Counted(), first, second]))

    assert auth.token().access_token == "a"
    assert (first.reads, second.reads) == (1, 0)


def test_a_sign_on_reads_the_store_four_times(sandbox):
    """Is there a token, what is there, and the same with the lock; whose place."""
    store = Counted()

    client_of(sandbox, store).token()

    assert store.reads <= 4


# -- stores that fail ----------------------------------------------------------


def test_a_token_that_cannot_be_saved_works_from_memory(sandbox, tmp_path, caplog):
    """A read-only place costs one warning, not one sign-on a call."""
    (tmp_path / "file").write_text("")
    auth = client_of(sandbox, FileStore(tmp_path / "file" / "t.json"))

    tokens = {auth.token().access_token for _ in range(3)}

    assert len(tokens) == 1
    assert sandbox.sign_ons == 1
    (warning,) = warnings_in(caplog)
    assert "from memory" in warning


def test_a_full_disk_costs_one_warning(sandbox, tmp_path, caplog, monkeypatch):
    """The token works from memory, and its refresh token as well."""
    sandbox.refresh_tokens = True
    auth = client_of(sandbox, FileStore(tmp_path / "t.json"))
    full = raises(OSError(28, "No space left on device"))
    monkeypatch.setattr(os, "fsync", full)
    first = auth.token()
    second = auth.source.token(instead_of=first)

    assert second.access_token != first.access_token
    assert sandbox.sign_ons == 1
    assert len(warnings_in(caplog)) == 1
    assert "No space left" in warnings_in(caplog)[0]


def test_a_store_without_a_lock_costs_one_warning(sandbox, caplog):
    """One of somebody else's: a person signs on all the same."""
    store = Faulty()
    store.lock = raises(TokenStoreError("There is no lock here."))
    auth = client_of(sandbox, store)

    assert auth.token() == store.load()

    assert warnings_in(caplog) == ["There is no lock here. Going on without a lock."]


def test_a_store_that_has_gone_away_is_no_reason_to_ask_a_person(sandbox):
    """Between the lock and the room: whoever shares it would ask as well."""
    store, person = Faulty(), Person(sandbox)
    store.reserve = raises(AwayError("It does not answer."))

    with pytest.raises(AwayError):
        client_of(sandbox, store, sign_on=person).token()

    assert person.asked == 0


def test_an_old_token_that_was_unreadable_for_a_moment_is_not_new(sandbox, clock):
    """A token that was there before is no answer, as it has expired."""
    sandbox.expires_in = 3600
    store = Faulty()
    auth = client_of(sandbox, store, clock=clock)
    first = auth.token()
    clock.advance(3601)
    store.blips = 1

    assert auth.token() != first

    store.blips = 1
    assert auth.sign_on(force=True) not in (first, None)
    assert sandbox.sign_ons == 3


def test_an_old_failure_is_not_new_after_an_unreadable_store(sandbox):
    """Whoever asks now asks anew."""
    store = Faulty()
    no = Person(sandbox, AuthorizationDeniedError("no"))
    with pytest.raises(AuthorizationDeniedError):
        client_of(sandbox, store, sign_on=no).token()
    read = store.failure
    failures = [raises(TokenStoreError("It cannot be read."))]
    store.failure = lambda: (failures.pop() if failures else read)()

    assert client_of(sandbox, store).token()


def test_a_record_that_cannot_be_read_costs_nothing(sandbox, clock):
    """In the leeway the token that works is used, and renewed."""
    sandbox.expires_in = 3600
    store = Faulty()
    store.failure = raises(TokenStoreError("It cannot be read."))
    auth = client_of(sandbox, store, clock=clock)
    first = auth.token()

    clock.advance(3550)

    assert auth.token() != first


def test_a_store_that_breaks_later_does_not_stop_a_token_in_memory(
    sandbox, clock, tmp_path, caplog
):
    """Within the leeway the store is asked; what it says is a warning."""
    sandbox.expires_in = 3600
    store = FileStore(tmp_path / "t.json")
    auth = client_of(sandbox, store, clock=clock)
    first = auth.token()
    clock.advance(3550)
    (tmp_path / "t.json").unlink()
    (tmp_path / "t.json").mkdir()

    assert auth.token() is first
    (warning,) = warnings_in(caplog)
    assert f"was not renewed: Cannot read {store.path}" in warning

    clock.advance(60)
    with pytest.raises(TokenStoreError, match="Cannot read"):
        auth.token()
