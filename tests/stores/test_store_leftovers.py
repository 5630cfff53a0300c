"""The temporary files of killed writers go, and nobody else's file does."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from requests_ticktick import FileStore, Token
from requests_ticktick._cli.profiles import remember_client
from requests_ticktick.stores import _machine, _temporary
from requests_ticktick.stores._file_lock import FileLock

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere the age of a file tells, after an hour"
)

#: A program that stops once its temporary file is written, until it is told to
#: go on.
WRITER = """
import os, sys
from requests_ticktick import FileStore, Token
from requests_ticktick._cli.profiles import remember_client
from requests_ticktick.stores import _machine, _note
_machine.folders = lambda: [sys.argv[2]]
path, replace = sys.argv[1], os.replace
def stop(*args):
    print(args[0], flush=True)
    sys.stdin.readline()
    replace(*args)
os.replace = stop
"""

SAVE = "FileStore(path).save(Token('its-token', expires_at=2e9))"

RESERVE = """
with FileStore(path).reserve(Token('its-token')):
    stop(*(e.path for e in os.scandir(os.path.dirname(path)) if '.tmp' in e.name))
"""


@contextlib.contextmanager
def writer(path, act=SAVE, memory="/nowhere"):
    """Enter with a process that writes, and the path of its temporary file."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER + act, str(path), str(memory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            temporary = process.stdout.readline().strip()
            assert os.path.isfile(temporary)
            yield process, temporary
        finally:
            process.kill()


def left_by_a_killed_writer(path, act=SAVE, memory="/nowhere"):
    """Return the path of what it left."""
    with writer(path, act, memory) as (_, temporary):
        pass
    assert os.path.isfile(temporary)
    return temporary


@pytest.fixture
def path():
    """In the default folder: the commands keep something beside it."""
    folder = Path(FileStore().path).parent
    folder.mkdir(0o700, parents=True)
    return folder / "t.json"


@pytest.mark.parametrize(
    ("name", "act"),
    [
        ("t.json", SAVE),
        ("t.json", RESERVE),
        ("work.json", SAVE),
        ("t.json", "_note.write(f'{path}.lock-info')"),
        ("t.json", "_note.write(f'{path}.lock-claim')"),
        ("t.json", "remember_client(path, 'a-client')"),
    ],
    ids=["token", "room", "another profile", "note", "claim", "client"],
)
def test_what_a_killed_writer_left_goes_at_the_next_save(path, name, act):
    """At once, whichever file it was to become."""
    leftover = left_by_a_killed_writer(path.with_name(name), act)

    FileStore(path).save(Token("a"))

    assert not os.path.exists(leftover)
    assert FileStore(path).load().access_token == "a"


def test_what_many_killed_writers_left_goes_with_one_save(path):
    leftovers = {left_by_a_killed_writer(path) for _ in range(4)}

    FileStore(path).save(Token("a"))

    assert len(leftovers) == 4
    assert os.listdir(path.parent) == ["t.json"]


@pytest.mark.parametrize("act", [SAVE, RESERVE], ids=["token", "room"])
def test_what_a_writer_has_is_not_taken_from_it(path, act):
    """It lives, and may take its time."""
    with writer(path, act) as (process, temporary):
        FileStore(path).save(Token("a"))
        FileStore(path).delete()

        assert os.path.isfile(temporary)
        if act == SAVE:
            process.communicate("go on\n", timeout=60)
            assert process.returncode == 0
            assert FileStore(path).load().access_token == "its-token"


def test_a_half_written_token_is_deleted_with_the_other(path):
    """It may be a whole one, but for its name."""
    FileStore(path).save(Token("a"))
    leftover = left_by_a_killed_writer(path)

    FileStore(path).delete()

    assert not os.path.exists(leftover)


def test_reading_removes_nothing(path):
    FileStore(path).save(Token("a"))
    leftover = left_by_a_killed_writer(path)

    FileStore(path).load()
    list(FileStore(path).candidates())
    FileStore(path).failure()
    FileStore(path).version()

    assert os.path.exists(leftover)


def test_the_note_of_a_lock_without_a_file_goes_with_the_next_lock(path, shared_memory):
    """It is in this machine's memory, where nothing else is ever saved."""
    act = "_note.write(f'{_machine.places(path)[0]}.lock-info')"
    (base,) = _machine.places("a keychain's")
    os.makedirs(os.path.dirname(base), 0o700, exist_ok=True)
    leftover = left_by_a_killed_writer("a keychain's", act, shared_memory)

    with FileLock.named("a keychain's").acquire(5.0):
        pass

    assert not os.path.exists(leftover)


