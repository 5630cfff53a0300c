"""A herd of processes, and a place that takes no token, or has no lock."""

from __future__ import annotations

import contextlib
import copy
import errno
import os
import subprocess
import threading

import pytest
import workers
from clients import client_of
from disks import fill
from herds import PROJECT, Person, each_size

from requests_ticktick import (
    AuthorizationDeniedError,
    FileStore,
    SignOnRequiredError,
    Token,
    TokenStoreError,
    refuse,
)
from requests_ticktick._stamp import Stamp
from requests_ticktick.stores import _files


def expire(sandbox, store):
    """Leave an expired token with a refresh token, which is good once."""
    sandbox.refresh_tokens = True
    token = client_of(sandbox, store).token()
    store.save(token.replace(expires_at=token.issued_at))
    return store.load()


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


# -- places that take no token -------------------------------------------------


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
def test_where_nothing_can_be_saved_a_person_can_deny_once(
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


def test_sign_on_asks_although_nothing_can_be_saved(disk, sandbox, person):
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


def test_a_sign_on_keeps_its_space_while_the_disk_fills_up(disk, sandbox):
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


def test_an_exhausted_quota_counts_as_a_full_disk(tmp_path, sandbox, monkeypatch):
    """It is found before a person is asked, and a job is told of the place."""

    def write(fd, content):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(_files, "write", write)
    path = tmp_path / "t.json"

    with pytest.raises(TokenStoreError, match=f"{path}: Disk quota exceeded"):
        client_of(sandbox, FileStore(path), sign_on=refuse).token()

    assert contents(path) == {}


def test_reserved_space_that_was_not_needed_is_freed(tmp_path, sandbox):
    """Nothing is left of a sign-on that was denied."""
    path = tmp_path / "t.json"
    person = Person(sandbox, denies=True)

    with pytest.raises(AuthorizationDeniedError):
        client_of(sandbox, FileStore(path), sign_on=person).token()

    assert contents(path) == {}


@pytest.mark.parametrize("who", ["a copy", "a child"])
def test_reserved_space_belongs_to_the_holder(tmp_path, who):
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


def test_a_file_that_appears_after_the_reservation_is_checked(tmp_path):
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


def test_reserved_space_that_was_removed_is_reserved_again(tmp_path):
    """It looks like what a dead writer has left."""
    store = FileStore(tmp_path / "t.json")
    with store.reserve(Token("a")):
        (room,) = tmp_path.glob(".t.json*")
        room.unlink()
        store.save(Token("a" * 10_000))

    assert store.load() == Token("a" * 10_000)
    assert not list(tmp_path.glob(".t.json*"))


BREAKAGES = {
    "open to all meanwhile": lambda path: path.parent.chmod(0o777),
    "a folder meanwhile": lambda path: path.mkdir(),
    "its folder gone": lambda path: path.parent.rename(path.parents[1] / "away"),
}


# -- places that fail afterwards all the same ----------------------------------


@each_size
@pytest.mark.parametrize("what", BREAKAGES)
def test_waiting_processes_learn_of_a_failed_save(
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
