"""Threads and processes wait for the one that signs on, and learn how it ended."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from clients import Person, Plain, client_of
from inside import renewal_of, turns_of, wallet_of
from observing import warnings_in, watch_for_waiters

from requests_ticktick import (
    AuthorizationDeniedError,
    ChainStore,
    EnvStore,
    FileStore,
    LockTimeoutError,
    MemoryStore,
    SignOnError,
    Token,
    TokenStoreError,
)
from requests_ticktick._source import turns
from requests_ticktick._source.failures import Failure
from requests_ticktick.stores._base import AwayError, UnwritableError


def test_twenty_threads_sign_on_once(sandbox, tmp_path):
    """One leads; the others go on with its token."""
    sandbox.delay(0.1)
    auth = client_of(sandbox, FileStore(tmp_path / "t.json"))
    barrier = threading.Barrier(20)

    def ask(_):
        barrier.wait()
        return auth.token()

    with ThreadPoolExecutor(20) as pool:
        tokens = set(pool.map(ask, range(20)))

    assert len(tokens) == 1
    assert (sandbox.sign_ons, sandbox.token_requests) == (1, 1)


@pytest.mark.parametrize("kind", [MemoryStore, Plain])
def test_waiting_threads_get_the_error_of_the_sign_on(sandbox, kind):
    """They get its error, each one of its own, also where no store records it."""
    waiting = threading.Semaphore(0)
    release = threading.Event()
    person = Person(sandbox, AuthorizationDeniedError("no", error="access_denied"))

    def sign_on(request):
        release.wait(30)
        return person(request)

    auth = client_of(sandbox, kind(), sign_on=sign_on)
    attempts = turns_of(auth)
    join = attempts.join

    def counted():
        try:
            return join()
        finally:
            waiting.release()

    attempts.join = counted

    def ask(_):
        with pytest.raises(AuthorizationDeniedError) as caught:
            auth.token()
        return caught.value

    with ThreadPoolExecutor(8) as pool:
        errors = pool.map(ask, range(8))
        for _ in range(8):
            assert waiting.acquire(timeout=30)
        release.set()
        errors = list(errors)

    assert len({id(error) for error in errors}) == 8
    assert {error.error for error in errors} == {"access_denied"}
    assert person.asked == 1
    # Whoever asks by name is a new question.
    assert auth.sign_on()
    assert auth.source.store.failure() is None


def fail_while_another_waits(sandbox, path, error, **options):
    """Return what a second process, as it were, is told that had waited."""
    waiting, person = threading.Event(), Person(sandbox)
    looks = []

    class Watched(FileStore):
        def version(self):
            looks.append(self)
            if len(looks) > 1:  # the first one is before it tries the lock
                waiting.set()
            return super().version()

    def sign_on(request):
        followers.append(pool.submit(other.token))
        assert waiting.wait(30)
        raise error

    followers = []
    other = client_of(sandbox, Watched(path), sign_on=person, **options)
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(type(error)):
            client_of(sandbox, FileStore(path), sign_on=sign_on).token()
        told = followers[0].exception(30)
    assert person.asked == (told is None)
    return told


def test_a_sign_on_broken_off_is_shared_with_the_processes_that_waited(
    sandbox, tmp_path
):
    """Ctrl-C in one of them: the next one does not open its browser in turn."""
    told = fail_while_another_waits(sandbox, tmp_path / "t.json", KeyboardInterrupt())

    assert type(told) is SignOnError
    assert "broken off" in str(told)


def test_the_same_failure_twice_is_shared_twice(sandbox, tmp_path):
    """The one on record is not taken for the one that was waited for."""
    for _ in range(2):
        told = fail_while_another_waits(
            sandbox, tmp_path / "t.json", AuthorizationDeniedError("no")
        )

        assert type(told) is AuthorizationDeniedError


def test_another_clients_failure_is_ignored(sandbox, tmp_path):
    """Somebody may well grant the one app what was denied to the other."""
    no = AuthorizationDeniedError("no")

    told = fail_while_another_waits(
        sandbox, tmp_path / "t.json", no, scope="tasks:read"
    )

    assert told is None


def test_within_the_leeway_no_thread_waits_for_the_renewal(sandbox, clock):
    """While a person is signing on, the others use the token that works."""
    sandbox.expires_in = 3600
    asked, release = threading.Event(), threading.Event()

    def sign_on(request):
        if first_done:
            asked.set()
            release.wait(30)
        return sandbox.sign_on(request)

    first_done = []
    auth = client_of(sandbox, clock=clock, sign_on=sign_on)
    first = auth.token()
    first_done.append(True)
    clock.advance(3550)

    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(auth.token)
        assert asked.wait(30)
        assert [auth.token() for _ in range(5)] == [first] * 5
        release.set()
        assert leader.result(30) is not first

    assert auth.token() is leader.result()
    assert sandbox.sign_ons == 2


def test_within_the_leeway_no_process_waits_for_another(sandbox, clock, tmp_path):
    """Its lock is taken: this one goes on, and finds the new token later."""
    sandbox.expires_in = 3600
    store = FileStore(tmp_path / "t.json")
    auth = client_of(sandbox, store, clock=clock)
    first = auth.token()
    clock.advance(3550)

    with FileStore(tmp_path / "t.json").lock(0):
        assert auth.token() is first

    other = client_of(sandbox, store, clock=clock)
    second = other.token()
    assert second is not first
    assert auth.token() == second
    assert sandbox.sign_ons == 2


def test_waiting_processes_go_on_as_soon_as_there_is_a_token(
    sandbox, tmp_path, monkeypatch
):
    """They need the token, not the lock, and try for that much less often."""
    monkeypatch.setattr(turns, "TRY_EVERY", 3600.0)
    store = FileStore(tmp_path / "t.json")
    looks, watched = [], threading.Event()

    class Watched(FileStore):
        def version(self):
            looks.append(super().version())
            if len(looks) > 1:  # the first is before it tries for the lock
                watched.set()
            return looks[-1]

    auth = client_of(sandbox, Watched(tmp_path / "t.json"))
    with ThreadPoolExecutor(1) as pool, store.lock(0):
        waiter = pool.submit(auth.token)
        assert watched.wait(30)
        store.save(Token("a", scope="tasks:read tasks:write"))
        assert waiter.result(30).access_token == "a"

    assert sandbox.sign_ons == 0


@pytest.mark.parametrize(
    ("left", "asked"),
    [
        pytest.param(3600, 0, id="fresh"),
        pytest.param(30, 0, id="in its last minute"),
        pytest.param(-1, 1, id="expired"),
    ],
)
def test_the_store_is_read_again_under_the_lock(sandbox, tmp_path, clock, left, asked):
    """Somebody may have put a token there between the last look and the lock."""
    expires_at = clock.time() + left

    class Overtaken(FileStore):
        def lock(self, timeout=None):
            self.save(Token("a", expires_at=expires_at))
            return super().lock(timeout)

    auth = client_of(sandbox, Overtaken(tmp_path / "t.json"), clock=clock)

    assert (auth.token().access_token == "a") == (asked == 0)
    assert sandbox.sign_ons == asked


def test_the_token_is_saved_before_the_lock_is_released(sandbox, tmp_path):
    """The next in line reads it; were it late, it would ask again."""
    saved = []

    class Watched(FileStore):
        def save(self, token):
            with pytest.raises(LockTimeoutError):
                FileStore(self.path).lock(0).__enter__()
            super().save(token)
            saved.append(token)

    auth = client_of(sandbox, Watched(tmp_path / "t.json"))

    assert saved == [auth.token()]


def test_a_waiting_thread_rejects_the_token_that_it_wants_replaced(sandbox):
    """It waited for a token in place of the very one that came out."""
    auth = client_of(sandbox)
    refused = auth.token()
    attempt, _ = turns_of(auth).join()
    waiting = watch_for_waiters(attempt)
    with ThreadPoolExecutor(1) as pool:
        follower = pool.submit(auth.source.token, instead_of=refused)
        assert waiting.wait(30)
        with attempt:
            attempt.token = refused
        assert follower.result(30).access_token != refused.access_token


def test_waiting_for_a_lock_ends_with_the_stores_time_out(sandbox, tmp_path):
    """The error names the holder; nobody was asked."""
    auth = client_of(sandbox, FileStore(tmp_path / "t.json", lock_timeout=0.2))

    with (
        FileStore(tmp_path / "t.json").lock(0),
        pytest.raises(LockTimeoutError, match="process"),
    ):
        auth.token()

    assert sandbox.sign_ons == 0


@pytest.mark.parametrize("kind", [AwayError, UnwritableError])
def test_a_store_that_could_save_no_token_asks_nobody(sandbox, kind):
    """Whoever shares it would find the same, and ask in turn."""

    class Unwritable(MemoryStore):
        def lock(self, timeout=None):
            raise kind("It takes nothing.")

    auth = client_of(sandbox, Unwritable())

    with pytest.raises(TokenStoreError, match="takes nothing"):
        auth.token()

    assert sandbox.sign_ons == 0


def test_threads_share_a_failure_over_a_store_that_keeps_none(sandbox):
    """Who waited for the one who was asked is not asked in turn."""
    waiting, asked, wait = threading.Semaphore(0), [], turns.Attempt.wait

    def noted(attempt, timeout):
        waiting.release()
        return wait(attempt, timeout)

    def sign_on(request):
        asked.append(request)
        for _ in range(3):
            assert waiting.acquire(timeout=30)
        raise AuthorizationDeniedError("No, thanks.", error="access_denied")

    auth = client_of(sandbox, Plain(), sign_on=sign_on)
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(4) as pool:
        patch.setattr(turns.Attempt, "wait", noted)
        calls = [pool.submit(auth.token) for _ in range(4)]
        errors = [call.exception(30) for call in calls]

    assert [type(error) for error in errors] == [AuthorizationDeniedError] * 4
    # That of the sign-on itself, and not of the pause that it begins.
    assert {str(error) for error in errors} == {"No, thanks."}
    assert len(asked) == 1


def test_waiting_for_a_thread_ends_with_the_stores_time_out(sandbox):
    """Also where the lock is another thread's of this process."""
    store = MemoryStore()
    store.lock_timeout = 0.2
    auth = client_of(sandbox, store)
    attempt, leads = turns_of(auth).join()
    assert leads

    with (
        ThreadPoolExecutor(1) as pool,
        pytest.raises(LockTimeoutError, match="thread"),
    ):
        pool.submit(auth.token).result()

    with attempt:
        pass
    assert auth.token()


