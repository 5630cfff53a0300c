"""A herd of processes, and a place that takes no token, or has no lock."""

from __future__ import annotations

import contextlib
import copy
import errno
import multiprocessing
import os
import subprocess
import tempfile
import threading

import filelock
import pytest
import workers
from clients import client_of
from disks import fill

from requests_ticktick import (
    AuthorizationDeniedError,
    FileStore,
    LockTimeoutError,
    SignOnRequiredError,
    Token,
    TokenStoreError,
    refuse,
)
from requests_ticktick._stamp import Stamp
from requests_ticktick.stores import _file_lock, _files, _machine
from requests_ticktick.stores._machine import _folders

PROJECT = "/open/v1/project"
#: Processes, and the threads of each: small, and as ``tox -e stress`` has it.
SIZES = [
    pytest.param((4, 2), id="4x2"),
    pytest.param(
        (16, 4), id="16x4", marks=[pytest.mark.stress, pytest.mark.timeout(300)]
    ),
]
each_size = pytest.mark.parametrize("size", SIZES)


class Person:
    """Somebody who signs on, or will not; counted in all processes.

    :param sandbox: Where access is granted.
    """

    def __init__(self, sandbox, *, denies=False):
        fork = multiprocessing.get_context("fork")
        self.sandbox = sandbox
        self.denies = denies
        self.asked = fork.Value("i", 0)
        self.is_asked, self.goes_on = fork.Event(), fork.Event()
        self.goes_on.set()

    def __call__(self, request):
        with self.asked.get_lock():
            self.asked.value += 1
        self.is_asked.set()
        assert self.goes_on.wait(60)
        if self.denies:
            raise AuthorizationDeniedError("No, thanks.", error="access_denied")
        return self.sandbox.sign_on(request)


@pytest.fixture
def person(sandbox):
    return Person(sandbox)


def expire(sandbox, store):
    """Leave an expired token with a refresh token, which is good once."""
    sandbox.refresh_tokens = True
    token = client_of(sandbox, store).token()
    store.save(token.replace(expires_at=token.issued_at))
    return store.load()


# -- places that take no token ---------------------------------------------------------


def full(disk, prepare):
    folder = disk()
    prepare(folder / "t.json")
    fill(folder)
    return folder / "t.json"


def full_of_files(disk, prepare):
    folder = disk("nr_inodes=16")
    prepare(folder / "t.json")
    with contextlib.suppress(OSError):
        for number in range(16):
            (folder / f"ballast-{number}").touch()
    return folder / "t.json"


def read_only(disk, prepare):
    folder = disk()
    prepare(folder / "t.json")
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    return folder / "t.json"


def open_to_all(disk, prepare):
    folder = disk()
    prepare(folder / "t.json")
    folder.chmod(0o777)
    return folder / "t.json"


PLACES = {
    "full disk": full,
    "no inodes": full_of_files,
    "read-only": read_only,
    "folder open to all": open_to_all,
}
each_place = pytest.mark.parametrize("place", PLACES)


def contents(path):
    """All that is there, but for notes, which whoever fails writes."""
    return {
        file.name: file.read_bytes()
        for file in path.parent.iterdir()
        if file.is_file() and "lock" not in file.name
    }


def herd_at(path, sandbox, person, size, tally, case):
    """Let a herd call; return what became of each call."""
    before, requests = contents(path), sandbox.token_requests
    name = f"herd of {size[0]} x {size[1]}, {case}"
    with tally(name, size[0] * size[1]) as row:
        auth = client_of(sandbox, FileStore(path), sign_on=person)
        results = workers.herd("fork", *size, auth, sandbox.url(PROJECT))
        row.requests = sandbox.token_requests - requests
        row.asked = person.asked.value
        row.reused = sandbox.reuse_detected
        refusals = [text for kind, text in results if kind not in (200, DENIED)]
        row.refused = len(refusals)
        row.lost = sum(str(path) not in text for text in refusals)
        row.duplicated = max(0, row.asked - 1) + max(0, row.requests - 1)
        row.duplicated += row.reused
    assert contents(path) == before
    return results, row


