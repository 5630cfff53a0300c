"""The lock of files, for authors of stores on one machine."""

from __future__ import annotations

import os
import pickle
import threading

import pytest

from requests_ticktick import (
    FileLock,
    FileStore,
    LockTimeoutError,
    TokenStoreError,
)
from requests_ticktick.stores import _machine


def is_locked(lock):
    try:
        with lock.acquire(0):
            return False
    except LockTimeoutError:
        return True


def files_below(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


@pytest.fixture
def folder(tmp_path):
    """An empty one, which is not the home."""
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


def test_one_path_is_one_lock(folder):
    """For all objects that name it, and for the store that has it."""
    path = folder / "t.db"
    lock = FileLock(path)

    with lock.acquire(0):
        others = [lock, FileLock(str(path)), pickle.loads(pickle.dumps(lock))]
        assert [is_locked(other) for other in others] == [True] * 3
        with pytest.raises(LockTimeoutError):
            FileStore(path).lock(0).__enter__()
        assert not is_locked(FileLock(folder / "other.db"))

    assert not is_locked(lock)
    assert not path.exists()


def test_the_constructor_touches_no_file(folder, monkeypatch):
    """Not even a folder is looked for: that is done when it is used."""
    for name in ("stat", "lstat", "open", "mkdir"):
        monkeypatch.setattr(os, name, lambda *_, **__: pytest.fail("touched"))

    FileLock(folder / "new" / "t.db")
    FileLock.named("it")

    monkeypatch.undo()
    assert files_below(folder) == []


def test_a_relative_path_is_one_from_here_and_now(folder, monkeypatch):
    """The working directory may change afterwards."""
    (folder / "b").mkdir()
    monkeypatch.chdir(folder)
    lock = FileLock("t.db")
    monkeypatch.chdir(folder / "b")

    with lock.acquire(0):
        assert is_locked(FileLock(folder / "t.db"))
        assert not is_locked(FileLock("t.db"))

    assert (lock.path, lock.name) == (str(folder / "t.db"),) * 2


def test_a_link_is_the_file_that_it_leads_to(folder):
    """Where it leads is looked at each time."""
    link = folder / "link.db"
    lock = FileLock(link)
    for name in ("a.db", "b.db"):
        link.unlink(missing_ok=True)
        link.symlink_to(folder / name)
        with lock.acquire(0):
            link.unlink()
            link.symlink_to(folder / "elsewhere.db")
            assert is_locked(FileLock(folder / name))
        assert not is_locked(FileLock(folder / name))


def test_no_file_has_such_a_name():
    """As of a store in a file."""
    with pytest.raises(ValueError, match="NUL"):
        FileLock("a\0b")


def test_a_name_alone_is_a_lock_of_this_machine(folder, monkeypatch):
    """From every working directory; none gets a file."""
    monkeypatch.chdir(folder)
    name = f"the vault of {folder}"  # another run of this test has another
    lock = FileLock.named(name)
    with lock.acquire(0):
        assert is_locked(FileLock.named(name))
        assert is_locked(pickle.loads(pickle.dumps(lock)))
        assert not is_locked(FileLock.named(f"{name} 2"))

        with pytest.raises(LockTimeoutError, match="The lock the vault of"):
            lock.acquire(0).__enter__()

    assert lock.path is None
    assert files_below(folder) == []


def test_a_path_that_leads_nowhere_is_a_name(folder, monkeypatch):
    """There is no such home; the working directory does not take its place."""
    monkeypatch.chdir(folder)
    path = f"~nobody-of-that-name{folder}"
    lock = FileLock(path)

    with lock.acquire(0):
        assert is_locked(FileLock(path))

    assert lock.path is None
    assert files_below(folder) == []


@pytest.mark.parametrize("make", [FileLock.named, lambda name: FileLock(f"/{name}")])
def test_its_repr_is_an_expression_that_makes_it(make):
    """It shows which lock it is, and nothing of its note."""
    lock = make("it")
    other = eval(repr(lock), {"FileLock": FileLock})

    assert (other.path, other.name) == (lock.path, lock.name)


def test_every_reader_sees_a_recorded_failure(folder):
    """Until it is taken back; the version changes with it."""
    lock, other = FileLock(folder / "t.db"), FileLock(folder / "t.db")
    assert other.failure() is None
    versions = [other.version()]

    for failure in ("no", "no", None):
        with lock.acquire(0):
            lock.record_failure(failure)
        assert other.failure() == failure
        versions.append(other.version())

    assert len(set(versions)) == 4


def test_threads_may_share_one_object(folder):
    """One holds it at a time, and who waits gets it."""
    lock, inside, most = FileLock(folder / "t.db"), [], []

    def work():
        for _ in range(5):
            with lock.acquire(30):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert most == [1] * 20


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A folder of this machine's, which no other test has."""
    folder = tmp_path / "shm"
    folder.mkdir()
    folder.chmod(0o1777)
    monkeypatch.setattr(_machine, "folders", lambda: [str(folder)])
    return folder


@pytest.mark.skipif(os.name != "posix", reason="about modes")
def test_nothing_is_written_where_others_could_replace_it(folder, machine):
    """The lock is elsewhere then, and its note."""
    folder.chmod(0o777)
    lock, other = FileLock(folder / "t.db"), FileLock(folder / "t.db")

    with lock.acquire(0):
        assert is_locked(other)
        lock.record_failure("no")

    assert other.failure() == "no"
    assert files_below(folder) == []


@pytest.mark.skipif(os.name != "posix", reason="about modes")
def test_without_any_folder_there_is_neither_lock_nor_note(folder, machine):
    """The one is an error, which names the places; the other is let be."""
    folder.chmod(0o777)
    machine.chmod(0o777)
    lock = FileLock(folder / "t.db")

    with pytest.raises(TokenStoreError, match=f"chmod go-w {folder}") as caught:
        lock.acquire(0).__enter__()
    lock.record_failure("no")

    assert f"chmod go-w {machine}" in str(caught.value)
    assert caught.value.location == f"{folder}/t.db.lock"
    assert lock.failure() is None
    assert files_below(folder) == []
