"""A refresh token is used once, and its successor is never lost."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from clients import Faulty, Person, client_of
from inside import grant_of
from observing import raises

from requests_ticktick import (
    ChainStore,
    EnvStore,
    FileStore,
    MemoryStore,
    SignOnRequiredError,
    Token,
    refuse,
)


def test_a_refresh_token_spares_the_person(sandbox, clock, tmp_path):
    """It is used once, and the one that came in its place is saved."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    store = FileStore(tmp_path / "t.json")
    auth = client_of(sandbox, store, clock=clock)
    first = auth.token()

    for _ in range(3):
        clock.advance(3600)
        auth.token()

    assert sandbox.sign_ons == 1
    assert sandbox.token_requests == 4
    assert sandbox.reuse_detected == 0
    assert store.load().refresh_token not in (None, first.refresh_token)


def test_an_answer_without_a_refresh_token_keeps_the_old(sandbox, clock):
    """RFC 6749 6: it stays in force."""
    sandbox.refresh_tokens = True
    auth = client_of(sandbox, clock=clock)
    first = auth.token()
    sandbox.fail(1, 200, {"access_token": "second", "expires_in": 3600})

    second = auth.source.token(instead_of=first)

    assert second.access_token == "second"
    assert second.refresh_token == first.refresh_token


def test_a_refresh_token_that_a_sibling_has_used_is_not_used(sandbox, clock, tmp_path):
    """Memory is older than the store: reuse would revoke the whole family."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    store = FileStore(tmp_path / "t.json")
    one, two = client_of(sandbox, store, clock=clock), client_of(sandbox, store)
    two.source.clock = clock
    one.token()
    clock.advance(3600)
    two.token()
    clock.advance(3600)

    assert one.token()
    assert (sandbox.reuse_detected, sandbox.sign_ons) == (0, 1)


def test_a_refresh_token_that_could_not_be_saved_is_used_once(
    sandbox, clock, tmp_path, monkeypatch
):
    """Then what the store has counts again: a sibling may have rotated that."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    one, two = (
        client_of(sandbox, FileStore(tmp_path / "t.json"), clock=clock)
        for _ in range(2)
    )
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", raises(OSError(28, "No space left on device")))
        one.token()
    clock.advance(1800)
    two.token()
    clock.advance(1800)
    one.token()
    clock.advance(1800)
    two.token()
    clock.advance(3600)

    one.token()

    assert sandbox.reuse_detected == 0
    assert sandbox.sign_ons == 2


@pytest.mark.parametrize("restarted", [False, True])
def test_a_refresh_token_in_the_environment_is_used_once(
    sandbox, clock, tmp_path, monkeypatch, restarted
):
    """What came of it is in the file, for this process and for later ones."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    monkeypatch.setenv(
        "A_TOKEN", repr(client_of(sandbox, clock=clock).token().to_dict())
    )
    person = Person(sandbox)
    store = ChainStore([EnvStore("A_TOKEN"), FileStore(tmp_path / "t.json")])
    auth = client_of(sandbox, store, clock=clock, sign_on=person)

    for _ in range(3):
        clock.advance(3600)
        if restarted:
            auth = client_of(sandbox, store, clock=clock, sign_on=person)
        auth.token()

    assert (sandbox.reuse_detected, person.asked) == (0, 0)


def test_a_token_that_no_store_has_outlives_its_own_refusal(sandbox, clock):
    """The store's, which it once replaced, has a refresh token that is spent."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    store, person = Faulty(), Person(sandbox)
    auth = client_of(sandbox, store, clock=clock, sign_on=person)
    auth.token()
    store.full = True
    clock.advance(3550)
    second = auth.token()
    sandbox.revoke(second.access_token)
    auth.source.token(instead_of=second)
    clock.advance(60)

    auth.token()

    assert (sandbox.reuse_detected, person.asked) == (0, 1)


