"""One token in a keychain, through keyring, whatever backend it has."""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import pickle
import secrets as random
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from traceback import walk_tb

import keyring
import pytest
import workers
from clients import client_of
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from keyring.errors import (
    InitError,
    KeyringLocked,
    PasswordDeleteError,
    PasswordSetError,
)

from requests_ticktick import (
    LockTimeoutError,
    SignOnRequiredError,
    TickTickAuth,
    Token,
    TokenStoreError,
    refuse,
)
from requests_ticktick._stamp import Stamp
from requests_ticktick.stores.keyring import KeyringStore
from requests_ticktick.testing import TokenStoreContract

PROJECT = "/open/v1/project"


class FileKeyring(KeyringBackend):
    """A keychain in a JSON file, which ``KEYRING_PROPERTY_PATH`` names."""

    priority = -1  # never chosen unless it is asked for by name

    def get_password(self, service, username):
        return self._read().get(f"{service}/{username}")

    def set_password(self, service, username, password):
        self._write({**self._read(), f"{service}/{username}": password})

    def delete_password(self, service, username):
        passwords = self._read()
        if passwords.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError("not found")
        self._write(passwords)

    def _read(self):
        path = Path(self.path)
        return json.loads(path.read_text()) if path.exists() else {}

    def _write(self, passwords):
        temporary = f"{self.path}.{random.token_hex(8)}"
        Path(temporary).write_text(json.dumps(passwords))
        os.replace(temporary, self.path)


class Broken(FileKeyring):
    """A keychain whose methods raise what they are told to."""

    def __init__(self, **errors):
        super().__init__()
        self.errors = errors

    def get_password(self, service, username):
        self._act("get")
        return super().get_password(service, username)

    def set_password(self, service, username, password):
        self._act("set")
        return super().set_password(service, username, password)

    def delete_password(self, service, username):
        self._act("delete")
        return super().delete_password(service, username)

    def _act(self, verb):
        error = self.errors.get(verb)
        if callable(error):
            error()
        elif error is not None:
            raise error


class Slow(FileKeyring):
    """A keychain that waits for a person."""

    def __init__(self):
        super().__init__()
        self._asked = threading.Semaphore(0)
        self.answered = threading.Event()

    def get_password(self, service, username):
        if not self.answered.is_set():
            self._asked.release()
            self.answered.wait(30)
        return super().get_password(service, username)

    def was_asked(self, times):
        """Whether it was asked so often: the threads that ask may be slow."""
        were = all(self._asked.acquire(timeout=30) for _ in range(times))
        return were and not self._asked.acquire(blocking=False)


@pytest.fixture(autouse=True)
def keychain(monkeypatch, tmp_path):
    """A keychain of this test's own, chosen as users choose theirs."""
    path = tmp_path / "keychain.json"
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", f"{__name__}.FileKeyring")
    monkeypatch.setenv("KEYRING_PROPERTY_PATH", str(path))
    monkeypatch.setattr(keyring.core, "_keyring_backend", None)
    return path


