"""Locks that cannot be had, and where a lock is then."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
import threading

import filelock
import pytest
import workers
from clients import client_of
from disks import fill
from herds import PROJECT, each_size

from requests_ticktick import (
    FileLock,
    FileStore,
    LockTimeoutError,
    TokenStoreError,
)
from requests_ticktick.stores import _file_lock, _files, _machine
from requests_ticktick.stores._machine import folders

# -- locks that cannot be had --------------------------------------------------


@each_size
def test_a_lock_file_that_is_removed_makes_no_second_leader(
    tmp_path, sandbox, person, tally, size
):
    """Another program tidies up while somebody signs on."""
    path = tmp_path / "t.json"
    person.goes_on.clear()
    with tally(
        f"herd of {size[0]} x {size[1]}, lock removed", size[0] * size[1]
    ) as row:
        auth = client_of(sandbox, FileStore(path), sign_on=person)
        others = threading.Thread(target=remove_locks, args=(path, person))
        others.start()
        results = workers.herd("fork", *size, auth, sandbox.url(PROJECT))
        others.join(30)
        row.requests, row.asked = sandbox.token_requests, person.asked.value
        row.refused = row.lost = sum(kind != 200 for kind, _ in results)
        row.duplicated = row.asked - 1


def remove_locks(path, person):
    """Remove the lock again and again, and let the person go on at last."""
    assert person.is_asked.wait(60)
    pause = threading.Event()
    for _ in range(20):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{path}.lock")
        pause.wait(0.05)
    person.goes_on.set()


def test_removing_the_lock_file_does_not_release_the_lock(tmp_path):
    """The other one is elsewhere; and what was removed is locked anew."""
    store = FileStore(tmp_path / "t.json")
    with store.lock(0):
        (tmp_path / "t.json.lock").unlink()
        with pytest.raises(LockTimeoutError, match=f"process {os.getpid()}"):
            FileStore(store.path).lock(0).__enter__()

    with store.lock(0), pytest.raises(LockTimeoutError):
        FileStore(store.path).lock(0).__enter__()


def test_a_lock_file_that_is_removed_in_that_moment_is_locked_again(
    tmp_path, monkeypatch
):
    """What was locked is not what the next one will lock."""
    store = FileStore(tmp_path / "t.json")
    lock, real, removed = tmp_path / "t.json.lock", filelock.FileLock.acquire, []

    def acquire(self, timeout):
        real(self, timeout)
        if len(removed) < 3:
            removed.append(lock.unlink())

    monkeypatch.setattr(filelock.FileLock, "acquire", acquire)
    with store.lock(0):
        held = lock.stat()
        with pytest.raises(LockTimeoutError):
            FileStore(store.path).lock(0).__enter__()
        assert os.path.samestat(held, lock.stat())


def test_where_a_file_has_another_number_each_time_there_is_a_lock(
    tmp_path, monkeypatch
):
    """As on some file systems of users' making: no other one would be better."""
    store = FileStore(tmp_path / "t.json")
    monkeypatch.setattr(_files, "is_at", lambda path, status: False)

    with store.lock(0), pytest.raises(LockTimeoutError):
        FileStore(store.path).lock(0).__enter__()


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Two folders of this machine's, which others can write to."""
    folders = [tmp_path / "shm", tmp_path / "tmp"]
    for folder in folders:
        folder.mkdir()
        folder.chmod(0o1777)
    monkeypatch.setattr(_machine, "folders", lambda: [str(f) for f in folders])
    return folders


@pytest.fixture
def unlockable(tmp_path):
    """A file whose lock cannot be beside it."""
    (tmp_path / "file").write_text("")
    return tmp_path / "file" / "t.json"


def locks_in(folder):
    return sorted(p.suffix for p in folder.rglob("*") if p.is_file())


# -- where the lock is then ----------------------------------------------------


def test_the_lock_is_in_a_private_folder_of_this_machine(machine, unlockable):
    """Its name says nothing of the file."""
    with FileStore(unlockable).lock(0):
        (folder,) = machine[0].iterdir()
        assert folder.name == f"requests-ticktick-{os.geteuid()}"
        assert folder.stat().st_mode & 0o777 == 0o700
        assert locks_in(machine[0]) == [".lock", ".lock-info"]
        assert locks_in(machine[1]) == []
        assert "t.json" not in " ".join(os.listdir(folder))
    assert locks_in(machine[0]) == []
    with FileStore(unlockable).lock(0):
        FileStore(unlockable).record_failure("no")
    assert locks_in(machine[0]) == [".lock-info"]