DENIED = AuthorizationDeniedError.__name__


@each_size
@each_place
def test_where_nothing_can_be_saved_one_person_is_asked(
    disk, sandbox, person, tally, size, place
):
    """That process goes on from memory; the others are told of the place."""
    path = PLACES[place](disk, lambda path: None)

    results, row = herd_at(path, sandbox, person, size, tally, f"{place}, first token")

    assert (row.asked, row.requests) == (1, 1)
    assert [kind for kind, _ in results].count(200) == size[1]


@each_size
@each_place
def test_where_nothing_can_be_saved_no_refresh_token_is_used(
    disk, sandbox, person, tally, size, place
):
    """It stays good: whoever can save its successor uses it."""
    found = []

    def prepare(path):
        found.append(expire(sandbox, FileStore(path)))

    path, case = PLACES[place](disk, prepare), f"{place}, refresh token"

    results, row = herd_at(path, sandbox, person, size, tally, case)

    assert (row.asked, row.requests) == (1, 1)
    assert [kind for kind, _ in results].count(200) == size[1]
    elsewhere = FileStore(path.parents[1] / "elsewhere.json")
    elsewhere.save(found[0])
    assert client_of(sandbox, elsewhere, sign_on=refuse).token()
    assert sandbox.reuse_detected == 0


@each_size
@each_place
def test_where_nothing_can_be_saved_a_job_is_told_of_the_place(
    disk, sandbox, tally, size, place
):
    """Nobody is there, and its refresh token is not used."""
    path = PLACES[place](disk, lambda path: expire(sandbox, FileStore(path)))
    nobody = Person(sandbox)
    nobody.__class__ = Nobody

    results, row = herd_at(path, sandbox, nobody, size, tally, f"{place}, nobody there")

    assert (row.asked, row.requests, row.refused) == (0, 0, len(results))


class Nobody(Person):
    """A job's: there is nobody to ask."""

    def __call__(self, request):
        return refuse(request)


@each_size
@each_place
def test_where_nothing_can_be_saved_who_says_no_is_asked_once(
    disk, sandbox, tally, size, place
):
    """The others are told the same."""
    path = PLACES[place](disk, lambda path: None)
    person = Person(sandbox, denies=True)

    results, row = herd_at(path, sandbox, person, size, tally, f"{place}, denied")

    assert (row.asked, row.requests, row.refused) == (1, 0, 0)
    assert {kind for kind, _ in results} == {DENIED}


STRANGERS = {
    "another client's": Stamp("another", None, None),
    "other scopes": Stamp(None, None, "tasks:read"),
}


@each_size
@pytest.mark.parametrize("whose", STRANGERS)
def test_where_anothers_token_lies_one_person_is_asked(
    tmp_path, sandbox, person, tally, size, whose
):
    """It is not overwritten, and that is known before."""
    path = tmp_path / "t.json"
    FileStore(path).save(STRANGERS[whose].put_on(Token("another's")))

    results, row = herd_at(path, sandbox, person, size, tally, f"{whose} token")

    assert (row.asked, row.requests) == (1, 1)
    assert [kind for kind, _ in results].count(200) == size[1]
    assert FileStore(path).load().access_token == "another's"


def test_whoever_says_so_is_asked_all_the_same(disk, sandbox, person):
    """Another process's token is of no use to this one."""
    path = full(disk, lambda path: None)
    first = client_of(sandbox, FileStore(path), sign_on=person)
    second = client_of(sandbox, FileStore(path), sign_on=person)
    first.token()
    with pytest.raises(TokenStoreError, match="has a token now") as caught:
        second.token()
    assert str(path) in str(caught.value)

    assert second.sign_on() != first.token()
    assert second.sign_on(force=True) != first.token()

    assert person.asked.value == 3


