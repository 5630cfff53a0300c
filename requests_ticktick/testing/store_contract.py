"""What every store promises, as a class of tests."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from ..errors import LockTimeoutError, TokenStoreError
from ..owner import Owner
from ..stores.base import TokenStore
from ..token import Token

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


class TokenStoreContract:
    """What every store promises, as tests for pytest.

    Subclass it, and define a fixture ``store`` that returns an empty one::

        class TestMyStore(TokenStoreContract):
            @pytest.fixture
            def store(self, tmp_path):
                return MyStore(tmp_path / "token.db")

            def corrupt(self, store):
                (tmp_path / "token.db").write_bytes(b"garbage")
    """

    #: Whether a pickled copy reads and writes the same place.
    shared = True

    #: A token with something in every field.
    token = Token(
        "628ff081-5331-4a37-8ddc-021974c9f43a",
        expires_at=2_000_000_000.25,
        scope="tasks:read tasks:write",
        refresh_token="refresh-1",
        issued_at=1_999_000_000.5,
        extra={"unknown": {"nested": [1, None, "é"]}},
    )

    def corrupt(self, store: TokenStore) -> None:
        """Spoil the content, as a crash or an editor would; or skip."""
        import pytest

        pytest.skip("this store has no content that could be spoilt")

    def twin(self, store: TokenStore) -> TokenStore:
        """Return another object for the same place, as a process has it."""
        if not self.shared:
            return store
        other: TokenStore = pickle.loads(pickle.dumps(store))
        return other

    def test_an_empty_store_has_no_token(self, store: TokenStore) -> None:
        """Absence is ``None``, and no error."""
        assert store.load() is None
        assert list(store.candidates()) == []
        store.delete()
        assert store.load() is None

    def test_a_token_comes_back_as_it_was(self, store: TokenStore) -> None:
        """Every field and every unknown key survives the round trip."""
        store.save(self.token)

        found = self.twin(store).load()

        assert found == self.token
        assert found is not None
        assert dict(found.extra) == dict(self.token.extra)
        assert list(store.candidates()) == [self.token]

    def test_the_last_token_wins(self, store: TokenStore) -> None:
        """A store keeps one token."""
        store.save(self.token)
        later = Token("second", scope=self.token.scope)

        store.save(later)

        found = self.twin(store).load()
        assert found is not None
        assert found.access_token == "second"
        assert found.expires_at is None
        assert found.refresh_token is None

    def test_a_token_can_be_deleted_twice(self, store: TokenStore) -> None:
        """The second time, nothing happens."""
        store.save(self.token)

        store.delete()
        store.delete()

        assert self.twin(store).load() is None

    def test_another_owners_token_stays(self, store: TokenStore) -> None:
        """It is neither overwritten nor lost."""
        mine = Owner("me", "https://as.test/t", "tasks:read").stamp(self.token)
        theirs = Owner("you", "https://as.test/t", "tasks:read").stamp(Token("b"))
        store.save(mine)

        refused = False
        try:
            store.save(theirs)
        except TokenStoreError:
            refused = True

        assert refused, "it was overwritten"
        assert store.load() == mine

    def test_the_lock_excludes(self, store: TokenStore) -> None:
        """While one holds it, nobody else gets it; afterwards, anybody."""
        other = self.twin(store)

        with store.lock(0):
            with ThreadPoolExecutor(1) as pool:
                assert pool.submit(_is_locked, other).result()
            assert _is_locked(other)

        assert not _is_locked(other)
        assert not _is_locked(store)

    def test_the_lock_is_released_after_an_error(self, store: TokenStore) -> None:
        """Whatever happens inside, the next one gets it."""
        try:
            with store.lock(0):
                raise KeyError("inside")
        except KeyError:
            pass

        assert not _is_locked(self.twin(store))

    def test_waiting_for_the_lock_ends_with_its_release(
        self, store: TokenStore
    ) -> None:
        """Who waits gets it, well before the time-out."""
        other, waiting = self.twin(store), threading.Event()

        def wait() -> bool:
            waiting.set()
            with other.lock(30):
                return True

        with ThreadPoolExecutor(1) as pool:
            with store.lock(0):
                waiter = pool.submit(wait)
                waiting.wait(30)
            assert waiter.result(30)

    def test_the_lock_of_a_process_that_dies_is_free(self, store: TokenStore) -> None:
        """SIGKILL of the holder locks nobody out."""
        if not self.shared or not hasattr(signal, "SIGKILL"):
            import pytest

            pytest.skip("nothing is shared with another process")
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=_hold, args=(store, theirs), daemon=True)
        process.start()
        assert ours.recv() == "locked"
        assert _is_locked(store)

        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()

        with store.lock(store.lock_timeout):
            pass

    def test_readers_never_see_half_a_token(self, store: TokenStore) -> None:
        """While others write, one gets the old token or the new one."""
        tokens = [Token(f"token-{n}" * 40) for n in range(4)]
        store.save(tokens[0])
        stop = threading.Event()

        def write(mine: TokenStore, token: Token) -> None:
            while not stop.is_set():
                mine.save(token)

        with ThreadPoolExecutor(len(tokens)) as pool:
            writers = [pool.submit(write, self.twin(store), t) for t in tokens]
            try:
                reader = self.twin(store)
                seen = [reader.load() for _ in range(200)]
            finally:
                stop.set()
            for writer in writers:
                writer.result()

        assert all(token in tokens for token in seen)

    def test_the_version_changes_with_the_content(self, store: TokenStore) -> None:
        """Those who wait learn of a new token without reading it."""
        before, other = store.version(), self.twin(store)

        other.save(self.token)

        if before is not None or store.version() is not None:
            assert store.version() != before

    def test_a_failure_is_told_to_those_who_wait(self, store: TokenStore) -> None:
        """Where a store keeps it, all see it, and it can be dropped."""
        other = self.twin(store)
        assert store.failure() is None

        with store.lock(0):
            store.record_failure("first")

        assert other.failure() in ("first", None)
        with store.lock(0):
            assert other.failure() in ("first", None)
            store.record_failure(None)
        assert other.failure() is None

    def test_a_copy_works(self, store: TokenStore) -> None:
        """A store can be pickled and copied, also while its lock is held."""
        store.save(self.token)
        with store.lock(0):
            copies = [pickle.loads(pickle.dumps(store)), copy.deepcopy(store)]

        for other in copies:
            assert other.load() == self.token
            with other.lock(0):
                pass

    def test_nothing_secret_is_shown(self, store: TokenStore) -> None:
        """The repr of a store says where, never what."""
        store.save(self.token)

        assert self.token.access_token not in repr(store)
        assert "refresh-1" not in repr(store)

    def test_spoilt_content_is_no_token(self, store: TokenStore) -> None:
        """It reads as absent, and the next token can be saved."""
        store.save(self.token)
        self.corrupt(store)

        assert store.load() is None
        store.save(self.token)
        assert self.twin(store).load() == self.token


def _is_locked(store: TokenStore) -> bool:
    try:
        with store.lock(0):
            return False
    except LockTimeoutError:
        return True


def _hold(store: TokenStore, connection: Connection[Any, Any]) -> None:
    with store.lock(0):
        connection.send("locked")
        connection.recv()  # which never comes