def test_each_system_has_a_folder_for_it(monkeypatch):
    """In memory, where there is one; on Windows the user's own."""
    assert folders() == ["/dev/shm", "/tmp"]
    with monkeypatch.context() as patch:
        patch.setattr(os, "name", "nt")
        assert folders() == [tempfile.gettempdir()]
        patch.delattr(os, "geteuid")
        patch.setattr(_machine, "folders", lambda: ["/not", "/there"])
        paths = _machine.places("x")
    assert [path.rpartition("/")[0] for path in paths] == [
        "/not/requests-ticktick-user",
        "/there/requests-ticktick-user",
    ]


def test_a_folder_that_another_has_planted_is_passed_over(
    machine, unlockable, require_root
):
    """The next place does; with none left, nobody is asked."""
    name = f"requests-ticktick-{os.geteuid()}"
    (machine[0] / name).mkdir()
    os.chown(machine[0] / name, 54321, 54321)
    store = FileStore(unlockable)
    with store.lock(0), pytest.raises(LockTimeoutError):
        FileStore(unlockable).lock(0).__enter__()
    assert locks_in(machine[0]) == []
    (machine[1] / name).rename(machine[1] / "away")
    (machine[1] / name).write_text("")

    with pytest.raises(TokenStoreError, match="belongs to another user") as caught:
        store.lock(0).__enter__()

    assert str(unlockable) in str(caught.value)
    assert str(machine[1] / name) in str(caught.value)


def test_without_any_lock_nobody_is_asked(machine, unlockable, sandbox, person):
    """Each process would ask in turn."""
    for folder in machine:
        (folder / f"requests-ticktick-{os.geteuid()}").write_text("")

    with pytest.raises(TokenStoreError, match="Make room in one of these"):
        client_of(sandbox, FileStore(unlockable), sign_on=person).token()

    assert person.asked.value == 0


def test_a_note_elsewhere_is_the_latest(machine, disk):
    """Until there is room beside the lock again."""
    path = disk("nr_inodes=8") / "t.json"
    store = FileStore(path)
    with store.lock(0):
        pass
    os.unlink(f"{path}.lock-info")
    ballast = [path.parent / f"ballast-{number}" for number in range(8)]
    with contextlib.suppress(OSError):
        for file in ballast:
            file.touch()
    before = FileLock(path).version()
    with store.lock(0):
        store.record_failure("no")
        with pytest.raises(LockTimeoutError, match=f"process {os.getpid()}"):
            FileStore(path).lock(0).__enter__()
    assert FileStore(path).failure() == "no"
    assert FileLock(path).version() != before
    for file in ballast:
        file.unlink(missing_ok=True)

    with store.lock(0):
        assert store.failure() == "no"

    assert locks_in(machine[0]) == []
    assert FileStore(path).failure() == "no"


def test_a_note_has_room_on_a_disk_that_is_full(disk):
    """It was taken when the lock was: whoever fails can say so."""
    path = disk() / "t.json"
    store = FileStore(path)
    with store.lock(0):
        assert os.path.getsize(f"{path}.lock-info") == 4096
        fill(path.parent)
        store.record_failure("x" * 3000)

    assert FileStore(path).failure() == "x" * 3000
    # For those as well who share the disk, and not this machine's memory.
    assert "x" * 3000 in (path.parent / "t.json.lock-info").read_text()


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOLCK, "No locks available"), "No locks available"),
        (NotImplementedError(), "NotImplementedError"),
    ],
)
def test_a_file_system_without_locks_is_told_of_once(
    tmp_path, monkeypatch, caplog, error, said
):
    """Machines that share it do not wait for each other."""
    monkeypatch.setattr(_file_lock, "warned", _file_lock.Once())
    path, real = tmp_path / "t.json", filelock.FileLock.acquire

    def acquire(self, timeout):
        if self.lock_file == f"{path}.lock":
            raise error
        return real(self, timeout)

    monkeypatch.setattr(filelock.FileLock, "acquire", acquire)
    with FileStore(path).lock(0), pytest.raises(LockTimeoutError):
        FileStore(path).lock(0).__enter__()

    (warning,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert f"{said}. Processes of this machine alone" in warning
    assert "use a Redis store" in warning