def test_a_minute_later_the_next_one_is_asked(disk, sandbox, person, clock):
    """The first one's process may have ended."""
    path = full(disk, lambda path: None)
    auths = [
        client_of(sandbox, FileStore(path), sign_on=person, clock=clock)
        for _ in range(2)
    ]
    auths[0].token()
    clock.advance(61)

    assert auths[1].token() != auths[0].token()
    assert person.asked.value == 2


def test_a_sign_on_has_room_however_full_the_disk_gets(disk, sandbox):
    """It was taken before the person was asked, and is given back."""
    path = disk() / "t.json"
    store = FileStore(path)

    def sign_on(request):
        fill(path.parent)
        return sandbox.sign_on(request)

    token = client_of(sandbox, store, sign_on=sign_on).token()

    assert FileStore(path).load() == token
    assert not path.read_bytes().endswith(b" ")
    assert [name for name in os.listdir(path.parent) if "tmp" in name] == []


def test_a_quota_that_is_used_up_is_as_a_full_disk(tmp_path, sandbox, monkeypatch):
    """It is found before a person is asked, and a job is told of the place."""

    def write(fd, content):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(_files, "write", write)
    path = tmp_path / "t.json"

    with pytest.raises(TokenStoreError, match=f"{path}: Disk quota exceeded"):
        client_of(sandbox, FileStore(path), sign_on=refuse).token()

    assert contents(path) == {}


def test_room_that_was_not_needed_is_given_back(tmp_path, sandbox):
    """Nothing is left of a sign-on that was denied."""
    path = tmp_path / "t.json"
    person = Person(sandbox, denies=True)

    with pytest.raises(AuthorizationDeniedError):
        client_of(sandbox, FileStore(path), sign_on=person).token()

    assert contents(path) == {}


@pytest.mark.parametrize("who", ["a copy", "a child"])
def test_room_is_the_holders_alone(tmp_path, who):
    """Two would write into one file."""
    store = FileStore(tmp_path / "t.json")
    with store.reserve(Token("a")):
        (room,) = tmp_path.glob(".t.json*")
        if who == "a copy":
            copy.deepcopy(store).save(Token("b"))
        elif (child := os.fork()) == 0:
            store.save(Token("b"))
            os._exit(0)
        else:
            os.waitpid(child, 0)
        assert room.exists()
        store.save(Token("c"))
        assert not room.exists()

    assert store.load() == Token("c")


def test_what_comes_after_the_room_was_taken_is_looked_at(tmp_path):
    """Another program may write the file while a person signs on."""
    store = FileStore(tmp_path / "t.json")
    store.save(Token("before", extra={"mine": 1}))

    with store.reserve(Token("a")):
        FileStore(store.path).save(Token("between", extra={"theirs": 2}))
        store.save(Token("after"))

    assert store.load() == Token("after", extra={"mine": 1, "theirs": 2})
    with store.reserve(Token("a")):
        anothers = STRANGERS["another client's"].put_on(Token("between"))
        FileStore(store.path).save(anothers)
        with pytest.raises(TokenStoreError, match="another client"):
            store.save(Stamp("me", None, None).put_on(Token("after")))


def test_room_that_somebody_has_removed_is_made_again(tmp_path):
    """It looks like what a dead writer has left."""
    store = FileStore(tmp_path / "t.json")
    with store.reserve(Token("a")):
        (room,) = tmp_path.glob(".t.json*")
        room.unlink()
        store.save(Token("a" * 10_000))

    assert store.load() == Token("a" * 10_000)
    assert not list(tmp_path.glob(".t.json*"))


# -- places that fail afterwards all the same ------------------------------------------


BREAKAGES = {
    "open to all meanwhile": lambda path: path.parent.chmod(0o777),
    "a folder meanwhile": lambda path: path.mkdir(),
    "its folder gone": lambda path: path.parent.rename(path.parents[1] / "away"),
}


