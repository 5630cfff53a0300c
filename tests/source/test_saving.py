"""A token that could not be saved is saved when the store takes it."""

from __future__ import annotations

import json

import pytest
from clients import Person, client_of
from inside import grant_of, put_into, wallet_of
from siblings import processes

from requests_ticktick import (
    ChainStore,
    EnvStore,
    Token,
)
from requests_ticktick._source.saving import SAVE_AGAIN_AFTER


def test_a_token_is_saved_once_the_store_takes_it(sandbox, clock, store, caplog):
    """A minute later; then another process needs no sign-on."""
    auth = client_of(sandbox, store, clock=clock)
    token = auth.token()
    store.full = False

    clock.advance(SAVE_AGAIN_AFTER - 1)
    assert auth.token() is token
    assert store.load() is None

    clock.advance(2)
    assert auth.token() == token
    assert store.load() == token
    assert wallet_of(auth).unsaved is None
    assert client_of(sandbox, store, clock=clock).token() == token
    assert sandbox.sign_ons == 1
    assert [r.levelname for r in caplog.records if "saved" in r.getMessage()] == [
        "INFO"
    ]


def test_a_token_is_saved_behind_one_that_is_only_given(
    sandbox, clock, store, monkeypatch
):
    """What has come into the environment since does not stand in its way."""
    monkeypatch.delenv("TICKTICK_TOKEN", raising=False)
    chain = ChainStore([EnvStore("TICKTICK_TOKEN"), store])
    auth = client_of(sandbox, chain, clock=clock)
    token = auth.token()
    store.full = False
    given = {**token.to_dict(), "access_token": "given"}
    monkeypatch.setenv("TICKTICK_TOKEN", json.dumps(given))
    clock.advance(SAVE_AGAIN_AFTER + 1)

    auth.token()

    assert store.load() == token


def test_a_saved_token_is_not_compared_with_the_store_again(sandbox, clock, store):
    """Neither what was saved at once, nor what was saved later."""
    auth = client_of(sandbox, store, clock=clock)
    token = auth.token()
    store.full = False
    clock.advance(SAVE_AGAIN_AFTER + 1)
    auth.token()
    store.blips = 100
    for _ in range(10):
        clock.advance(SAVE_AGAIN_AFTER + 1)
        auth.token()
    assert store.blips == 100

    store.blips = 0
    auth.source.token(instead_of=token)
    store.blips = 100
    for _ in range(10):
        clock.advance(SAVE_AGAIN_AFTER + 1)
        auth.token()
    assert store.blips == 100


def test_a_store_that_stays_full_is_tried_less_and_less_often(sandbox, clock, store):
    """A keychain may ask a person each time. Nobody else is asked anything."""
    person, tries = Person(sandbox), []
    auth = client_of(sandbox, store, clock=clock, sign_on=person)
    began = clock.monotonic()
    save = store.save
    store.save = lambda token: (tries.append(clock.monotonic() - began), save(token))

    for _ in range(1200):
        auth.token()
        clock.advance(1)
    assert [round(t) for t in tries] == [0, 61, 182, 423, 904]
    assert person.asked == 1

    auth.sign_on(force=True)
    clock.advance(SAVE_AGAIN_AFTER + 1)
    auth.token()
    assert [round(t) for t in tries][5:] == [1200, 1261]


def test_a_clock_set_back_does_not_delay_the_next_save(sandbox, clock, store):
    """The other clock counts on."""
    auth = client_of(sandbox, store, clock=clock)
    token = auth.token()
    store.full = False
    clock.jump(-3600)
    clock.advance(SAVE_AGAIN_AFTER + 1)

    auth.token()

    assert store.load() == token


@pytest.mark.parametrize("jump", [0, -3600])
@pytest.mark.parametrize("late", [10, 70])
def test_an_unsaved_token_is_renewed_on_time(sandbox, clock, store, late, jump):
    """Looking at the store again is nothing that a renewal waits for."""
    sandbox.expires_in = 130
    sandbox.clock = clock.monotonic
    auth = client_of(sandbox, store, clock=clock)
    first = auth.token()
    clock.advance(SAVE_AGAIN_AFTER + 1)
    assert auth.token() == first

    clock.jump(jump)
    clock.advance(late)

    assert auth.token().access_token != first.access_token


@pytest.mark.parametrize("in_two_steps", [False, True])
def test_a_token_that_a_sibling_has_saved_since_stays(
    sandbox, clock, store, in_two_steps
):
    """It is the later one; the other works on, in memory."""
    one, two = processes(sandbox, clock, store)
    if in_two_steps:
        request = one.begin_sign_on()
        token = one.complete_sign_on(request, sandbox.sign_on(request))
    else:
        token = one.token()
    store.full = False
    theirs = two.token()

    clock.advance(SAVE_AGAIN_AFTER + 1)

    assert one.token() == token
    assert store.load() == theirs
    assert sandbox.sign_ons == 2


def test_a_token_that_a_sibling_has_saved_since_the_clock_was_set_back_stays(
    sandbox, clock, store
):
    """Later is not what says so, but what was not there before."""
    one, two = processes(sandbox, clock, store)
    one.token()
    store.full = False
    clock.jump(-3600)
    theirs = two.token()

    clock.advance(SAVE_AGAIN_AFTER + 1)
    one.token()

    assert store.load() == theirs


def test_a_refused_token_in_the_store_makes_way(sandbox, clock, store):
    """A sibling's that came since, and that the API has refused."""
    one, two = processes(sandbox, clock, store)
    token = one.token()
    store.full = False
    theirs = two.token()
    wallet_of(one).refuse(theirs)

    clock.advance(SAVE_AGAIN_AFTER + 1)
    one.token()

    assert store.load() == token


def test_a_store_that_could_not_even_be_read_takes_it(sandbox, clock, store):
    """A mount that was gone for a while."""
    auth = client_of(sandbox, store, clock=clock)
    old = Token("old", expires_at=clock.time() - 1, issued_at=1.0)
    put_into(store, grant_of(auth).stamp.put_on(old))
    store.blips = 1
    token = auth.token()
    store.full = False

    clock.advance(SAVE_AGAIN_AFTER + 1)
    auth.token()

    assert store.load() == token


@pytest.mark.parametrize("since", [False, True])
def test_another_apps_token_is_never_overwritten(sandbox, clock, store, since):
    """However often it is tried; once that has gone, there is room."""
    theirs = Token("theirs", issued_at=1.0, extra={"client_id": "another"})
    auth = client_of(sandbox, store, clock=clock)
    if since:
        token = auth.token()
        put_into(store, theirs)
    else:
        put_into(store, theirs)
        token = auth.token()
    store.full = False

    clock.advance(SAVE_AGAIN_AFTER + 1)
    assert auth.token() == token
    assert store.load() is theirs

    store.delete()
    clock.advance(2 * SAVE_AGAIN_AFTER + 1)
    auth.token()
    assert store.load() == token