def warnings_in(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


class TestKeyringStore(TokenStoreContract):
    @pytest.fixture
    def store(self):
        return KeyringStore()

    def corrupt(self, store):
        keyring.set_password("requests-ticktick", "default", '{"access_token": "half')

    @contextlib.contextmanager
    def outage(self, store):
        locked = dict.fromkeys(["get", "set", "delete"], KeyringLocked())
        before = keyring.get_keyring()
        keyring.set_keyring(Broken(**locked))
        try:
            yield
        finally:
            keyring.set_keyring(before)


# -- the value -----------------------------------------------------------------------


def test_the_password_is_plain_json_with_all_its_keys():
    """A key that another program put there survives our renewal."""
    keyring.set_password("it", "me", '{"access_token": "a", "note": "mine"}')

    KeyringStore("it", "me").save(Token("b", expires_at=2e9))

    fields = json.loads(keyring.get_password("it", "me"))
    assert fields["access_token"] == "b"
    assert fields["note"] == "mine"
    assert fields["expire_time"] == 2_000_000_000


def test_profiles_and_services_are_kept_apart():
    """Each has its token, and its lock."""
    stores = [KeyringStore(), KeyringStore(profile="work"), KeyringStore("it", "work")]

    for number, store in enumerate(stores):
        store.save(Token(f"token-{number}"))
        store.lock(0).__enter__()

    assert [store.load().access_token for store in stores] == [
        "token-0",
        "token-1",
        "token-2",
    ]


@pytest.mark.parametrize("names", [("", "me"), ("it", "")])
def test_a_name_is_not_empty(names):
    """The library itself would only warn of it."""
    with pytest.raises(ValueError, match="service and a profile"):
        KeyringStore(*names)


@pytest.mark.parametrize("text", ["", "{", '{"access_token": "hunter2'])
def test_a_torn_token_is_set_aside_by_the_next_save(caplog, secrets, text):
    """Nothing crashes, nothing is lost, and there is one warning."""
    secrets.add("hunter2")
    keyring.set_password("it", "me", text)
    store = KeyringStore("it", "me")

    assert store.load() is None
    assert store.load() is None

    (warning,) = warnings_in(caplog)
    assert "it/me in the keychain holds" in warning
    assert "where a token should be" in warning
    store.save(Token("new"))
    assert store.load() == Token("new")
    assert keyring.get_password("it", "me:corrupt") == text
    store.delete()
    assert keyring.get_password("it", "me:corrupt") is None


@pytest.mark.parametrize("answer", [5, b"{}", {"access_token": "hunter2"}, object()])
def test_a_backend_that_answers_with_no_text_is_named(secrets, answer):
    """Python's types bind no backend; what it answered is not shown."""
    secrets.add("hunter2")

    class Odd(FileKeyring):
        def get_password(self, service, username):
            return answer

    keyring.set_keyring(Odd())
    store = KeyringStore("it", "me")

    for call in (store.load, lambda: store.save(Token("new")), store.delete):
        with pytest.raises(TokenStoreError, match=r"answered with \w+, and not a text"):
            call()


@pytest.mark.parametrize(
    "text", ["{}", "[]", "a pass phrase hunter2", "{" + "[" * 50_000, "hunter2"]
)
def test_another_programs_password_stays(secrets, text):
    """The names may be those of an account that something else needs."""
    secrets.add("hunter2")
    keyring.set_password("it", "me", text)
    store = KeyringStore("it", "me")

    for call in (lambda: store.save(Token("new")), store.delete):
        with pytest.raises(TokenStoreError, match="it/me in the keychain holds"):
            call()
    if text != "hunter2":  # which may be a token
        with pytest.raises(TokenStoreError, match="it/me in the keychain holds"):
            store.load()

    assert keyring.get_password("it", "me") == text
    assert keyring.get_password("it", "me:corrupt") is None


def test_without_a_home_the_token_is_kept_and_the_lock_is_elsewhere(
    sandbox, monkeypatch, caplog
):
    """Neither needs a folder of the user's."""
    monkeypatch.setattr("platformdirs.user_state_dir", lambda *_, **__: "~/state")
    store = KeyringStore()
    auth = client_of(sandbox, store)

    token = auth.token()

    assert store.load() == token
    assert store.failure() is None
    assert KeyringStore(lock_path="~nobody-of-that-name/x").failure() is None
    with store.lock(0), pytest.raises(LockTimeoutError):
        KeyringStore().lock(0).__enter__()
    assert warnings_in(caplog) == []


# -- the lock ------------------------------------------------------------------------


def test_the_lock_stands_beside_the_default_token_file(tmp_path):
    """In the user's state folder, whatever characters the names have."""
    state = tmp_path / "home" / "state" / "requests-ticktick"
    store = KeyringStore("../it", "a/b")

    store.save(Token("a"))
    with store.lock(0):
        pass

    name = "keyring=..%2Fit=a%2Fb"
    assert sorted(os.listdir(state)) == [
        f"{name}.lock",
        f"{name}.lock-info",
        f"{name}.saved",
    ]


def test_the_lock_may_stand_elsewhere(tmp_path):
    """For a home that cannot be written, or is on a network."""
    store = KeyringStore(lock_path=tmp_path / "run" / "ticktick", lock_timeout=0.0)

    with store.lock(), pytest.raises(LockTimeoutError, match=f"process {os.getpid()}"):
        KeyringStore(lock_path=tmp_path / "run" / "ticktick").lock(0).__enter__()

    assert (tmp_path / "run" / "ticktick.lock").exists()


def test_a_home_that_cannot_be_written_costs_the_lock_alone(tmp_path):
    """The token is kept, and the lock is elsewhere."""
    (tmp_path / "file").write_text("")
    store = KeyringStore(lock_path=tmp_path / "file" / "x")

    store.save(Token("a"))

    assert store.load() == Token("a")
    with store.lock(0), pytest.raises(LockTimeoutError):
        KeyringStore(lock_path=tmp_path / "file" / "x").lock(0).__enter__()


def test_a_deletion_is_told_to_those_who_wait():
    """The version changes, and the keychain is not asked for it."""
    store = KeyringStore()
    store.save(Token("a"))
    before = store.version()

    KeyringStore().delete()

    assert store.version() != before


def test_a_failure_is_told_to_those_who_wait():
    """By the note beside the lock: the keychain is not asked for it."""
    store = KeyringStore()
    before = store.version()

    with store.lock(0):
        store.record_failure("no")

    assert KeyringStore().failure() == "no"
    assert store.version() != before


# -- the keychain in trouble ---------------------------------------------------------


def each_verb(store):
    return {
        "read": store.load,
        "write": lambda: store.save(Token("hunter2")),
        "delete": store.delete,
    }


VERBS = ["read", "write", "delete"]


def told_by(error):
    """What an error tracker could send."""
    variables = [
        frame.f_locals
        for frame, _ in walk_tb(error.__traceback__)
        if "requests_ticktick" in frame.f_code.co_filename
    ]
    return f"{error!r} {error.__context__!r} {variables!r}"


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("backend", "advice"),
    [
        pytest.param(null.Keyring, "Keyring forgets everything", id="null"),
        pytest.param(fail.Keyring, "There is none that keyring can use", id="fail"),
        pytest.param(
            lambda: Broken(get=KeyringLocked("hunter2")), "Unlock it", id="locked"
        ),
        pytest.param(
            lambda: Broken(get=InitError("hunter2")), "InitError", id="not initialised"
        ),
        pytest.param(
            lambda: Broken(get=OSError("hunter2")), "OSError", id="anything else"
        ),
    ],
)
def test_a_keychain_that_cannot_be_used_says_what_to_do(secrets, backend, advice, verb):
    """The error names the place and the next step, and shows no secret."""
    secrets.add("hunter2")
    keyring.set_keyring(backend())

    with pytest.raises(TokenStoreError, match=advice) as caught:
        each_verb(KeyringStore("it", "me"))[verb]()

    # To write or to delete, one looks first whose it is.
    assert "The keychain cannot read it/me" in str(caught.value)
    assert caught.value.location == "it/me"
    assert secrets.shown_in(told_by(caught.value)) == []