class OddError(AuthorizationDeniedError):
    """An error of somebody else's making."""


@pytest.mark.parametrize("kind", [OddError, AuthorizationDeniedError])
def test_a_subclass_of_our_errors_is_raised_unchanged(sandbox, tmp_path, kind):
    """What of it cannot be written down is not told to other processes."""
    odd = Person(sandbox, kind("no", error=object()))
    auth = client_of(sandbox, FileStore(tmp_path / "t.json"), sign_on=odd)

    with pytest.raises(kind) as caught:
        auth.token()

    assert type(caught.value.error) is object
    told = Failure.load(auth.source.store.failure(), "here").error
    assert (type(told), told.error) == (AuthorizationDeniedError, None)


def test_without_a_place_to_write_a_token_works_from_memory(sandbox, caplog):
    """A store that is only read is no trouble: nobody is warned of it."""
    auth = client_of(sandbox, ChainStore([EnvStore("UNSET")]))

    assert auth.token() is auth.token()
    assert sandbox.sign_ons == 1
    assert warnings_in(caplog) == []


@pytest.mark.parametrize("note", ["", "{}", '{"error": {"type": "KeyError"}}'])
def test_an_unknown_failure_record_is_ignored(sandbox, note):
    """What another version wrote there is not a failure of ours."""
    store = MemoryStore()
    auth = client_of(sandbox, store)
    question = wallet_of(auth).snapshot()
    store.record_failure(note)

    assert renewal_of(auth)(question)


def test_an_interrupted_sign_on_frees_everything(sandbox, tmp_path):
    """Ctrl-C leaves neither lock nor attempt behind; the next call works."""
    person = Person(sandbox, KeyboardInterrupt())
    auth = client_of(sandbox, FileStore(tmp_path / "t.json"), sign_on=person)

    with pytest.raises(KeyboardInterrupt):
        auth.token()

    assert auth.token()
    assert person.asked == 2


def test_an_early_attempt_without_a_token_lets_the_next_one_try(sandbox):
    """Those who found the token expired meanwhile do not get its nothing."""
    auth = client_of(sandbox)
    attempt, _ = turns_of(auth).join()
    waiting = watch_for_waiters(attempt)

    with ThreadPoolExecutor(1) as pool:
        follower = pool.submit(auth.token)
        assert waiting.wait(30)
        with attempt:
            auth.source.store.save(Token("a"))
        assert follower.result(30).access_token == "a"

    assert sandbox.sign_ons == 0
