"""A keychain that is absent, locked, slow or broken."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from traceback import walk_tb

import keyring
import pytest
from clients import client_of
from inside import keychain_of
from keychains import Broken, FileKeyring, Slow
from keyring.backends import fail, null
from keyring.errors import (
    InitError,
    KeyringLocked,
    PasswordDeleteError,
    PasswordSetError,
)

from requests_ticktick import (
    SignOnRequiredError,
    TickTickAuth,
    Token,
    TokenStoreError,
    refuse,
)
from requests_ticktick._stamp import Stamp
from requests_ticktick.stores.keyring import KeyringStore

pytestmark = pytest.mark.usefixtures("keychain")


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


def test_another_clients_token_is_in_no_variable_of_the_error(secrets):
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
            keychain_of(store).timeout = 10.0  # this one is answered
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
