"""A private file, its permissions, its folder and its lock."""

from __future__ import annotations

import json
import logging
import os
import pickle
import stat
import subprocess
import sys

import pytest
from clients import Plain

from requests_ticktick import (
    FileStore,
    LockTimeoutError,
    Token,
    TokenStoreError,
)
from requests_ticktick.stores import _claim


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_the_file_is_private_whatever_the_umask(tmp_path, umask):
    """0600 in a folder of 0700, and so are the files beside it."""
    store = FileStore(tmp_path / "folder" / "t.json")
    before = os.umask(umask)
    try:
        store.save(Token("a"))
        with store.lock(0):
            pass
    finally:
        os.umask(before)

    assert mode(tmp_path / "folder") == 0o700
    names = sorted(os.listdir(tmp_path / "folder"))
    assert names == ["t.json", "t.json.lock", "t.json.lock-info"]
    assert {mode(tmp_path / "folder" / name) for name in names} == {0o600}


def test_the_file_is_private_from_its_first_byte(tmp_path, monkeypatch):
    """At no moment could another account have opened it."""
    modes = []
    real = os.open

    def spy(path, flags, mode=0o777, **kwargs):
        fd = real(path, flags, mode, **kwargs)
        if flags & os.O_CREAT:
            modes.append(stat.S_IMODE(os.fstat(fd).st_mode))
        return fd

    monkeypatch.setattr(os, "open", spy)
    before = os.umask(0)
    try:
        FileStore(tmp_path / "t.json").save(Token("a"))
    finally:
        os.umask(before)

    assert modes == [0o600]


def test_loose_permissions_are_reported_once(tmp_path, caplog):
    """The warning says what to run; saving mends the file."""
    path = tmp_path / "t.json"
    path.write_text('{"access_token": "a"}')
    path.chmod(0o644)
    store = FileStore(path)

    store.load()
    store.load()

    assert [r.getMessage() for r in caplog.records].count(
        f"Others may read {path}: chmod 600 {path}"
    ) == 1
    store.save(Token("a"))
    assert mode(path) == 0o600


def test_a_folder_that_others_can_write_to_is_reported(tmp_path, caplog):
    """They could put another file in the token's place."""
    folder = tmp_path / "shared"
    folder.mkdir()
    FileStore(folder / "t.json").save(Token("a"))
    folder.chmod(0o777)

    FileStore(folder / "t.json").load()

    assert f"chmod go-w {folder}" in caplog.text
    caplog.clear()
    folder.chmod(0o1777)
    FileStore(folder / "t.json").load()
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


def test_unknown_keys_of_the_file_are_kept(tmp_path):
    """A key that another program put there survives our renewal."""
    path = tmp_path / "t.json"
    path.write_text('{"access_token": "a", "note": "mine", "expire_time": 5}')

    FileStore(path).save(Token("b", expires_at=2e9))

    fields = json.loads(path.read_text())
    assert fields["note"] == "mine"
    assert fields["access_token"] == "b"
    assert fields["expire_time"] == 2_000_000_000


def test_a_link_is_followed_and_not_replaced(tmp_path):
    """The target gets the token, the lock stands beside the target."""
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "t.json", tmp_path / "link.json"
    link.symlink_to(target)

    FileStore(link).save(Token("a"))
    FileStore(link).save(Token("b"))
    with FileStore(link).lock(0), pytest.raises(LockTimeoutError):
        FileStore(target).lock(0).__enter__()

    assert link.is_symlink()
    assert FileStore(target).load().access_token == "b"
    FileStore(link).delete()
    assert link.is_symlink()
    assert not target.exists()