def test_a_client_that_is_remembered_sweeps_as_well(path):
    """Commands that save no token leave nothing for ever either."""
    leftover = left_by_a_killed_writer(path)

    remember_client(str(path), "a-client")

    assert not os.path.exists(leftover)


def renamed(leftover, old, new):
    name = re.sub(old, new, os.path.basename(leftover))
    assert name != os.path.basename(leftover)
    other = os.path.join(os.path.dirname(leftover), name)
    os.rename(leftover, other)
    return other


#: Of what a writer is known by: its system, and its process.
OF_ANOTHER_SYSTEM = r"\.[0-9a-f]{6}-", ".abcdef-"
NO_PROCESS = r"-\d+-", "-9999999999-"


@pytest.mark.parametrize("age", ["young", "old"])
@pytest.mark.parametrize("whose", [OF_ANOTHER_SYSTEM, NO_PROCESS], ids=str)
def test_of_a_writer_that_may_live_only_an_old_file_goes(path, whose, age):
    """It may be on another machine, or in another container."""
    leftover = renamed(left_by_a_killed_writer(path), *whose)
    if age == "old":
        os.utime(leftover, (1e9, 1e9))

    FileStore(path).save(Token("a"))

    assert os.path.exists(leftover) == (age == "young")


def test_a_process_of_another_user_lives(path, monkeypatch):
    """So does one that has got the id since: the age of the file tells."""
    leftover = left_by_a_killed_writer(path)

    def kill(process, number):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "kill", kill)
    FileStore(path).save(Token("a"))

    assert os.path.exists(leftover)


@pytest.mark.parametrize("why", ["not Linux", "no /proc"])
def test_without_a_name_for_the_system_the_age_tells(path, monkeypatch, why):
    """os.kill() would end the process on Windows: it is not even asked."""

    def none(*args):
        raise OSError(2, "No such file or directory")

    if why == "not Linux":
        monkeypatch.setattr(sys, "platform", "win32")
    else:
        monkeypatch.setattr(os, "readlink", none)
    monkeypatch.setattr(os, "kill", none)
    young, old = (_temporary.name_for(str(path)) for _ in range(2))
    for leftover in (young, old):
        with open(leftover, "w"):
            pass
    os.utime(old, (1e9, 1e9))

    FileStore(path).save(Token("a"))

    assert os.path.exists(young)
    assert not os.path.exists(old)


@pytest.mark.parametrize(
    "name",
    [
        ".t.json.tmp",
        ".t.json.0123456789abcdef.tmp",
        "t.json.{writer}.tmp",
        ".t.json.{writer}.tmp~",
        ".t.json.{writer}.TMP",
        ".t.json.{writer}.swp",
        ".{writer}.tmp",
        ".t.json.{writer}",
    ],
)
def test_a_file_of_another_name_stays_however_old(path, name):
    """The folder may be anybody's: a home, a project."""
    leftover = left_by_a_killed_writer(path)
    writer_of = os.path.basename(leftover)[len(".t.json.") : -len(".tmp")]
    other = path.with_name(name.format(writer=writer_of))
    os.rename(leftover, other)
    os.utime(other, (1e9, 1e9))

    FileStore(path).save(Token("a"))

    assert other.exists()


@pytest.mark.parametrize("kind", ["folder", "link", "FIFO"])
def test_what_is_no_file_stays(path, kind):
    leftover = left_by_a_killed_writer(path)
    os.unlink(leftover)
    if kind == "folder":
        os.mkdir(leftover)
    elif kind == "link":
        os.symlink("/etc/hostname", leftover)
    else:
        os.mkfifo(leftover)

    FileStore(path).save(Token("a"))

    assert os.path.lexists(leftover)


def test_another_users_file_stays(require_root, path):
    """Two users may share a folder, as root does with everybody."""
    leftover = left_by_a_killed_writer(path)
    os.chown(leftover, 12345, -1)

    FileStore(path).save(Token("a"))

    assert os.path.exists(leftover)


def test_a_folder_is_listed_once_for_each_save(path, monkeypatch):
    """It may have ten thousand files of somebody's."""
    FileStore(path).save(Token("a"))
    for number in range(100):
        (path.parent / f".{number}.json.tmp").touch()
    listed, looked_at, scandir = [], [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda *a: listed.append(a) or scandir(*a))
    monkeypatch.setattr(os, "kill", lambda *args: looked_at.append(args))

    FileStore(path).save(Token("b"))

    assert len(listed) == 1
    assert looked_at == []
