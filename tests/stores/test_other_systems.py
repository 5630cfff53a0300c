"""Windows and others, imitated here: what they deny, and what they lack."""

from __future__ import annotations

import logging
import os
import signal
import sys

import pytest
from clients import client_of
from people import run

from requests_ticktick import (
    FileStore,
    TickTickAuthError,
    Token,
    TokenStoreError,
    refuse,
)
from requests_ticktick.stores import _claim, _files, _place, _windows
from requests_ticktick.testing import TokenStoreContract

# -- files that others have open -------------------------------------------------------


class SleptTime:
    """A clock that goes on when somebody sleeps."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class Denied:
    """A function that Windows denies at first: ``times`` times.

    :param names: What the paths that it is denied for end in.
    """

    def __init__(self, function, times, names=("t.json",)):
        self.function = function
        self.times = times
        self.names = names
        self.asked = 0

    def __call__(self, path, *args, **kwargs):
        if any(str(each).endswith(self.names) for each in (path, *args)):
            self.asked += 1
            if self.asked <= self.times:
                error = PermissionError(13, "Access is denied", path)
                error.winerror = 5
                raise error
        return self.function(path, *args, **kwargs)


@pytest.fixture
def slept(monkeypatch):
    """The clock of those who try again."""
    time = SleptTime()
    monkeypatch.setattr(_windows, "time", time)
    return time


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "t.json")


@pytest.fixture
def on_windows(monkeypatch, slept):
    """Have a function denied, on what calls itself Windows."""

    def deny(name, times, *names):
        denied = Denied(getattr(os, name), times, *names)
        monkeypatch.setattr(os, name, denied)
        monkeypatch.setattr(os, "name", "nt")
        return denied

    return deny


def save(store):
    store.save(Token("new"))


#: What is called, what of it is denied, and what the store says where it stays so.
CALLS = [
    pytest.param(FileStore.load, "open", "Cannot read", id="a read meanwhile"),
    pytest.param(save, "replace", "Cannot write", id="a reader has it open"),
    pytest.param(FileStore.delete, "unlink", "Cannot remove", id="as it is removed"),
]


@pytest.mark.parametrize(("call", "name", "said"), CALLS)
def test_an_access_denied_for_a_moment_is_tried_again(
    path, on_windows, slept, call, name, said
):
    """Windows denies it while another program has the file open."""
    store = FileStore(path)
    store.save(Token("old"))
    denied = on_windows(name, 5)

    call(store)

    assert denied.asked > 5
    assert 1000.0 < slept.now <= 1000.2


@pytest.mark.parametrize(("call", "name", "said"), CALLS)
def test_an_access_that_stays_denied_is_an_error_of_ours(
    path, on_windows, slept, monkeypatch, call, name, said
):
    """After a second: then it is about rights. What was there still is."""
    store = FileStore(path)
    store.save(Token("old"))
    with monkeypatch.context() as patched:
        denied = Denied(getattr(os, name), 10**9)
        patched.setattr(os, name, denied)
        patched.setattr(os, "name", "nt")
        with pytest.raises(TokenStoreError, match=f"{said} .*: Access is denied"):
            call(store)

    assert 1001.0 <= slept.now < 1001.1
    assert store.load() == Token("old")
    assert [each for each in os.listdir(os.path.dirname(path)) if "tmp" in each] == []


@pytest.mark.parametrize(("call", "name", "said"), CALLS)
def test_elsewhere_a_denial_is_final(path, slept, monkeypatch, call, name, said):
    """It is about rights, and a second would change nothing."""
    store = FileStore(path)
    store.save(Token("old"))
    denied = Denied(getattr(os, name), 1)
    with monkeypatch.context() as patched:
        patched.setattr(os, name, denied)
        with pytest.raises(TokenStoreError, match=said):
            call(store)

    assert (denied.asked, slept.now) == (1, 1000.0)


def test_a_torn_file_is_set_aside_while_another_program_reads_it(
    path, on_windows, caplog
):
    """Else the next save would write over what may be needed."""
    caplog.set_level(logging.INFO)
    store = FileStore(path)
    with open(path, "w") as file:
        file.write('{"access_token": "half')
    on_windows("rename", 3)

    store.save(Token("new"))

    assert store.load() == Token("new")
    folder = os.path.dirname(path)
    (aside,) = (each for each in os.listdir(folder) if ".corrupt-" in each)
    assert f"{path} was set aside as {os.path.join(folder, aside)}." in caplog.text
    denied = on_windows("unlink", 3, (aside,))
    store.delete()
    assert denied.asked == 4
    assert not [each for each in os.listdir(folder) if ".corrupt-" in each]


def test_a_good_token_that_was_set_aside_is_not_left_there(path, on_windows):
    """Somebody saved it just then: it goes back, and no copy of it stays."""
    FileStore(path).save(Token("good"))
    denied = on_windows("unlink", 3, tuple("0123456789abcdef"))

    assert _files.set_aside(path, "what was torn") is None

    assert denied.asked == 4
    assert FileStore(path).load() == Token("good")
    assert os.listdir(os.path.dirname(path)).count("t.json") == 1
    assert not [e for e in os.listdir(os.path.dirname(path)) if ".corrupt-" in e]


def test_waiting_processes_see_a_failure_while_they_read(path, on_windows):
    """They look at the note again and again, while its holder writes it."""
    store = FileStore(path)
    with store.lock(0):
        on_windows("replace", 3, ("t.json.lock-info",))
        store.record_failure("no")
        on_windows("open", 3, ("t.json.lock-info",))

        assert FileStore(path).failure() == "no"


def test_a_missing_file_is_not_waited_for(path, on_windows, slept):
    """Only what is denied is tried again."""
    on_windows("open", 0)

    assert FileStore(path).load() is None
    assert slept.now == 1000.0


# -- what they lack --------------------------------------------------------------------

#: A process where POSIX's names are missing, as on Windows.
ON_WINDOWS = """
import os, select, signal, socket, sys
import filelock, http.server, importlib, platformdirs, requests, subprocess, webbrowser
os.name = "nt"
for name in ("geteuid", "fchmod", "O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC"):
    delattr(os, name)