def test_leftovers_of_killed_writers_are_swept(tmp_path):
    """Old temporary files go with the next save; young ones may be in use."""
    old, young, other = (
        tmp_path / ".t.json.0.tmp",
        tmp_path / ".t.json.1.tmp",
        tmp_path / ".other.json.0.tmp",
    )
    for leftover in (old, young, other):
        leftover.write_text("half")
    os.utime(old, (1, 1))
    os.utime(other, (1, 1))

    FileStore(tmp_path / "t.json").save(Token("a"))

    assert not old.exists()
    assert young.exists()
    assert other.exists()


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_token(tmp_path, monkeypatch, step):
    """A full disk costs nothing that was there, and leaves no litter."""
    store = FileStore(tmp_path / "t.json")
    store.save(Token("old"))

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(TokenStoreError, match="No space left") as caught:
        store.save(Token("new"))
    monkeypatch.undo()

    assert caught.value.location == str(tmp_path / "t.json")
    assert store.load().access_token == "old"
    assert os.listdir(tmp_path) == ["home", "t.json"] or sorted(
        name for name in os.listdir(tmp_path) if name != "home"
    ) == ["t.json"]


def test_a_token_is_on_the_disk_before_it_is_relied_on(tmp_path, monkeypatch):
    """Its text before it has the name, and after that the name in the folder."""
    done = []

    def tell(what):
        function = getattr(os, what)

        def told(first, *args):
            folder = what == "fsync" and stat.S_ISDIR(os.fstat(first).st_mode)
            done.append("folder" if folder else what)
            return function(first, *args)

        monkeypatch.setattr(os, what, told)

    tell("fsync")
    tell("replace")

    FileStore(tmp_path / "t.json").save(Token("a"))

    assert done == ["fsync", "replace", "folder"]


def test_a_path_that_cannot_be_is_named(tmp_path):
    """A file where a folder should be: every verb says so in its own way."""
    (tmp_path / "file").write_text("")
    store = FileStore(tmp_path / "file" / "t.json")

    assert store.load() is None
    store.delete()
    with pytest.raises(TokenStoreError, match="Cannot write"):
        store.save(Token("a"))
    with pytest.raises(TokenStoreError, match="Cannot write"):
        store.reserve(Token("a")).__enter__()


def test_what_is_no_regular_file_is_not_read(tmp_path):
    """A folder or a FIFO at the path neither blocks nor crashes."""
    fifo, folder = tmp_path / "fifo", tmp_path / "folder"
    os.mkfifo(fifo)
    folder.mkdir()

    for path in (fifo, folder):
        with pytest.raises(TokenStoreError, match="Cannot read"):
            FileStore(path).load()
    with pytest.raises(TokenStoreError, match=r"Cannot remove .* yourself\."):
        FileStore(folder).delete()


def test_the_default_file_is_in_the_users_state_folder(tmp_path, monkeypatch):
    """One for each profile; never in the working directory."""
    state = tmp_path / "home" / "state" / "requests-ticktick"

    assert FileStore().path == str(state / "default.json")
    assert FileStore(profile="work").path == str(state / "work.json")
    monkeypatch.setenv("TICKTICK_TOKEN_FILE", "~/t.json")
    assert FileStore().path == str(tmp_path / "home" / "t.json")
    assert FileStore(profile="work").path == str(state / "work.json")
    assert repr(FileStore(profile="work")) == f"FileStore('{state / 'work.json'}')"


def test_a_relative_path_stays_where_it_was(tmp_path, monkeypatch):
    """A daemon changes its folder; its token does not go away."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "one")
    store = FileStore("t.json")
    store.save(Token("a"))

    monkeypatch.chdir(tmp_path / "two")

    assert store.load() == Token("a")
    assert pickle.loads(pickle.dumps(store)).path == str(tmp_path / "one" / "t.json")


@pytest.mark.parametrize("profile", ["", "../x", "a/b", ".hidden", "a\0", "a b"])
def test_a_profile_is_a_plain_name(profile):
    """It cannot lead out of its folder."""
    with pytest.raises(ValueError, match="profile"):
        FileStore(profile=profile)


def test_a_path_and_a_profile_exclude_each_other(tmp_path):
    """Which of them should win, nobody could guess."""
    with pytest.raises(ValueError, match="not both"):
        FileStore(tmp_path / "t.json", profile="work")


def test_a_lock_timeout_names_the_holder(tmp_path):
    """Process, host and since when: what one needs to find it."""
    store = FileStore(tmp_path / "t.json", lock_timeout=0.0)

    with store.lock(), pytest.raises(LockTimeoutError) as caught:
        store.lock().__enter__()

    assert f"process {os.getpid()} on " in caught.value.holder
    assert " since 20" in caught.value.holder
    assert caught.value.holder in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"failure": 5}'])
def test_a_spoilt_note_beside_the_lock_is_no_note(tmp_path, content):
    """The lock is the kernel's; the note is a courtesy."""
    store = FileStore(tmp_path / "t.json")
    with store.lock(0):
        (tmp_path / "t.json.lock-info").write_bytes(content)
        assert store.failure() is None
        with pytest.raises(LockTimeoutError, match="process"):
            store.lock(0).__enter__()


