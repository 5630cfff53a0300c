"""One sign-on for every process, whatever becomes of some of them."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import signal
import time
from concurrent.futures import ProcessPoolExecutor

import pytest
import requests
import workers
from clients import client_of
from inside import lock_of, turns_of
from processes import (
    PROJECT,
    InAnotherThread,
    kills_while_renewing,
    kills_while_saving,
    run_in_a_fork,
    start,
    torn_reads,
)

from requests_ticktick import (
    FileStore,
    LockTimeoutError,
    MemoryStore,
    TokenStoreError,
    refuse,
)
from requests_ticktick._source.wallet import Wallet


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path / "t.json")


# -- one sign-on -------------------------------------------------------------------


@pytest.mark.parametrize("method", workers.METHODS)
def test_a_herd_of_processes_signs_on_once(method, sandbox, store):
    """Whatever way they were started, they go on with one token."""
    sandbox.delay(0.2)
    auth = client_of(sandbox, store)

    results = workers.herd(method, 6, 3, auth, sandbox.url(PROJECT))

    assert {status for status, _ in results} == {200}
    assert len({token for _, token in results}) == 1
    assert len(results) == 18
    assert (sandbox.sign_ons, sandbox.token_requests) == (1, 1)


def test_a_rotating_refresh_token_is_used_once_by_a_herd(sandbox, store):
    """Twenty callers with one expired token make one request, not twenty."""
    sandbox.refresh_tokens = True
    auth = client_of(sandbox, store)
    auth.token()
    stale = store.load()
    store.save(stale.replace(expires_at=stale.issued_at))
    sandbox.delay(0.2)

    results = workers.herd(
        "fork", 5, 4, client_of(sandbox, store), sandbox.url(PROJECT)
    )

    assert {status for status, _ in results} == {200}
    assert (sandbox.sign_ons, sandbox.token_requests) == (1, 2)
    assert sandbox.reuse_detected == 0


def test_a_herd_with_a_revoked_token_signs_on_once(sandbox, store):
    """A 401 for each of them, and one new token for all."""
    auth = client_of(sandbox, store)
    auth.token()
    sandbox.revoke_all()
    sandbox.delay(0.2)

    results = workers.herd(
        "fork", 5, 2, client_of(sandbox, store), sandbox.url(PROJECT)
    )

    assert {status for status, _ in results} == {200}
    assert sandbox.sign_ons == 2


def test_tokens_that_are_born_dead_do_not_start_a_queue_of_sign_ons(
    sandbox, store, monkeypatch
):
    """One issued while they waited is the answer to all, however short-lived."""
    sandbox.fail(99, 200, {"access_token": "a", "expires_in": 0})
    fork = multiprocessing.get_context("fork")
    questions, question = fork.Semaphore(0), Wallet.snapshot

    def noted(reading, **options):
        asked = question(reading, **options)
        questions.release()
        return asked

    monkeypatch.setattr(Wallet, "snapshot", noted)

    def sign_on(request):
        assert all(questions.acquire(timeout=30) for _ in range(4))
        return sandbox.sign_on(request)

    def ask():
        client_of(sandbox, store, sign_on=sign_on).token()

    askers = [fork.Process(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(30)
        assert asker.exitcode == 0

    assert sandbox.sign_ons == 1


def test_a_failed_sign_on_is_shared_with_the_processes_that_waited(
    sandbox, store, tmp_path
):
    """They do not prompt in turn; whoever asks later may."""
    sign_on = workers.Failing(tmp_path)
    auth = client_of(sandbox, store, sign_on=sign_on)
    fork = multiprocessing.get_context("fork")
    queue = fork.Queue()
    waiting = [fork.Event() for _ in range(4)]

    def ask(event):
        # What is on record is read before anything else: then it waits.
        failure = FileStore.failure

        def noted(self):
            result = failure(self)
            event.set()
            return result

        FileStore.failure = noted
        queue.put(workers.call(auth, sandbox.url(PROJECT)))

    processes = [fork.Process(target=ask, args=(event,)) for event in waiting]
    for process in processes:
        process.start()
    for event in waiting:
        assert event.wait(30)
    (tmp_path / "go").touch()
    results = [queue.get(timeout=30)[0] for _ in processes]
    for process in processes:
        process.join(30)

    assert {kind for kind, _ in results} == {"AuthorizationDeniedError"}
    told = "Access was not granted (access_denied). Sign on again, and allow access."
    assert sorted(message for _, message in results) == [told] * 3 + ["No, thanks."]
    assert sign_on.asked() == 1
    ((error, _),) = workers.call(auth, sandbox.url(PROJECT))
    assert error == "AuthorizationDeniedError"
    assert sign_on.asked() == 2


def test_a_worker_without_a_person_does_not_stop_a_worker_with_one(sandbox, store):
    """``refuse`` is one process's own business."""
    with pytest.raises(requests.RequestException, match="requests-ticktick login"):
        client_of(sandbox, store, sign_on=refuse).token()

    assert store.failure() is None
    assert client_of(sandbox, store).token()


# -- processes that die ---------------------------------------------------------------