os.O_BINARY = 0
del select.poll, signal.setitimer, signal.SIGKILL
"""

USE_A_FILE = """
from requests_ticktick import FileStore, Token, TokenStoreError
store = FileStore(sys.argv[1])
os.umask(0o022)
for text in ("a", "b"):
    store.save(Token(text))
print(store.load().access_token)
store.record_failure("no")
print(store.failure())
with open(sys.argv[1] + "-torn", "w") as file:
    file.write('{"access_token": "half')
torn = FileStore(sys.argv[1] + "-torn")
torn.save(Token("c"))
print(torn.load().access_token)
from requests_ticktick.stores import _files, _in_place
with _files.lock_file(sys.argv[1] + ".lock") as status:
    assert _files.is_at(sys.argv[1] + ".lock", status)
print(_in_place.overwrite(sys.argv[1], b""))
torn.delete()
store.delete()
print(store.load(), torn.load())
"""

LOOK_AROUND = """
from requests_ticktick._sign_on import server, terminal
print(server.Server.allow_reuse_address, terminal.WINDOWS)
"""


def test_a_file_store_needs_no_posix(path):
    """Nor does what writes in place, nor what is beside the lock.

    What locks is filelock's, which knows these systems itself.
    """
    done = run(f"import sys\nsys.argv = ['', {path!r}]\n{ON_WINDOWS}{USE_A_FILE}")

    assert done.stdout == "b\nno\nc\nTrue\nNone None\n", done.stderr
    # Of permissions, which it has not, nothing is said.
    assert "chmod" not in done.stderr


@pytest.mark.parametrize(
    ("imitation", "seen"), [("import os", "True False\n"), (ON_WINDOWS, "False True\n")]
)
def test_a_port_is_shared_and_a_terminal_read_as_the_system_has_it(imitation, seen):
    """On Windows, the option that frees a port lets others have it as well."""
    done = run(f"{imitation}\n{LOOK_AROUND}")

    assert done.stdout == seen, done.stderr


def test_on_android_folders_belong_to_the_system(tmp_path, monkeypatch):
    """Each app has a user of its own, below what other users own."""
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    path = str(tmp_path / "open" / "t.json")
    assert _place.doubt(path) is not None

    monkeypatch.setattr(sys, "getandroidapilevel", lambda: 30, raising=False)

    assert _place.doubt(path) is None


@pytest.mark.parametrize("system", ["posix", "nt"])
def test_loose_permissions_are_reported_where_they_exist(
    path, monkeypatch, caplog, system
):
    """On Windows, Python makes up the modes: all files look alike."""
    FileStore(path).save(Token("a"))
    os.chmod(path, 0o644)
    with monkeypatch.context() as patched:
        patched.setattr(os, "name", system)
        assert FileStore(path).load() == Token("a")

    assert ("Others may read" in caplog.text) is (system == "posix")


def test_where_nothing_can_be_killed_the_contract_skips_that(path, monkeypatch):
    """Windows has no SIGKILL."""
    monkeypatch.delattr(signal, "SIGKILL")

    with pytest.raises(pytest.skip.Exception, match="another process"):
        TokenStoreContract.test_the_lock_of_a_process_that_dies_is_free(
            TestFiles(), FileStore(path)
        )
    assert TestFiles.shared


class TestFiles(TokenStoreContract):
    __test__ = False


# -- a program that is ending ----------------------------------------------------------


class NoMore:
    """Python cannot import what it registers at its exit, once it has begun."""

    def find_spec(self, name, *_):
        if name == "filelock":
            raise RuntimeError("can't register atexit after shutdown")


@pytest.fixture
def ending(monkeypatch):
    """A program that ends, and that has not needed filelock until now."""
    monkeypatch.setattr(_claim, "yielded", {})
    monkeypatch.setattr(sys, "meta_path", [NoMore(), *sys.meta_path])
    monkeypatch.delitem(sys.modules, "filelock", raising=False)


@pytest.mark.usefixtures("ending")
@pytest.mark.parametrize("timeout", [0, 1])
def test_a_lock_that_cannot_be_loaded_is_an_error_of_ours(path, timeout):
    """It says what to do, and names the place."""
    with pytest.raises(TokenStoreError, match="Import it when the program") as caught:
        FileStore(path).lock(timeout).__enter__()

    assert caught.value.location == f"{path}.lock"
    assert "RuntimeError" in str(caught.value)


def test_a_program_that_is_ending_uses_the_token_to_its_end(
    sandbox, clock, path, caplog, request
):
    """In the token's last minute it is warned once; after it the error is ours."""
    client_of(sandbox, FileStore(path), clock=clock).token()
    before = FileStore(path).load()
    auth = client_of(sandbox, FileStore(path), sign_on=refuse, clock=clock)
    clock.advance(before.expires_at - clock.time() - 50)
    request.getfixturevalue("ending")

    for _ in range(8):
        assert auth.token() == before
        clock.advance(5)

    warned = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert len([r for r in warned if "filelock" in r.getMessage()]) == 1
    clock.advance(60)
    with pytest.raises(TickTickAuthError):
        auth.token()


OUTLIVING = """
import sys, threading
from requests_ticktick import FileStore, TokenStoreError

def work():
    threading.main_thread().join()
    try:
        with FileStore(sys.argv[1]).lock(0):
            print("locked")
    except TokenStoreError as error:
        print("filelock" in str(error))

threading.Thread(target=work).start()
"""


def test_a_thread_that_outlives_the_main_one_locks_or_says_why_not(path):
    """What some versions of filelock import cannot be imported then."""
    done = run(f"import sys\nsys.argv = ['', {path!r}]\n{OUTLIVING}")

    assert done.stdout in ("locked\n", "True\n"), done.stderr
    assert done.stderr == ""