def test_a_failure_is_recorded_for_waiting_processes(tmp_path):
    """Also for the second one that gets the lock after it."""
    store = FileStore(tmp_path / "t.json")
    with store.lock(0):
        store.record_failure("no")
    with store.lock(0):
        assert store.failure() == "no"

    with store.lock(0):
        assert FileStore(tmp_path / "t.json").failure() == "no"


@pytest.fixture
def claim(tmp_path, monkeypatch):
    """Where a process says that it is about to take the lock."""
    monkeypatch.setattr(_claim, "yielded", {})  # as in a process that is new
    return tmp_path / "t.json.lock-claim"


def test_a_claim_lets_one_process_load_the_lock(tmp_path, monkeypatch, claim):
    """The others of a herd look for the token meanwhile, for a moment."""
    store = FileStore(tmp_path / "t.json")

    def try_once(pid):
        claim.write_text(json.dumps({"pid": pid, "host": "x"}))
        monkeypatch.delitem(sys.modules, "filelock", raising=False)
        with store.lock(0):
            return "locked"

    with pytest.raises(LockTimeoutError, match=f"process {os.getppid()} on x"):
        try_once(os.getppid())
    for pid in (os.getpid(), None, "x"):  # of this one, of nobody: no claim
        assert try_once(pid) == "locked"


@pytest.mark.parametrize("spoilt", ["spoilt", "[]", "old"])
def test_an_unreadable_claim_is_ignored(tmp_path, monkeypatch, claim, spoilt):
    """Nor does one that is too old."""
    claim.write_text(json.dumps({"pid": os.getppid()}) if spoilt == "old" else spoilt)
    os.utime(claim, (1, 1))
    monkeypatch.delitem(sys.modules, "filelock", raising=False)

    with FileStore(tmp_path / "t.json").lock(0):
        pass


#: Loads the lock, or tries to; waits before it, meanwhile and while it has it.
CLAIMING = """
import sys
from requests_ticktick import FileStore, LockTimeoutError
from requests_ticktick.stores import _claim

def say(what):
    print(what, flush=True)
    assert sys.stdin.readline()

class Importing:
    def find_spec(self, name, *_):
        if name == "filelock":
            say("importing")

_claim._CLAIM_SECONDS = 0.0  # a process that has ended is not waited for
_claim._HELD_SECONDS = 60.0  # another is, however busy this machine is
sys.meta_path.insert(0, Importing())
for _ in range(3):
    say("ready")
    try:
        with FileStore(sys.argv[1]).lock(0):
            say("locked")
    except LockTimeoutError as error:
        say(error.holder)
"""


class Claiming:
    """A process that claims the lock, and goes on when it is told to."""

    def __init__(self, store):
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLAIMING, store.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self.process.pid
        self.said = self.process.stdout.readline().strip()

    def goes_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.said = self.process.stdout.readline().strip()
        return self.said

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with self.process:
            self.process.kill()


