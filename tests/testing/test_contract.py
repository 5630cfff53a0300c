"""A store that breaks a promise does not pass the contract of stores."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import uuid

import pytest
from outages import folder_in_place_of

from requests_ticktick import (
    FileStore,
    LockTimeoutError,
    MemoryStore,
    Token,
    TokenStoreError,
)
from requests_ticktick.stores import check_stamp
from requests_ticktick.testing import TokenStoreContract


class Inventive(FileStore):
    """Has a token when there is none."""

    def load(self):
        return super().load() or Token("made-up")


class Loyal(FileStore):
    """Keeps its first token."""

    def save(self, token):
        if self.load() is None:
            super().save(token)


class Caching(FileStore):
    """Never looks again."""

    seen = None

    def load(self):
        self.seen = self.seen or super().load()
        return self.seen

    def save(self, token):
        super().save(token)
        self.seen = token

    def delete(self):
        super().delete()
        self.seen = None

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "seen"}


class Careless(FileStore):
    """Writes into the file itself, and reads what is there at the moment."""

    def load(self):
        with contextlib.suppress(FileNotFoundError), open(self.path) as file:
            return Token.from_dict(json.load(file))
        return None

    def save(self, token):
        check_stamp(self.load(), token, self.path)
        with open(self.path, "w") as file:
            json.dump(token.to_dict(), file)


class OneTemporaryFile(FileStore):
    """Has one name for what it writes first: threads get in each other's way."""

    written = threading.Barrier(2)  # by two of them, before either goes on

    def __init__(self, path):
        super().__init__(path)
        self.name = uuid.uuid4().hex

    def __setstate__(self, state):
        vars(self).update(state, name=uuid.uuid4().hex)

    def save(self, token):
        check_stamp(self.load(), token, self.path)
        temporary = f"{self.path}.{self.name}"
        with open(temporary, "w") as file:
            json.dump(token.to_dict(), file)
        with contextlib.suppress(threading.BrokenBarrierError):
            self.written.wait(10)
        os.replace(temporary, self.path)


class Forgetful(FileStore):
    """Drops what it does not know."""

    def save(self, token):
        super().save(token.replace(extra=Token("a").extra))


class Rounding(FileStore):
    """Keeps whole seconds."""

    def save(self, token):
        expires_at = token.expires_at and int(token.expires_at)
        super().save(token.replace(expires_at=expires_at))


class Brutal(FileStore):
    """Overwrites another owner's token."""

    def save(self, token):
        self.delete()
        super().save(token)


class Inviting(FileStore):
    """Does not look whose token it holds, before somebody is asked."""

    def reserve(self, token):
        return contextlib.nullcontext()


class Hasty(FileStore):
    """Writes what it takes room for."""

    def reserve(self, token):
        self.save(token)
        return super().reserve(token)


class Strict(FileStore):
    """Cannot delete what is not there."""

    def delete(self):
        os.unlink(self.path)


class Talkative(MemoryStore):
    """Shows what it has."""

    def __repr__(self):
        return f"Talkative({self._token and self._token.access_token})"


class Constant(FileStore):
    """Tells those who wait that nothing happens."""

    def version(self):
        return 1


class Exists(FileStore):
    """Tells those who wait of the first token alone."""

    def version(self):
        return os.path.exists(self.path)


class Open(FileStore):
    """Has no lock."""

    @contextlib.contextmanager
    def lock(self, timeout=None):
        yield


class Leaking(FileStore):
    """Keeps the lock after an error."""

    def lock(self, timeout=None):
        return _Leaking(super().lock(timeout))


class _Leaking(contextlib.AbstractContextManager):
    kept = []

    def __init__(self, manager):
        self.manager = manager

    def __enter__(self):
        self.manager.__enter__()

    def __exit__(self, kind, error, traceback):
        if kind is None:
            self.manager.__exit__(None, None, None)
        else:
            self.kept.append(self.manager)


class Swallowing(FileStore):
    """Takes the errors under its lock for its own."""

    @contextlib.contextmanager
    def lock(self, timeout=None):
        with super().lock(timeout), contextlib.suppress(OSError):
            yield


class Impatient(FileStore):
    """Never waits."""

    def lock(self, timeout=None):
        return super().lock(0)


class Endless(FileStore):
    """Waits for ever."""

    def lock(self, timeout=None):
        return super().lock(0 if timeout == 0 else 60)


class Demanding(FileStore):
    """Wants to be told how long to wait."""

    def lock(self, timeout):
        return super().lock(timeout)


class Existing(FileStore):
    """Takes a file that exists for a lock, also when its maker has died."""

    lock_timeout = 0.1

    @contextlib.contextmanager
    def lock(self, timeout=None):
        path = f"{self.path}.exists"
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            raise LockTimeoutError("It exists.") from None
        try:
            yield
        finally:
            os.unlink(path)


class Failing(FileStore):
    """Cannot be locked by another process."""

    maker = os.getpid()

    def __init__(self, path):
        super().__init__(path)
        self.maker = os.getpid()

    def lock(self, timeout=None):
        if os.getpid() != self.maker:
            raise TokenStoreError("Not here.")
        return super().lock(timeout)


class Resentful(FileStore):
    """Keeps a failure for ever."""

    def record_failure(self, failure):
        if failure is not None:
            super().record_failure(failure)


class Unique(FileStore):
    """Its copies know nothing of it."""

    def __deepcopy__(self, memo):
        return FileStore(f"{self.path}.copy")


