"""The part of the contract about locks."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import signal
import threading
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from .._errors import LockTimeoutError, TokenStoreError
from ..stores._base import TokenStore
from ._base import Contract

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


#: How long a test waits for what should happen at once, in seconds.
MAX_WAIT_SECONDS = 30.0


class LockingContract(Contract):
    """One caller holds the lock; the others wait and learn of its failure."""

    def test_the_lock_excludes(self, store: TokenStore) -> None:
        """While it is held, no other thread or object can take it."""
        other = self.twin(store)

        with store.lock(0):
            with ThreadPoolExecutor(1) as pool:
                assert pool.submit(_is_locked, other).result()
            assert _is_locked(other)

        assert not _is_locked(other)
        assert not _is_locked(store)

    def test_the_lock_is_released_after_an_error(self, store: TokenStore) -> None:
        """The next caller gets it, whatever was raised inside."""
        # Errors of this package are OSErrors, as all errors of requests are.
        for error in (KeyError("inside"), TokenStoreError("inside")):
            came_out: BaseException | None = None
            try:
                with store.lock(0):
                    raise error
            except (KeyError, TokenStoreError) as raised:
                came_out = raised
            assert came_out is error

        assert not _is_locked(self.twin(store))

    def test_waiting_for_the_lock_ends_with_its_release(
        self, store: TokenStore
    ) -> None:
        """A waiting caller gets it then, and not before."""
        other, held = self.twin(store), threading.Event()

        def wait() -> bool:
            with other.lock(30):
                return held.is_set()

        with ThreadPoolExecutor(1) as pool:
            with store.lock(0):
                held.set()
                waiter = pool.submit(wait)
                # Nothing should happen in this time.
                assert not futures.wait([waiter], 0.2).done
                held.clear()
            assert not waiter.result(30), "it did not wait"

    def test_waiting_for_the_lock_has_an_end(self, store: TokenStore) -> None:
        """A caller that waited for that long gets an error."""
        other, found = self.twin(store), []
        thread = threading.Thread(
            target=lambda: found.append(_is_locked(other, 0.1)), daemon=True
        )

        with store.lock():
            thread.start()
            thread.join(MAX_WAIT_SECONDS)

            assert found == [True]

    def test_the_lock_of_a_process_that_dies_is_free(self, store: TokenStore) -> None:
        """The lock of a holder that was killed can be taken."""
        if not self.shared or not hasattr(signal, "SIGKILL"):
            import pytest

            pytest.skip("this store is not shared with another process")
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=_hold, args=(store, theirs), daemon=True)
        process.start()
        theirs.close()  # so that recv() ends if the child fails
        assert ours.recv() == "locked"
        assert _is_locked(store)

        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()

        with store.lock(store.lock_timeout):
            pass

    def test_waiting_callers_learn_of_a_failure(self, store: TokenStore) -> None:
        """All see it if the store records it, and it can be removed."""
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
        """A store can be pickled and copied, even while its lock is held."""
        store.save(self.token)
        with store.lock(0):
            copies = [pickle.loads(pickle.dumps(store)), copy.deepcopy(store)]

        for other in copies:
            assert other.load() == self.token
            with other.lock(0):
                pass


def _is_locked(store: TokenStore, timeout: float = 0) -> bool:
    try:
        with store.lock(timeout):
            return False
    except LockTimeoutError:
        return True


def _hold(  # pragma: no cover - killed before it could tell what it reached
    store: TokenStore, connection: Connection[Any, Any]
) -> None:
    with store.lock(0):
        connection.send("locked")
        connection.recv()  # waits until this process is killed
