"""Revocation beside everybody else: locks, stores, threads, processes."""

from __future__ import annotations

import threading

import pytest
import requests
from clients import Plain, client_of
from inside import grant_of, wallet_of

from requests_ticktick import (
    ChainStore,
    EnvStore,
    FileStore,
    LockTimeoutError,
    MemoryStore,
    TickTickAuthError,
    Token,
    TokenStoreError,
    refuse,
)

PROJECT = "/open/v1/project"


@pytest.fixture
def new_session():
    """A session without an auth, which is closed."""
    with requests.Session() as session:
        yield session


def api_status(sandbox, token):
    headers = {"Authorization": f"Bearer {token.access_token}"}
    return requests.get(sandbox.url(PROJECT), headers=headers, timeout=20).status_code


# -- under the lock -------------------------------------------------------------------


def test_a_renewal_that_is_under_way_is_waited_for(sandbox, tmp_path):
    """Its token is revoked as well, so that none comes back to life."""
    path = tmp_path / "t.json"
    signing_on, may_finish = threading.Event(), threading.Event()

    def slowly(request):
        signing_on.set()
        assert may_finish.wait(60)
        return sandbox.sign_on(request)

    renewing = client_of(sandbox, FileStore(path), sign_on=slowly)
    tokens = []
    thread = threading.Thread(target=lambda: tokens.append(renewing.token()))
    thread.start()
    assert signing_on.wait(60)
    auth = client_of(sandbox, FileStore(path), sign_on=refuse)
    lock_of, waiting = auth.source.store.lock, threading.Event()

    def lock(timeout=None):
        waiting.set()
        return lock_of(timeout)

    auth.source.store.lock = lock
    results = []
    revoking = threading.Thread(target=lambda: results.append(auth.revoke()))
    revoking.start()
    assert waiting.wait(60)
    may_finish.set()
    thread.join(60)
    revoking.join(60)

    # The sign-on may have got its token before or after: never in between.
    assert results == [True]
    assert api_status(sandbox, tokens[0]) == 401
    assert FileStore(path).load() is None


def test_nobody_renews_while_a_token_is_revoked(sandbox, tmp_path):
    """Others wait, and find no token then."""
    store = FileStore(tmp_path / "t.json")
    auth = client_of(sandbox, store)
    auth.token()
    tried = []
    send = grant_of(auth).revocation

    def revocation():
        made = send()
        revoke = made.revoke

        def watched(token, *, now):
            with pytest.raises(LockTimeoutError), store.lock(0.0):
                pass
            tried.append(token)
            revoke(token, now=now)

        made.revoke = watched
        return made

    grant_of(auth).revocation = revocation

    assert auth.revoke()
    assert len(tried) == 1
    with store.lock(0.0):
        pass


def test_a_lock_that_somebody_keeps_is_not_broken(sandbox, tmp_path):
    """Nothing is revoked without it."""
    store = FileStore(tmp_path / "t.json", lock_timeout=0.1)
    auth = client_of(sandbox, store)
    token = auth.token()

    with FileStore(tmp_path / "t.json").lock(), pytest.raises(LockTimeoutError):
        auth.revoke()

    assert api_status(sandbox, token) == 200
    assert auth.token() == token


def test_a_store_without_locks_is_no_hindrance(sandbox, caplog):
    """As it is none for a renewal."""

    class Lockless(Plain):
        def lock(self, timeout=None):
            raise TokenStoreError("There is no lock here.")

    auth = client_of(sandbox, Lockless())
    token = auth.token()

    assert auth.revoke()

    assert api_status(sandbox, token) == 401
    assert "Going on without a lock" in caplog.text


def test_a_store_that_cannot_be_cleared_says_so(sandbox):
    """The token is revoked, and this process does not use it again."""

    class Stuck(MemoryStore):
        def delete(self):
            raise TokenStoreError("It cannot be deleted.")

    auth = client_of(sandbox, Stuck(), sign_on=sandbox.sign_on)
    token = auth.token()

    with pytest.raises(TokenStoreError, match="cannot be deleted"):
        auth.revoke()

    assert api_status(sandbox, token) == 401
    assert auth.token() != token


def test_a_store_that_breaks_its_contract_costs_no_token(sandbox):
    """Whatever leaves is one of our errors, and nothing was revoked."""

    class Broken(MemoryStore):
        def candidates(self):
            raise RuntimeError("A bug.")

    auth = client_of(sandbox, Broken())

    with pytest.raises(TickTickAuthError, match="RuntimeError"):
        auth.revoke()
    assert sandbox.revocation_requests == 0


def test_other_processes_find_no_token_once_they_look(new_session, sandbox, tmp_path):
    """One that has it in memory gets a 401 for it, and asks a person."""
    path, url = tmp_path / "t.json", sandbox.url(PROJECT)
    session = new_session
    session.auth = client_of(sandbox, FileStore(path))
    assert session.get(url).status_code == 200

    assert client_of(sandbox, FileStore(path), sign_on=refuse).revoke()

    assert session.get(url).status_code == 200
    assert sandbox.sign_ons == 2


def test_a_thread_that_has_just_read_the_store_does_not_bring_it_back(sandbox):
    """Its own call may use the token; the next one does not."""
    auth = client_of(sandbox, MemoryStore(Token(sandbox.issue_token("a-token-1"))))
    wallet = wallet_of(auth)
    best = wallet.best

    def revoked_meanwhile():
        found = best()
        wallet.best = best
        assert auth.revoke()
        return found

    wallet.best = revoked_meanwhile

    assert auth.token().access_token == "a-token-1"
    assert auth.token().access_token != "a-token-1"


def test_another_clients_variable_is_not_mentioned(sandbox, monkeypatch, caplog):
    """It was not revoked."""
    monkeypatch.setenv("MY_TOKEN", '{"access_token": "a-token-1", "client_id": "x"}')
    auth = client_of(sandbox, ChainStore([EnvStore("MY_TOKEN"), MemoryStore()]))
    auth.token()

    assert auth.revoke()

    assert "still has the token" not in caplog.text
