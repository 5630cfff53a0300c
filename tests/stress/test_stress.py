"""The load and fault tests at full size; ``tox -e stress`` runs them.

What needs the parts of one test file alone is there, marked ``stress`` as well.
"""

from __future__ import annotations

import multiprocessing
import os
import signal

import processes
import pytest
import workers
from clients import ANSWERS, client_of, mend
from inside import lock_of, turns_of
from redis_server import NeverAnswers, ask

from requests_ticktick import FileStore, LockTimeoutError, MemoryStore, Token
from requests_ticktick.stores.redis import RedisStore

pytestmark = [pytest.mark.stress, pytest.mark.timeout(1800)]

#: Processes, and the threads of each: 64 callers in any case.
SIZES = pytest.mark.parametrize("size", [(16, 4), (64, 1)], ids=["16x4", "64x1"])


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path / "t.json")


@pytest.fixture(params=["file", "Redis"])
def shared(request, store):
    """The stores that a herd may share."""
    if request.param == "file":
        return store
    return RedisStore(request.getfixturevalue("start_redis")().client())


def statuses_of_a_herd(sandbox, store, size):
    """Start them, let them call at one moment, and return what they came to."""
    url = sandbox.url(processes.PROJECT)
    results = workers.herd("forkserver", *size, client_of(sandbox, store), url)
    return [status for status, _ in results]


@SIZES
@pytest.mark.parametrize("case", ["none", "expired", "revoked", "refreshable"])
def test_a_large_herd_signs_on_once(sandbox, shared, tally, size, case):
    """One token request, whatever it is that the herd finds."""
    auth = client_of(sandbox, shared)
    sandbox.refresh_tokens = case == "refreshable"
    if case != "none":
        token = auth.token()
    if case in ("expired", "refreshable"):
        shared.save(token.replace(expires_at=token.issued_at))
    if case == "revoked":
        sandbox.revoke_all()
    before = sandbox.token_requests
    sandbox.delay(0.2)
    kind = type(shared).__name__

    with tally(f"herd of {size[0]} x {size[1]}, {kind}, token {case}", 64) as row:
        statuses = statuses_of_a_herd(sandbox, shared, size)

        row.lost = row.tried - statuses.count(200)
        row.duplicated = sandbox.token_requests - before - 1


@SIZES
@pytest.mark.parametrize("case", ANSWERS)
def test_a_large_herd_whose_renewal_fails_loses_nothing(
    sandbox, store, tally, size, case
):
    """All who waited get that error, nobody is asked, and the next call works."""
    sandbox.refresh_tokens = True
    token = client_of(sandbox, store).token()
    store.save(token.replace(expires_at=token.issued_at))
    before = store.load()
    sandbox.fail(99, *ANSWERS[case])
    sandbox.delay(0.5)

    with tally(f"herd of {size[0]} x {size[1]}, endpoint answers {case}", 64) as row:
        statuses = statuses_of_a_herd(sandbox, store, size)

        row.lost = row.tried - statuses.count("TokenEndpointError")
        row.lost += store.load() != before
        mend(sandbox)
        assert client_of(sandbox, store).token()
        row.duplicated = sandbox.sign_ons - 1 + sandbox.reuse_detected


def test_many_writers_killed_anywhere_leave_a_token(store, tally):
    """300 SIGKILLs at random points of a write."""
    with tally("SIGKILL while writing", 300) as row:
        row.lost = processes.kills_while_saving(store, row.tried)


def test_many_renewals_killed_anywhere_leave_a_token(sandbox, store, tally):
    """300 SIGKILLs at random points of a renewal."""
    with tally("SIGKILL while renewing", 300) as row:
        row.lost = processes.kills_while_renewing(sandbox, store, row.tried)


def test_a_million_reads_are_whole(store, tally):
    """8 readers against 8 writers at full speed."""
    with tally("reads against 8 writers", 1_000_000) as row:
        row.lost = processes.torn_reads(store, writers=8, readers=8, reads=125_000)


def test_a_thousand_rotations_by_eight_processes_reuse_nothing(sandbox, shared, tally):
    """Each finds the token refused in turn; the family is never revoked."""
    sandbox.refresh_tokens = True
    client_of(sandbox, shared).token()
    fork = multiprocessing.get_context("fork")
    failed = fork.Value("i", 0)

    def renew():
        auth = client_of(sandbox, shared)
        for _ in range(125):
            try:
                auth.source.token(instead_of=auth.token())
            except Exception:
                with failed.get_lock():
                    failed.value += 1

    with tally(f"rotations by 8 processes, {type(shared).__name__}", 1000) as row:
        renewing = [fork.Process(target=renew) for _ in range(8)]
        for process in renewing:
            process.start()
        for process in renewing:
            process.join()

        row.lost = failed.value + (not isinstance(shared.load(), Token))
        row.duplicated = sandbox.reuse_detected + sandbox.sign_ons - 1


def test_many_forks_while_a_lock_is_held(sandbox, store, tally):
    """The child works within two seconds, whichever lock another thread holds."""
    auth, kept = client_of(sandbox, store), MemoryStore()
    remembering = client_of(sandbox, kept)
    turns = turns_of(auth)
    cases = {
        "a renewal": (auth, lambda: turns.join()[0]),
        "the turns": (auth, lambda: lock_of(turns)),
        "the memory store": (remembering, lambda: kept.lock(5)),
    }
    for name, (client, take) in cases.items():
        with tally(f"fork while a thread holds {name}", 100) as row:
            for _ in range(row.tried):
                with processes.InAnotherThread(take()):
                    processes.run_in_a_fork(lambda c=client: str(c.token()), seconds=2)


def test_many_stopped_holders_lose_nothing(sandbox, store, tally):
    """SIGSTOP: who waits is told for whom; after SIGCONT all goes on."""
    fork = multiprocessing.get_context("fork")
    impatient = FileStore(store.path, lock_timeout=0.05)
    auth = client_of(sandbox, impatient)
    with tally("SIGSTOP while holding the file's lock", 50) as row:
        for _ in range(row.tried):
            process, ours, pid = processes.start(fork, workers.hold, store)
            os.kill(pid, signal.SIGSTOP)
            with pytest.raises(LockTimeoutError, match=f"process {pid} on "):
                auth.sign_on(force=True)
            os.kill(pid, signal.SIGCONT)
            ours.send("go on")
            assert ours.recv() == "released"
            process.join()
            auth.sign_on(force=True)
        row.duplicated = sandbox.sign_ons - row.tried


def test_many_machines_that_die_holding_the_lock_of_redis(sandbox, start_redis, tally):
    """Killed in mid sign-on; the next one signs on, once."""
    store = RedisStore(start_redis().client(), lock_ttl=0.3)
    spawn = multiprocessing.get_context("forkserver")
    with tally("SIGKILL while holding Redis' lock", 50) as row:
        for _ in range(row.tried):
            ours, theirs = spawn.Pipe()
            doomed = client_of(sandbox, store, sign_on=NeverAnswers(theirs))
            process = spawn.Process(target=ask, args=(doomed,), daemon=True)
            process.start()
            os.kill(ours.recv(), signal.SIGKILL)
            process.join()
            row.lost += client_of(sandbox, store).token() != store.load()
            store.delete()
        row.duplicated = sandbox.sign_ons - row.tried