@pytest.mark.parametrize("refresh", [True, False])
@pytest.mark.parametrize("late", [3550, 3600])
def test_a_thread_that_reads_late_finds_the_token_that_no_store_has(
    sandbox, clock, refresh, late
):
    """Between its reading and its turn, another one renewed."""
    sandbox.refresh_tokens, sandbox.expires_in = refresh, 3600
    reading, go, slow = threading.Event(), threading.Event(), threading.local()

    class Slow(Faulty):
        def load(self):
            token = super().load()
            slow.reads = getattr(slow, "reads", 0) - 1
            if slow.reads == 0:
                reading.set()
                assert go.wait(30)
            return token

    store, person = Slow(), Person(sandbox)
    auth = client_of(sandbox, store, clock=clock, sign_on=person)
    auth.token()
    store.full = True
    clock.advance(late)

    def ask_late():
        slow.reads = 2  # the question's own, and that for an answer
        return auth.token()

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(ask_late)
        assert reading.wait(30)
        auth.token()
        before = person.asked, sandbox.token_requests
        go.set()
        assert other.result(30)

    assert (person.asked, sandbox.token_requests) == before
    assert sandbox.reuse_detected == 0


def test_a_store_that_saved_what_it_said_it_had_not_is_believed_later(sandbox, clock):
    """A sibling has renewed what it has, meanwhile."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    store, person = Faulty(), Person(sandbox)
    one = client_of(sandbox, store, clock=clock, sign_on=person)
    two = client_of(sandbox, store, clock=clock, sign_on=person)
    store.unsure = True
    one.token()
    store.unsure = False
    clock.advance(3600)
    two.token()
    clock.advance(3600)

    one.token()

    assert (sandbox.reuse_detected, person.asked) == (0, 1)


def test_a_token_that_was_saved_is_the_stores_alone(sandbox, clock, tmp_path):
    """A false refusal of what a sibling made of it revives nothing older."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    store = FileStore(tmp_path / "t.json")
    one, two = (client_of(sandbox, store, clock=clock) for _ in range(2))
    one.token()
    clock.advance(3600)
    two.token()
    clock.advance(3600)
    sandbox.fail(1, 400, {"error": "invalid_grant"})

    one.token()

    assert (sandbox.reuse_detected, sandbox.sign_ons) == (0, 2)


def test_ctrl_c_while_a_token_is_saved_does_not_lose_it(
    sandbox, clock, tmp_path, monkeypatch
):
    """Its refresh token is the only one that still works."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    person = Person(sandbox)
    store = FileStore(tmp_path / "t.json")
    auth = client_of(sandbox, store, clock=clock, sign_on=person)
    auth.token()
    clock.advance(3600)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", raises(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            auth.token()

    assert auth.token()
    assert (sandbox.reuse_detected, person.asked) == (0, 1)


def test_after_a_refused_refresh_token_the_store_is_read_before_a_person_is_asked(
    sandbox, clock, tmp_path
):
    """Somebody without our lock has rotated it in the meantime."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    store = FileStore(tmp_path / "t.json")
    person = Person(sandbox)
    auth = client_of(sandbox, store, clock=clock, sign_on=person)
    auth.token()
    refresh = grant_of(auth).refresh
    stale = store.load()
    good = stale.replace(refresh_token=stale.refresh_token)

    def refresh_twice(token, *, now):
        store.save(good)
        return refresh(token, now=now)

    grant_of(auth).refresh = refresh_twice
    store.save(stale.replace(refresh_token="spent"))
    clock.advance(3600)

    assert auth.token()
    assert person.asked == 1


def test_a_spent_refresh_token_ends_in_a_sign_on(sandbox, clock, tmp_path):
    """Nothing was deleted on the way; the person is asked once."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    store = FileStore(tmp_path / "t.json")
    auth = client_of(sandbox, store, clock=clock)
    auth.token()
    sandbox.revoke_all(refresh_tokens=True)
    clock.advance(3600)
    before = (tmp_path / "t.json").read_bytes()
    worker = client_of(sandbox, store, clock=clock, sign_on=refuse)
    with pytest.raises(SignOnRequiredError):
        worker.token()
    assert (tmp_path / "t.json").read_bytes() == before

    assert auth.token()
    assert sandbox.sign_ons == 2


def test_dida365_s_refusal_of_the_grant_ends_in_a_sign_on(sandbox, clock):
    """``Unauthorized grant type: refresh_token`` is an end, not an outage."""
    store = MemoryStore(Token("old", refresh_token="r", expires_at=5.0))

    assert client_of(sandbox, store, clock=clock).token().access_token != "old"
    assert (sandbox.token_requests, sandbox.sign_ons) == (2, 1)
