"""What users of other libraries suffered, and nobody may here: what is kept.

Each test has the circumstances of one report, which its docstring cites.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import workers
from clients import Person, client_of
from people import run

from requests_ticktick import (
    FileStore,
    LockTimeoutError,
    SignOnRequiredError,
    Token,
    refuse,
)

PROJECT = "/open/v1/project"
SHORT, LONG = Token("short"), Token("long" * 2000)

posix = pytest.mark.skipif(os.name != "posix", reason="about modes and signals")


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path / "state" / "t.json")


@contextlib.contextmanager
def writing(store, *batches):
    """Processes that save tokens at full speed, one batch each."""
    spawn = multiprocessing.get_context("spawn")
    started = []
    try:
        for tokens in batches:
            ours, theirs = spawn.Pipe()
            process = spawn.Process(
                target=workers.write_for_ever, args=(store, tokens, theirs), daemon=True
            )
            process.start()
            started.append((process, ours))
        for _, ours in started:
            assert ours.recv() == "writing"
        yield
    finally:
        for process, _ in started:
            process.kill()
            process.join()


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def is_locked(store):
    try:
        with store.lock(0):
            return False
    except LockTimeoutError:
        return True


# -- azure-cli, botocore, aws-cli: torn files --------------------------------------


def test_a_short_token_leaves_nothing_of_a_long_one(store):
    """In azure-cli 9427, the shorter of two tokens was followed by the other's tail."""
    store.save(LONG)

    with writing(store, [LONG, SHORT], [SHORT, LONG]):
        seen = {len(FileStore(store.path).load().access_token) for _ in range(300)}

    assert seen <= {5, 8000}
    assert store.load() in (SHORT, LONG)


def test_a_reader_never_finds_the_file_empty(store):
    """In botocore 3213, the file was truncated, read by another, then written."""
    store.save(SHORT)
    found, reads = set(), 0

    with writing(store, [LONG, SHORT]):
        while len(found) < 2 or reads < 500:
            content = Path(store.path).read_bytes()
            found.add(json.loads(content)["access_token"])
            reads += 1

    assert found == {SHORT.access_token, LONG.access_token}


KILLED = """
import os, sys, time
from requests_ticktick import FileStore, Token

def hangs(descriptor):
    print("writing", flush=True)
    time.sleep(60)

os.fsync = hangs
FileStore(sys.argv[1]).save(Token("new"))
"""


@posix
def test_a_writer_killed_in_the_middle_leaves_the_token_before(store):
    """In azure-cli 21848, the cache was torn, as a kill during a write would do."""
    store.save(Token("old"))
    path = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    writer = subprocess.Popen(
        [sys.executable, "-c", KILLED, store.path],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
    )
    with writer:
        assert writer.stdout.readline().strip() == b"writing"
        writer.send_signal(signal.SIGKILL)

    assert store.load() == Token("old")
    store.save(Token("newer"))
    assert store.load() == Token("newer")


@pytest.mark.parametrize("part", [0.0, 0.5, 0.99])
def test_a_sign_on_replaces_a_torn_file(sandbox, store, part):
    """In azure-cli 21848, the torn cache kept a login from writing a whole one."""
    client_of(sandbox, store).token()
    content = Path(store.path).read_bytes()
    Path(store.path).write_bytes(content[: int(len(content) * part)])

    token = client_of(sandbox, FileStore(store.path)).sign_on()

    assert FileStore(store.path).load() == token
    assert sandbox.sign_ons == 2


def test_a_malformed_file_is_named_once_and_then_gone(sandbox, store, caplog):
    """In botocore 3106, every start ended in a KeyError, until one cleaned up."""
    client_of(sandbox, store).token()
    Path(store.path).write_text('{"access_token": ')

    tokens = {client_of(sandbox, FileStore(store.path)).token() for _ in range(3)}

    assert len(tokens) == 1
    assert sandbox.sign_ons == 2
    warnings = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    (warning,) = [text for text in warnings if store.path in text]
    assert "sign-on will write it anew" in warning


def test_processes_that_refresh_at_once_do_not_lose_the_session(sandbox, store):
    """In aws-cli 10628, each rotated the refresh token, and a spent one was kept."""
    sandbox.refresh_tokens = True
    expired = client_of(sandbox, store).token()
    store.save(expired.replace(expires_at=expired.issued_at))
    spawn = multiprocessing.get_context("spawn")
    barrier, queue = spawn.Barrier(3), spawn.Queue()
    auth = client_of(sandbox, store, sign_on=refuse)
    processes = [
        spawn.Process(
            target=workers.call_at, args=(barrier, queue, auth, sandbox.url(PROJECT), 2)
        )
        for _ in range(3)
    ]

    for process in processes:
        process.start()
    results = [result for _ in processes for result in queue.get(timeout=60)]
    for process in processes:
        process.join(30)

    assert {status for status, _ in results} == {200}
    assert (sandbox.token_requests, sandbox.reuse_detected) == (2, 0)
    # What is in the file is good for the next time, too.
    store.save(store.load().replace(expires_at=expired.issued_at))
    assert client_of(sandbox, store, sign_on=refuse).token()
    assert sandbox.reuse_detected == 0


# -- spotipy, listenbrainz: the wrong token, or none -------------------------------