class Crashing(FileStore):
    """Cannot read what is spoilt."""

    def load(self):
        if not os.path.exists(self.path):
            return None
        with open(self.path) as file:
            return Token.from_dict(json.load(file))


class Denying(FileStore):
    """Has no token where it cannot look."""

    def load(self):
        with contextlib.suppress(TokenStoreError):
            return super().load()
        return None


class Assuring(FileStore):
    """Saves nothing where it cannot, and does not say so."""

    def save(self, token):
        with contextlib.suppress(TokenStoreError):
            super().save(token)


class Hushing(FileStore):
    """Deletes nothing where it cannot, and does not say so."""

    def delete(self):
        with contextlib.suppress(TokenStoreError):
            super().delete()


class Foreign(FileStore):
    """Lets others' errors out."""

    def load(self):
        with open(self.path) as file:
            return Token.from_dict(json.load(file))


class Watchful(FileStore):
    """Has no version where it cannot look."""

    def version(self):
        self.load()
        return super().version()


class Jealous(FileStore):
    """Takes a place that is unusable for one that another has locked."""

    @contextlib.contextmanager
    def lock(self, timeout=None):
        if os.path.isdir(self.path):
            raise LockTimeoutError("Somebody has it.")
        with super().lock(timeout):
            yield


class Sulking(FileStore):
    """Does not try again what has failed once."""

    error = None

    def load(self):
        if self.error is not None:
            raise self.error
        try:
            return super().load()
        except TokenStoreError as error:
            self.error = error
            raise


class Clearing(FileStore):
    """Begins anew where it could not read."""

    failed = False

    def load(self):
        if self.failed:
            self.delete()
        try:
            return super().load()
        except TokenStoreError:
            self.failed = True
            raise

    def __reduce__(self):
        return type(self), (self.path,)


class Clinging(FileStore):
    """Keeps the lock where a save has failed."""

    @contextlib.contextmanager
    def lock(self, timeout=None):
        stack = contextlib.ExitStack()
        stack.enter_context(super().lock(timeout))
        try:
            yield
        finally:
            if os.path.isdir(self.path):
                _Leaking.kept.append(stack)
            else:
                stack.close()


class Sparse(FileStore):
    """Has what a store need not have as those have that do without."""

    def version(self):
        return None

    def failure(self):
        return None

    def record_failure(self, failure):
        pass


PROMISES = {
    # the promise that it breaks: the store
    "an_empty_store_has_no_token": [Inventive],
    "the_last_token_wins": [Loyal],
    "a_token_comes_back_as_it_was": [Forgetful, Rounding],
    "a_token_that_another_process_saved_is_seen": [Caching, Exists],
    "a_token_can_be_deleted_twice": [Strict],
    "another_clients_token_stays": [Brutal],
    "space_is_reserved_for_a_token": [Inviting, Hasty],
    "readers_never_see_half_a_token": [Careless],
    "threads_may_share_one_object": [OneTemporaryFile],
    "the_version_changes_with_the_content": [Constant],
    "nothing_secret_is_shown": [Talkative],
    "a_damaged_token_is_replaced": [Crashing],
    "the_lock_excludes": [Open],
    "the_lock_is_released_after_an_error": [Leaking, Swallowing],
    "waiting_for_the_lock_ends_with_its_release": [Impatient],
    "waiting_for_the_lock_has_an_end": [Endless, Demanding],
    "the_lock_of_a_process_that_dies_is_free": [Existing, Failing],
    "waiting_callers_learn_of_a_failure": [Resentful],
    "a_copy_works": [Unique],
    "an_outage_is_an_error": [
        *(Denying, Assuring, Hushing, Inviting),
        *(Foreign, Watchful, Jealous),
    ],
    "an_outage_ends": [Sulking, Clearing, Clinging],
}


class Contract(TokenStoreContract):
    """The contract itself, called test by test."""

    __test__ = False

    def corrupt(self, store):
        with open(store.path, "w") as file:
            file.write("{")

    def outage(self, store):
        return folder_in_place_of(store.path)


def keep(promise, store):
    getattr(Contract(), f"test_{promise}")(store)


@pytest.mark.parametrize(
    ("promise", "kind"),
    [(promise, kind) for promise, kinds in PROMISES.items() for kind in kinds],
)
def test_a_broken_promise_is_noticed(tmp_path, monkeypatch, promise, kind):
    """By the test that is named after it."""
    monkeypatch.setattr("requests_ticktick.testing._locking.MAX_WAIT_SECONDS", 0.5)
    store = kind() if kind is Talkative else kind(tmp_path / "t.json")

    with pytest.raises((AssertionError, OSError, TypeError, ValueError, EOFError)):
        keep(promise, store)


@pytest.mark.parametrize("kind", [FileStore, Sparse])
@pytest.mark.parametrize("promise", PROMISES)
def test_a_store_that_keeps_it_passes(tmp_path, promise, kind):
    """So that the tests above fail for what they are about."""
    keep(promise, kind(tmp_path / "t.json"))


@pytest.mark.parametrize("hook", ["corrupt", "outage"])
def test_a_test_whose_hook_is_not_defined_is_skipped(tmp_path, hook):
    """It says what to define."""
    store = FileStore(tmp_path / "t.json")

    with pytest.raises(pytest.skip.Exception, match=rf"{hook}\(store\) is not defined"):
        getattr(TokenStoreContract(), hook)(store)


def test_every_promise_has_been_broken():
    """Here, by a store that breaks no more than it has to."""
    tests = {name for name in dir(TokenStoreContract) if name.startswith("test_")}

    assert tests == {f"test_{promise}" for promise in PROMISES}