def test_a_chain_of_no_backends_forgets_everything_too():
    """The library's own chain, on a machine without any keychain."""
    script = (
        "from requests_ticktick import TokenStoreError\n"
        "from requests_ticktick.stores.keyring import KeyringStore\n"
        "try:\n"
        "    KeyringStore().load()\n"
        "except TokenStoreError as error:\n"
        "    print(error)\n"
    )
    chain = "keyring.backends.chainer.ChainerBackend"
    environment = {**os.environ, "PYTHON_KEYRING_BACKEND": chain}
    environment.pop("DBUS_SESSION_BUS_ADDRESS", None)

    result = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert f"{chain} forgets everything" in result.stdout


@pytest.mark.parametrize("name", ["no_such_module.Keyring", "keyring.backends.Nobody"])
def test_a_backend_that_cannot_be_loaded_is_an_error(monkeypatch, name):
    """It says which variable chose it."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name)

    with pytest.raises(TokenStoreError, match="PYTHON_KEYRING_BACKEND"):
        KeyringStore().load()


def test_a_token_that_is_too_long_for_windows_says_so(secrets):
    """Where nothing else explains why it was not written."""
    secrets.add("hunter2")
    keyring.set_keyring(Broken(set=PasswordSetError("hunter2")))

    with pytest.raises(TokenStoreError, match="on Windows it takes 1280") as caught:
        KeyringStore().save(Token("hunter2" * 200))
    assert secrets.shown_in(told_by(caught.value)) == []
    with pytest.raises(TokenStoreError, match="PasswordSetError") as caught:
        KeyringStore().save(Token("short"))
    assert "Windows" not in str(caught.value)


def test_another_owners_token_is_in_no_variable_of_the_error(secrets):
    """Neither theirs, as it was read, nor ours."""
    secrets.add("hunter2", "pa55word")
    store = KeyringStore()
    store.save(Stamp("you", "https://as.test/t", None).put_on(Token("hunter2")))

    with pytest.raises(TokenStoreError, match="in the keychain") as caught:
        store.save(Stamp("me", "https://as.test/t", None).put_on(Token("pa55word")))

    assert secrets.shown_in(told_by(caught.value)) == []


def test_a_token_under_our_own_name_has_one_service(sandbox):
    """It has no stamp; under a name of its own it goes where the program says."""
    token = sandbox.issue_token("no-stamp")
    ours, own = KeyringStore(), KeyringStore("my-program")
    for store in (ours, own):
        store.save(Token(token))

    assert TickTickAuth(store=ours, sign_on=refuse).token().access_token == token
    assert client_of(sandbox, own, sign_on=refuse).token().access_token == token
    with pytest.raises(SignOnRequiredError, match="in the keychain is for another"):
        client_of(sandbox, ours, sign_on=refuse).token()
    with pytest.raises(TokenStoreError, match="not overwritten"):
        ours.save(Stamp("id", "https://as.test/t", None).put_on(Token("b")))


def test_a_token_that_another_process_deleted_first_is_gone():
    """That it was not there any more is no error."""
    store = KeyringStore()
    store.save(Token("a"))

    def be_faster():
        FileKeyring().delete_password("requests-ticktick", "default")

    keyring.set_keyring(Broken(delete=be_faster))

    store.delete()

    assert store.load() is None


def test_a_token_that_cannot_be_deleted_is_an_error():
    """It is still there, and somebody has to know."""
    store = KeyringStore()
    store.save(Token("a"))
    keyring.set_keyring(Broken(delete=PasswordDeleteError("no")))

    with pytest.raises(
        TokenStoreError, match=r"cannot delete .* \(PasswordDeleteError\)"
    ):
        store.delete()

    assert store.load() == Token("a")


def test_a_keychain_that_waits_for_a_person_is_not_waited_for_without_end():
    """And shows one dialog, not one for each call."""
    slow = Slow()
    keyring.set_keyring(slow)
    store = KeyringStore(timeout=0.05)

    for _ in range(3):
        with pytest.raises(TokenStoreError, match=r"did not answer within 0\.05 s"):
            store.load()

    assert slow.was_asked(times=1)
    slow.answered.set()
    patient = KeyringStore()
    patient.save(Token("a"))
    assert patient.load() == Token("a")


def test_where_no_thread_can_be_started_the_error_is_ours(monkeypatch):
    """As at the interpreter's exit; the next one can ask again."""
    store = KeyringStore()
    with monkeypatch.context() as exiting:
        exiting.setattr(threading.Thread, "start", no_more_threads)
        with pytest.raises(TokenStoreError, match="no thread can be started"):
            store.load()

    assert store.load() is None