@each_size
@pytest.mark.parametrize("what", BREAKAGES)
def test_where_the_save_fails_those_who_wait_are_told(
    tmp_path, sandbox, person, tally, size, what
):
    """The place was good when the person was asked."""
    path = tmp_path / "state" / "t.json"
    path.parent.mkdir(mode=0o700)
    person.goes_on.clear()

    def break_it():
        assert person.is_asked.wait(60)
        BREAKAGES[what](path)
        person.goes_on.set()

    breaking = threading.Thread(target=break_it)
    breaking.start()
    with tally(f"herd of {size[0]} x {size[1]}, {what}", size[0] * size[1]) as row:
        auth = client_of(sandbox, FileStore(path), sign_on=person)
        results = workers.herd("fork", *size, auth, sandbox.url(PROJECT))
        row.requests, row.asked = sandbox.token_requests, person.asked.value
        row.reused = sandbox.reuse_detected
        refusals = [text for kind, text in results if kind != 200]
        row.refused = len(refusals)
        row.lost = sum(str(path) not in text for text in refusals)
        row.duplicated = row.asked - 1
    breaking.join(30)

    assert [kind for kind, _ in results].count(200) >= size[1]


class SavesNothing(FileStore):
    """A place that takes no token, and does not say so before."""

    def save(self, token):
        raise TokenStoreError(f"Cannot write {self.path}.", location=self.path)


@each_size
def test_where_the_save_fails_a_refresh_token_is_used_once(
    tmp_path, sandbox, tally, size
):
    """Also by those who come later: the store has it still."""
    path = tmp_path / "t.json"
    expire(sandbox, FileStore(path))
    requests = sandbox.token_requests
    name = f"herd of {size[0]} x {size[1]}, save fails after a refresh"
    with tally(name, size[0] * size[1]) as row:
        auth = client_of(sandbox, SavesNothing(path), sign_on=refuse)
        results = workers.herd("fork", *size, auth, sandbox.url(PROJECT))
        late = client_of(sandbox, FileStore(path), sign_on=refuse)
        with pytest.raises(SignOnRequiredError):
            late.token()
        row.requests = sandbox.token_requests - requests
        row.asked, row.reused = 0, sandbox.reuse_detected
        row.refused = sum(kind != 200 for kind, _ in results)
        row.duplicated = row.requests - 1 + row.reused

    kinds = {kind for kind, _ in results}
    assert kinds <= {200, "UnsavedError", "SignOnRequiredError"}
    assert [kind for kind, _ in results].count(200) == size[1]


# -- locks that cannot be had ----------------------------------------------------------


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


def test_a_lock_whose_file_was_removed_is_held_by_who_held_it(tmp_path):
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


# -- where the lock is then ------------------------------------------------------------


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Two folders of this machine's, which others can write to."""
    folders = [tmp_path / "shm", tmp_path / "tmp"]
    for folder in folders:
        folder.mkdir()
        folder.chmod(0o1777)
    monkeypatch.setattr(_machine, "_folders", lambda: [str(f) for f in folders])
    return folders


@pytest.fixture
def unlockable(tmp_path):
    """A file whose lock cannot be beside it."""
    (tmp_path / "file").write_text("")
    return tmp_path / "file" / "t.json"


def locks_in(folder):
    return sorted(p.suffix for p in folder.rglob("*") if p.is_file())


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
    assert _folders() == ["/dev/shm", "/tmp"]
    with monkeypatch.context() as patch:
        patch.setattr(os, "name", "nt")
        assert _folders() == [tempfile.gettempdir()]
        patch.delattr(os, "geteuid")
        patch.setattr(_machine, "_folders", lambda: ["/not", "/there"])
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
    before = store.version()
    with store.lock(0):
        store.record_failure("no")
        with pytest.raises(LockTimeoutError, match=f"process {os.getpid()}"):
            FileStore(path).lock(0).__enter__()
    assert FileStore(path).failure() == "no"
    assert store.version() != before
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
    monkeypatch.setattr(_file_lock, "_once", _file_lock.Once())
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