def test_a_killed_holder_frees_the_lock(sandbox, store):
    """SIGKILL in the middle of a sign-on: the next one signs on."""
    fork = multiprocessing.get_context("fork")
    process, _, _ = start(fork, workers.hold, store)
    os.kill(process.pid, signal.SIGKILL)
    process.join()

    assert client_of(sandbox, store).token()
    assert sandbox.sign_ons == 1


def test_a_killed_holder_frees_the_lock_also_while_its_children_live(store):
    """A child that was forked while the lock was held does not hold it."""
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe()

    def hold_and_fork():
        with store.lock(10):
            child = os.fork()
            if child == 0:
                signal.pause()
            theirs.send(child)
            signal.pause()

    process = fork.Process(target=hold_and_fork)
    process.start()
    child = ours.recv()
    try:
        with pytest.raises(LockTimeoutError):
            store.lock(0).__enter__()
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        with store.lock(10):
            pass
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_stopped_holder_is_named(sandbox, store):
    """SIGSTOP keeps the lock: who waits learns for whom, and then goes on."""
    fork = multiprocessing.get_context("fork")
    process, ours, pid = start(fork, workers.hold, store)
    os.kill(pid, signal.SIGSTOP)
    try:
        impatient = FileStore(store.path, lock_timeout=0.3)
        with pytest.raises(LockTimeoutError, match=f"process {pid} on ") as caught:
            client_of(sandbox, impatient).token()
        assert "since 20" in caught.value.holder
    finally:
        os.kill(pid, signal.SIGCONT)
    ours.send("go on")
    assert ours.recv() == "released"

    assert client_of(sandbox, impatient).token()
    process.join(10)


def test_writers_killed_anywhere_leave_a_token(store):
    """The old one or the new one, and never half of either."""
    assert kills_while_saving(store, 30) == 0


def test_renewals_killed_anywhere_leave_a_token(sandbox, store):
    """The file is whole, the lock is free, the next call works."""
    assert kills_while_renewing(sandbox, store, 10) == 0


def test_readers_at_full_speed_see_whole_tokens(store):
    """While writers replace the file all the time."""
    assert torn_reads(store, writers=2, readers=2, reads=1500) == 0


# -- fork, spawn, forkserver, pickle -------------------------------------------------


@pytest.mark.parametrize(
    "clone", [copy.deepcopy, lambda auth: pickle.loads(pickle.dumps(auth))]
)
@pytest.mark.parametrize("kind", ["file", "memory"])
def test_an_auth_is_copied_with_its_store(sandbox, store, kind, clone):
    """What it knows comes along; what it holds open does not."""
    auth = client_of(sandbox, store if kind == "file" else MemoryStore())
    token = auth.token()

    assert clone(auth).token() == token
    assert sandbox.sign_ons == 1


@pytest.mark.parametrize("method", workers.METHODS)
def test_a_session_travels_to_any_kind_of_process(method, sandbox, store):
    """``requests.Session`` and its auth, in a pool of processes."""
    context = multiprocessing.get_context(method)
    with requests.Session() as session:
        session.auth = client_of(sandbox, store)
        session.get(sandbox.url(PROJECT))
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            responses = pool.map(session.get, [sandbox.url(PROJECT)] * 4, timeout=60)

            assert [response.status_code for response in responses] == [200] * 4
    assert sandbox.sign_ons == 1


def test_a_fork_while_a_thread_leads_an_attempt(sandbox, store):
    """The child has no such thread, and waits for none."""
    auth = client_of(sandbox, store)
    attempt, _ = turns_of(auth).join()

    with InAnotherThread(attempt):
        began = time.monotonic()
        assert run_in_a_fork(lambda: auth.token().fingerprint)
        assert time.monotonic() - began < 10

    assert sandbox.sign_ons == 1


def test_a_fork_while_a_thread_is_among_the_turns(sandbox, store):
    """The short lock around the turns is the process's own, too."""
    auth = client_of(sandbox, store)

    with InAnotherThread(lock_of(turns_of(auth))):
        assert run_in_a_fork(lambda: auth.token().fingerprint)


def test_a_fork_while_a_thread_holds_the_lock_of_a_memory_store(sandbox):
    """The child's memory is its own, and so is its lock."""
    store = MemoryStore()
    auth = client_of(sandbox, store)

    with InAnotherThread(store.lock(5)):
        assert run_in_a_fork(lambda: auth.token().fingerprint)


def test_a_fork_while_a_thread_holds_the_lock_of_the_file(sandbox, store):
    """The parent holds it still; the child gets it when the parent is done."""
    auth = client_of(sandbox, store)

    with InAnotherThread(store.lock(5)):
        held = run_in_a_fork(lambda: _tries(FileStore(store.path)))

    assert held == "held"
    assert run_in_a_fork(lambda: _tries(store)) == "free"
    assert run_in_a_fork(lambda: auth.token().fingerprint)
    assert store.load() is not None


def _tries(store):
    try:
        with store.lock(0):
            return "free"
    except (LockTimeoutError, TokenStoreError):
        return "held"


def test_a_child_knows_the_token_of_its_parent(sandbox, store):
    """What was in memory at the fork needs no file."""
    auth = client_of(sandbox, store)
    token = auth.token()
    store.delete()

    assert run_in_a_fork(lambda: auth.token().fingerprint) == token.fingerprint
    assert sandbox.sign_ons == 1