def test_a_revoked_refresh_token_gives_way_to_the_new_sign_on(sandbox, clock, store):
    """In spotipy 711, after a password change, "Refresh token revoked" did not end."""
    sandbox.refresh_tokens = True
    sandbox.expires_in = 600
    person = Person(sandbox)
    auth = client_of(sandbox, store, sign_on=person, clock=clock)
    revoked = auth.token().refresh_token
    sandbox.revoke_all(refresh_tokens=True)
    clock.advance(600)

    token = auth.token()

    assert person.asked == 2
    assert FileStore(store.path).load() == token
    clock.advance(600)
    client_of(sandbox, FileStore(store.path), sign_on=refuse, clock=clock).token()
    bodies = [e.body.decode() for e in sandbox.received if e.endpoint == "token"]
    assert [revoked in body for body in bodies] == [False, True, False, False]


def test_two_sets_of_scopes_do_not_take_turns_in_one_file(sandbox, store, caplog):
    """In spotipy 321, each overwrote the other's token, and the browser opened anew."""
    person = Person(sandbox)
    reader = client_of(sandbox, store, sign_on=person, scope="tasks:read")
    both = client_of(sandbox, FileStore(store.path), sign_on=person)

    scopes = [(reader.token().scope, both.token().scopes) for _ in range(3)]

    assert scopes == [("tasks:read", {"tasks:read", "tasks:write"})] * 3
    assert person.asked == 2
    assert FileStore(store.path).load().scope == "tasks:read"
    assert "FileStore(profile=" in caplog.text


def test_a_profile_for_each_set_of_scopes_lasts_for_good(sandbox):
    """In spotipy 321, a file for each set of scopes was asked for."""
    person = Person(sandbox)

    for _ in range(3):
        for profile, scope in (("r", "tasks:read"), ("rw", "tasks:read tasks:write")):
            store = FileStore(profile=profile)
            client_of(sandbox, store, sign_on=person, scope=scope).token()

    assert person.asked == 2


def test_the_working_directory_is_never_written_to(tmp_path):
    """In spotipy 870, started elsewhere, it could not write ".cache-user" there."""
    (tmp_path / "somewhere").mkdir()
    code = (
        "from requests_ticktick import FileStore, Token;"
        "store = FileStore(); store.save(Token('t'));"
        "store.lock(1).__enter__(); print(store.path)"
    )

    done = run(code, cwd=tmp_path / "somewhere")

    assert done.stderr == ""
    assert list((tmp_path / "somewhere").iterdir()) == []
    assert Path(done.stdout.strip()).is_relative_to(tmp_path / "home")


def test_a_place_that_cannot_be_written_costs_one_warning(
    sandbox, tmp_path, monkeypatch, caplog
):
    """In spotipy 870, it was "couldn't write token cache", without a why."""
    (tmp_path / "a-file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "a-file"))
    store = FileStore()
    auth = client_of(sandbox, store)

    tokens = {auth.token() for _ in range(3)}

    assert len(tokens) == 1
    assert sandbox.sign_ons == 1
    said = [r.getMessage() for r in caplog.records if "Cannot write" in r.getMessage()]
    assert len(said) == 1
    assert store.path in said[0]
    assert "choose another place" in said[0]


@posix
@pytest.mark.parametrize("umask", [0o000, 0o022], ids=oct)
def test_other_users_can_read_none_of_our_files(sandbox, store, umask):
    """In CVE-2025-27154 (spotipy), the cache was rw-r--r--, for each user to read."""
    before = os.umask(umask)
    try:
        client_of(sandbox, store).token()
    finally:
        os.umask(before)

    folder = Path(store.path).parent
    assert mode_of(folder) == 0o700
    modes = {path.name: oct(mode_of(path)) for path in folder.iterdir()}
    assert modes == dict.fromkeys(modes, "0o600")
    assert "t.json" in modes


def test_a_false_invalid_grant_destroys_nothing(sandbox, clock, store):
    """In listenbrainz PR 1921, an outage said "revoked", and tokens were deleted."""
    sandbox.refresh_tokens = True
    sandbox.expires_in = 600
    before = client_of(sandbox, store, clock=clock).token()
    clock.advance(600)
    sandbox.fail(1, 400, {"error": "invalid_grant"})

    worker = client_of(sandbox, FileStore(store.path), sign_on=refuse, clock=clock)
    with pytest.raises(SignOnRequiredError):
        worker.token()

    assert FileStore(store.path).load() == before
    # The outage is over, and nobody has to sign on again.
    again = client_of(sandbox, FileStore(store.path), sign_on=refuse, clock=clock)
    assert again.token() != before
    assert worker.token() == again.token()
    assert sandbox.sign_ons == 1


# -- filelock ----------------------------------------------------------------------


@posix
def test_a_forked_child_does_not_free_its_parents_lock(store):
    """In filelock 634, the child released its copy, and a third process got in."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(store.lock(0))
        child = os.fork()
        if child == 0:
            try:
                stack.close()  # as where the child leaves the block
            finally:
                os._exit(0)
        os.waitpid(child, 0)

        contender = os.fork()
        if contender == 0:
            os._exit(0 if is_locked(FileStore(store.path)) else 1)
        _, status = os.waitpid(contender, 0)

        assert os.waitstatus_to_exitcode(status) == 0
    assert not is_locked(store)


@posix
def test_the_lock_leaves_the_umask_of_other_threads_alone(store, tmp_path):
    """In filelock 204, files made meanwhile by other threads were for all to write."""
    before, stop = os.umask(0o027), threading.Event()

    def takes_it():
        while not stop.is_set():
            with store.lock(5):
                store.save(SHORT)

    thread = threading.Thread(target=takes_it)
    thread.start()
    try:
        for number in range(500):
            (tmp_path / str(number)).write_text("")
    finally:
        stop.set()
        thread.join()
        os.umask(before)

    modes = {mode_of(tmp_path / str(number)) for number in range(500)}
    assert modes == {0o640}