def test_while_one_process_has_the_lock_others_wait_without_filelock(tmp_path):
    """A herd is not to import it, all at once, on few processors."""
    store, claim = FileStore(tmp_path / "t.json"), tmp_path / "t.json.lock-claim"

    with Claiming(store) as first, Claiming(store) as second:
        assert first.goes_on() == "importing"
        assert json.loads(claim.read_text())["pid"] == first.pid
        assert second.goes_on().startswith(f"process {first.pid} on ")
        assert first.goes_on() == "locked"
        assert second.goes_on() == "ready"
        assert second.goes_on().startswith(f"process {first.pid} on ")
        assert second.goes_on() == "ready"
        assert first.goes_on() == "ready"
        assert not claim.exists()
        assert second.goes_on() == "importing"


def test_the_claim_of_a_process_that_was_killed_holds_nobody_back(tmp_path):
    """Nor is it taken away by one that tries in vain."""
    store, claim = FileStore(tmp_path / "t.json"), tmp_path / "t.json.lock-claim"

    with Claiming(store) as first, Claiming(store) as second:
        assert first.goes_on() == "importing"
        assert first.goes_on() == "locked"
        with pytest.raises(LockTimeoutError):
            store.lock(0).__enter__()  # this process has loaded filelock
        assert json.loads(claim.read_text())["pid"] == first.pid
        first.process.kill()
        first.process.wait()
        assert claim.exists()

        assert second.goes_on() == "importing"
        assert json.loads(claim.read_text())["pid"] == second.pid
        assert second.goes_on() == "locked"


def test_a_failed_try_leaves_the_holders_note_alone(tmp_path):
    """It names the holder still, and has what the holder wrote there."""
    store = FileStore(tmp_path / "t.json")
    code = (
        "import sys\n"
        "from requests_ticktick import FileStore, LockTimeoutError\n"
        "try:\n    FileStore(sys.argv[1]).lock(0).__enter__()\n"
        "except LockTimeoutError as error:\n    print(error.holder)\n"
    )

    with store.lock(0):
        store.record_failure("no")
        version = store.version()
        tried = subprocess.run(
            [sys.executable, "-c", code, store.path],
            capture_output=True,
            check=True,
            text=True,
        )

        assert tried.stdout.startswith(f"process {os.getpid()} on ")
        assert store.version() == version
        assert store.failure() == "no"


def test_a_planted_link_at_the_lock_is_not_followed(tmp_path):
    """Nobody gets us to open a file of their choice."""
    victim = tmp_path / "victim"
    (tmp_path / "t.json.lock").symlink_to(victim)

    with FileStore(tmp_path / "t.json").lock(0):
        pass

    assert not victim.exists()


def test_a_store_need_not_tell_more_than_its_token():
    """Without a version and a record of failures, those who wait load it."""
    store = Plain()
    store.record_failure("no")
    store.save(Token("a"))

    assert store.failure() is None
    assert store.version() is None
    assert list(store.members()) == [store]
    assert [token.access_token for token in store.candidates()] == ["a"]


def test_a_folder_that_vanishes_is_not_reported(tmp_path, monkeypatch, caplog):
    """Between the reading and the look at its permissions."""
    store = FileStore(tmp_path / "t.json")
    store.save(Token("a"))
    real = os.stat

    def stat_of(path, *args, **kwargs):
        if str(path) == str(tmp_path):
            raise FileNotFoundError(2, "gone")
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "stat", stat_of)

    assert store.load().access_token == "a"
    monkeypatch.undo()
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


def test_a_planted_link_at_a_temporary_file_is_not_written_through(
    tmp_path, monkeypatch
):
    """Should its name be guessed, the write fails, and the old token stays."""
    store = FileStore(tmp_path / "t.json")
    store.save(Token("old"))
    victim = tmp_path / "victim"
    monkeypatch.setattr("os.urandom", lambda _: b"guess")
    (tmp_path / f".t.json.{b'guess'.hex()}.tmp").symlink_to(victim)

    with pytest.raises(TokenStoreError, match="Cannot write"):
        store.save(Token("new"))

    assert not victim.exists()
    assert store.load().access_token == "old"
