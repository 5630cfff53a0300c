"""Signing on, forgetting and copying when a program asks for it."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from clients import Faulty, Person, client_of
from inside import turns_of, wallet_of
from observing import watch_for_waiters

from requests_ticktick import (
    AuthorizationDeniedError,
    ChainStore,
    EnvStore,
    FileStore,
    MemoryStore,
    SignOnError,
    Token,
    TokenStoreError,
)


def test_sign_on_asks_only_where_there_is_no_token(sandbox):
    """With ``ask`` it asks in any case, also past a refresh token."""
    sandbox.refresh_tokens = True
    auth = client_of(sandbox)

    first = auth.sign_on()
    assert auth.sign_on() is first
    assert auth.sign_on(ask=True) is not first
    assert auth.token() is not first
    assert sandbox.sign_ons == 2


def test_a_forced_sign_on_that_is_denied_stops_no_renewal(sandbox, clock):
    """It was not to replace the token, which is refreshed in its time."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    person = Person(sandbox, None, AuthorizationDeniedError("no"))
    auth = client_of(sandbox, clock=clock, sign_on=person)
    first = auth.token()
    with pytest.raises(AuthorizationDeniedError):
        auth.sign_on(ask=True)

    clock.advance(3550)

    assert auth.token() is not first


def test_a_forced_sign_on_is_not_content_with_what_was_there(sandbox):
    """Also where it waited for a thread that found just that."""
    auth = client_of(sandbox)
    first = auth.token()
    attempt, _ = turns_of(auth).join()
    waiting = watch_for_waiters(attempt)

    with ThreadPoolExecutor(1) as pool:
        follower = pool.submit(auth.sign_on, force=True)
        assert waiting.wait(30)
        with attempt:
            attempt.token = first
        assert follower.result(30) != first


def test_a_sign_on_must_return_a_url(sandbox):
    """A callable that forgets its return is told so."""
    with pytest.raises(SignOnError, match="NoneType"):
        client_of(sandbox, sign_on=lambda request: None).token()


def test_a_sign_on_that_needs_its_own_token_is_told_so(sandbox):
    """It would wait for itself; and so would everybody else."""

    def sign_on(request):
        requests.get(sandbox.url("/open/v1/project"), auth=auth)

    auth = client_of(sandbox, sign_on=sign_on)

    with pytest.raises(SignOnError, match="without this auth"):
        auth.token()


def test_forget_drops_the_token_everywhere(sandbox, tmp_path):
    """From memory and from the file; the next call signs on."""
    store = FileStore(tmp_path / "t.json")
    auth = client_of(sandbox, ChainStore([EnvStore("UNSET"), store]))
    auth.token()

    auth.forget()

    assert store.load() is None
    auth.token()
    assert sandbox.sign_ons == 2


def test_forget_goes_on_behind_a_store_that_is_down(sandbox):
    """The error comes at the end."""
    down, kept = Faulty(Token("a")), MemoryStore(Token("b"))
    auth = client_of(sandbox, ChainStore([down, kept]))
    auth.token()
    down.blips = 1

    with pytest.raises(TokenStoreError, match="cannot be read"):
        auth.forget()

    assert kept.load() is None
    assert wallet_of(auth).current is None


def test_forget_forgets_what_was_read_meanwhile(sandbox):
    """Another thread asks for a token before the store has dropped it."""

    class Busy(MemoryStore):
        def delete(self):
            auth.token()
            super().delete()

    auth = client_of(sandbox, Busy())
    first = auth.token()

    auth.forget()

    assert auth.token() != first


def test_forget_forgets_what_no_store_has(sandbox):
    """It is nowhere else."""
    auth = client_of(sandbox, ChainStore([EnvStore("UNSET")]))
    first = auth.token()

    auth.forget()

    assert auth.token() != first


def test_a_sign_on_in_two_steps_waits_for_nobody_for_long(sandbox, tmp_path):
    """The code is good once: its token is saved with the lock or without."""
    store = FileStore(tmp_path / "t.json")
    auth = client_of(sandbox, store)
    request = auth.begin_sign_on()
    redirected_url = sandbox.sign_on(request)

    with FileStore(tmp_path / "t.json").lock(0):
        token = auth.complete_sign_on(request, redirected_url)

    assert store.load() == token


def test_an_auth_is_pickled_without_its_locks(sandbox, clock, tmp_path):
    """The copy reads the same file, by the same clock, and signs nobody on."""
    auth = client_of(sandbox, FileStore(tmp_path / "t.json"), clock=clock)
    first = auth.token()

    copy = pickle.loads(pickle.dumps(auth))

    assert copy.token() == first
    assert copy.source.clock.time() == clock.time()
    assert sandbox.sign_ons == 1
