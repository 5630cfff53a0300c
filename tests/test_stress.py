"""The load and fault tests at full size; ``tox -e stress`` runs them."""

from __future__ import annotations

import multiprocessing
import time

import pytest
import test_processes as small
from clients import client_of

from requests_ticktick import FileStore, Token

pytestmark = [pytest.mark.stress, pytest.mark.timeout(1800)]


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path / "t.json")


@pytest.mark.parametrize(("processes", "threads"), [(16, 4), (64, 1)])
@pytest.mark.parametrize("case", ["none", "expired", "revoked", "refreshable"])
def test_a_large_herd_signs_on_once(sandbox, store, tally, processes, threads, case):
    """One token request, whatever it is that the herd finds."""
    auth = client_of(sandbox, store)
    sandbox.refresh_tokens = case == "refreshable"
    if case != "none":
        token = auth.token()
    if case in ("expired", "refreshable"):
        store.save(token.replace(expires_at=token.issued_at))
    if case == "revoked":
        sandbox.revoke_all()
    before = sandbox.token_requests
    sandbox.delay(0.2)
    began = time.monotonic()

    results = small.herd(
        multiprocessing.get_context("forkserver"),
        processes,
        threads,
        client_of(sandbox, store),
        sandbox.url(small.PROJECT),
    )

    failed = sum(status != 200 for status, _ in results)
    extra = sandbox.token_requests - before - 1
    name = f"herd of {processes} x {threads}, token {case}"
    tally(name, len(results), failed, extra, time.monotonic() - began)
    assert len(results) == processes * threads
    assert (failed, extra) == (0, 0)


def test_many_writers_killed_anywhere_leave_a_token(store, tally):
    """300 SIGKILLs at random points of a write."""
    began = time.monotonic()

    lost = small.kills_while_saving(store, 300)

    tally("SIGKILL while writing", 300, lost, 0, time.monotonic() - began)
    assert lost == 0


def test_many_renewals_killed_anywhere_leave_a_token(sandbox, store, tally):
    """300 SIGKILLs at random points of a renewal."""
    began = time.monotonic()

    lost = small.kills_while_renewing(sandbox, store, 300)

    reused = 0 if lost == 0 else sandbox.reuse_detected
    tally("SIGKILL while renewing", 300, lost, reused, time.monotonic() - began)
    assert lost == 0


def test_a_million_reads_are_whole(store, tally):
    """8 readers against 8 writers at full speed."""
    began = time.monotonic()

    torn = small.torn_reads(store, writers=8, readers=8, reads=125_000)

    tally("torn reads", 1_000_000, torn, 0, time.monotonic() - began)
    assert torn == 0


def test_a_thousand_rotations_by_eight_processes_reuse_nothing(sandbox, store, tally):
    """Each finds the token expired in turn; the family is never revoked."""
    sandbox.refresh_tokens = True
    client_of(sandbox, store).token()
    began, fork = time.monotonic(), multiprocessing.get_context("fork")
    failed = fork.Value("i", 0)

    def renew():
        auth = client_of(sandbox, store)
        for _ in range(125):
            try:
                auth.source.token(instead_of=auth.token())
            except Exception:
                with failed.get_lock():
                    failed.value += 1

    workers = [fork.Process(target=renew) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    seconds = time.monotonic() - began
    tally(
        "rotations by 8 processes", 1000, failed.value, sandbox.reuse_detected, seconds
    )
    assert (failed.value, sandbox.reuse_detected, sandbox.sign_ons) == (0, 0, 1)
    assert isinstance(store.load(), Token)