def no_more_threads(thread):
    raise RuntimeError("can't start new thread")


def test_threads_that_start_together_show_one_dialog():
    """They ask one after the other, and the second finds it unanswered."""
    slow = Slow()
    keyring.set_keyring(slow)
    store = KeyringStore(timeout=0.2)
    barrier = threading.Barrier(8)

    def ask(_):
        barrier.wait(30)
        with pytest.raises(TokenStoreError, match="did not answer"):
            store.load()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))

    assert slow.was_asked(times=1)
    slow.answered.set()


def test_a_child_forked_meanwhile_does_not_wait_for_its_parents_dialog():
    """Nobody there will ever answer it."""
    slow = Slow()
    keyring.set_keyring(slow)
    store = KeyringStore(timeout=0.2)
    with pytest.raises(TokenStoreError):
        store.load()

    pid = os.fork()
    if pid == 0:
        try:
            signal.alarm(20)
            store._keychain._timeout = 10.0  # this one is answered
            slow.answered = threading.Event()
            slow.answered.set()
            assert store.load() is None
            os._exit(0)
        finally:
            os._exit(1)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    slow.answered.set()


def test_without_keyring_the_extra_is_named(monkeypatch):
    """The error says what to install."""
    for name in list(sys.modules):
        if name.startswith("keyring.") or name.endswith(
            ("._keychain", "stores.keyring")
        ):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "keyring", None)

    with pytest.raises(ImportError, match=r"requests-ticktick\[keyring\]"):
        importlib.import_module("requests_ticktick.stores.keyring")


# -- processes -----------------------------------------------------------------------


def test_a_pickle_holds_the_names_and_no_token():
    """And the store's options; another process finds the token by them."""
    store = KeyringStore("it", "me", timeout=5.0, lock_timeout=7.0)
    store.save(Token("hunter2"))

    pickled = pickle.dumps(store)

    assert b"hunter2" not in pickled
    other = pickle.loads(pickled)
    assert other.load() == Token("hunter2")
    assert (other.timeout, other.lock_timeout) == (5.0, 7.0)
    assert repr(other) == "KeyringStore('it', 'me')"


def test_a_store_can_be_pickled_while_its_keychain_waits_for_a_person():
    """The copy does not wait for the answer to another's question."""
    slow = Slow()
    keyring.set_keyring(slow)
    store = KeyringStore(timeout=0.05)
    with pytest.raises(TokenStoreError):
        store.load()

    other = pickle.loads(pickle.dumps(store))

    with pytest.raises(TokenStoreError, match="did not answer"):
        other.load()
    assert slow.was_asked(times=2)
    slow.answered.set()


# A fork server has the environment of the first test that used it.
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_that_start_together_sign_on_once(sandbox, method):
    """Four of two threads each: one person asked, one token for all."""
    sandbox.delay(0.2)
    auth = client_of(sandbox, KeyringStore())

    results = workers.herd(method, 4, 2, auth, sandbox.url(PROJECT))

    assert [status for status, _ in results] == [200] * 8
    assert len({token for _, token in results}) == 1
    assert (sandbox.sign_ons, sandbox.token_requests) == (1, 1)
