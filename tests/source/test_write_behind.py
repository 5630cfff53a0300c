"""An unsaved token is the store's to get: all who share the store's object have it."""

from __future__ import annotations

import copy
import gc
import logging
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from away import Away
from clients import Faulty, Person, client_of
from inside import put_into, turns_of, wallet_of

from requests_ticktick import (
    ChainStore,
    EnvStore,
    LockTimeoutError,
    MemoryStore,
    TokenStoreError,
    refuse,
)
from requests_ticktick._source import write_behind
from requests_ticktick._source.saving import SAVE_AGAIN_AFTER
from requests_ticktick.stores._base import AwayError


class Equal(Faulty):
    """A store like a dataclass: equal by value, and no key of a dictionary."""

    __hash__ = None

    def __eq__(self, other):
        return isinstance(other, Equal)


def warnings_in(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


# -- who has it ----------------------------------------------------------------


@pytest.mark.parametrize("kind", [Faulty, Equal])
def test_auths_that_share_a_store_share_its_unsaved_token(sandbox, clock, kind):
    """Also by way of a chain; whoever calls when it is time saves it."""
    store = kind()
    store.full = True
    person = Person(sandbox)
    chain = ChainStore([EnvStore("NONE_OF_OURS"), store])
    one, other = (
        client_of(sandbox, each, clock=clock, sign_on=person) for each in (store, chain)
    )

    token = one.token()

    assert other.token() == token
    assert person.asked == 1
    store.full = False
    clock.advance(SAVE_AGAIN_AFTER + 1)
    other.token()
    assert store.load() == token


@pytest.mark.parametrize("kind", [Faulty, Equal])
def test_another_store_is_another_place(sandbox, kind):
    """Also where it says that it equals the one that is full."""
    stores = kind(), kind()
    for store in stores:
        store.full = True

    first, second = (client_of(sandbox, store).token() for store in stores)

    assert first != second


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, copy.copy, lambda store: pickle.loads(pickle.dumps(store))],
    ids=["deep copy", "copy", "pickle"],
)
def test_a_copy_of_the_store_begins_without(sandbox, copied):
    """It may go anywhere, and a token must not."""
    store = Faulty()
    store.full = True
    client_of(sandbox, store).token()

    person = Person(sandbox)
    client_of(sandbox, copied(store), sign_on=person).token()

    assert person.asked == 1


def test_another_clients_unsaved_token_is_not_used(sandbox, clock):
    """Each waits for the store by itself."""
    store = Faulty()
    store.full = True
    auths = [
        client_of(sandbox, store, clock=clock, scope=scope)
        for scope in ("tasks:read", "tasks:read tasks:write")
    ]

    tokens = [auth.token() for auth in auths]

    assert [auth.token() for auth in auths] == tokens
    assert tokens[0].access_token != tokens[1].access_token


def test_a_store_that_is_only_read_shares_nothing(sandbox, monkeypatch):
    """There is nothing to be saved later: each auth has its own memory."""
    monkeypatch.setenv("A_TOKEN", "")
    store = EnvStore("A_TOKEN")

    tokens = {client_of(sandbox, store).token().access_token for _ in range(2)}

    assert len(tokens) == 2


def test_nothing_is_left_of_a_store_that_is_gone(sandbox):
    """Nor of its token: a web application has one for each person."""
    gc.collect()
    before = set(write_behind.known)
    store = Faulty()
    store.full = True
    client_of(sandbox, store).token()
    assert len(write_behind.known) == len(before) + 1

    del store
    gc.collect()

    assert set(write_behind.known) <= before


def test_a_waiting_thread_gets_the_token_however_late_it_looks(sandbox):
    """The other's save fails just between two looks: at tokens, and at failures."""
    store, asked, goes_on = Faulty(), threading.Event(), threading.Event()
    store.full = True
    person = Person(sandbox)

    def sign_on(request):
        asked.set()
        assert goes_on.wait(30)
        return person(request)

    one, two = (client_of(sandbox, store, sign_on=sign_on) for _ in range(2))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(one.token)
        assert asked.wait(30)
        waiter, usual_lock, usual_load = threading.get_ident(), store.lock, store.load
        waits = threading.Event()

        def lock(timeout=None):
            if threading.get_ident() == waiter:
                waits.set()
            return usual_lock(timeout)

        def load():
            if threading.get_ident() == waiter and waits.is_set():
                goes_on.set()
                first.result(30)
            return usual_load()

        store.lock, store.load = lock, load

        assert two.token() == first.result(30)
    assert person.asked == 1


def test_the_last_of_two_sign_ons_is_saved_by_whoever_calls(sandbox, clock):
    """Also by an auth that goes on with the first."""
    store = Faulty()
    store.full = True
    one, two = (client_of(sandbox, store, clock=clock) for _ in range(2))
    first = one.token()
    second = two.sign_on(force=True)

    for full in (True, False):
        store.full = full
        clock.advance(2 * SAVE_AGAIN_AFTER + 1)
        assert one.token() == first

    assert store.load() == second


def test_a_token_that_one_auth_has_saved_is_not_tried_by_the_other(sandbox, clock):
    """It goes on from memory, without another look at the store."""
    store = Faulty()
    store.full = True
    one, two = (client_of(sandbox, store, clock=clock) for _ in range(2))
    token = one.token()
    assert two.token() == token
    store.full = False
    clock.advance(SAVE_AGAIN_AFTER + 1)
    one.token()
    two.token()

    store.blips = 100
    for _ in range(10):
        clock.advance(SAVE_AGAIN_AFTER + 1)
        assert wallet_of(two).deadlines.is_quiet(wallet_of(two).current)
        assert two.token() == token
    assert store.blips == 100


def test_a_token_that_one_auth_forgets_is_not_saved_by_the_other(sandbox, clock):
    """It is to leave every store."""
    store = Faulty()
    store.full = True
    one, two = (client_of(sandbox, store, clock=clock) for _ in range(2))
    one.token()
    two.token()
    one.forget()
    store.full = False
    clock.advance(SAVE_AGAIN_AFTER + 1)

    two.token()

    assert store.load() is None


def test_a_token_forgotten_during_its_save_stays_forgotten(sandbox):
    """The store has it all the same, where it was not there yet to be deleted."""
    store = Faulty()
    usual = store.save
    auth = client_of(sandbox, store)

    def interrupted(token):
        auth.forget()
        usual(token)

    store.save = interrupted
    token = auth.token()

    assert wallet_of(auth).current is None
    assert wallet_of(auth).unsaved is None
    assert store.load() == token


@pytest.mark.parametrize("full", [False, True])
def test_a_save_that_lost_the_race_is_not_repeated(sandbox, clock, monkeypatch, full):
    """Whether that one has saved it or not; all go on."""
    store = Away(clock)
    one, two = (client_of(sandbox, store, clock=clock) for _ in range(2))
    token = one.token()
    two.token()
    store.is_away, store.full = False, full
    clock.advance(2)
    turns = turns_of(one)
    usual = turns.lead

    def lead():
        two.token()
        return usual()

    monkeypatch.setattr(turns, "lead", lead)

    assert one.token() == token
    assert len(store.tries) == 2
    assert store.load() == (None if full else token)


def test_a_dead_token_is_saved_nowhere(sandbox, clock):
    """Its successor came from a sibling; nobody takes a lock for it."""
    sandbox.expires_in = 300
    store = Faulty()
    store.full = True
    auth = client_of(sandbox, store, clock=clock)
    auth.token()
    clock.advance(301)
    sandbox.expires_in = 3600
    theirs = client_of(sandbox, MemoryStore(), clock=clock).token()
    put_into(store, theirs)
    store.lock = None

    for _ in range(3):
        assert auth.token() == theirs
        clock.advance(SAVE_AGAIN_AFTER + 1)


def tries_of(auth, clock, store, seconds):
    """Call ten times a second; return when the store was tried."""
    began = clock.monotonic()
    while clock.monotonic() < began + seconds:
        auth.token()
        clock.advance(0.1)
    return [round(tried - began) for tried in store.tries]


# -- when it is saved ----------------------------------------------------------


def test_a_store_that_is_away_is_tried_again_soon(sandbox, clock):
    """After a second, and then every few: others look there for the token."""
    store = Away(clock)
    auth = client_of(sandbox, store, clock=clock)

    tries = tries_of(auth, clock, store, 25)

    assert tries == [0, 1, 3, 7, 12, 17, 22]


def test_a_store_that_takes_long_to_say_so_is_tried_less_often(sandbox, clock):
    """Calls spend a tenth of their time on that at most."""
    store = Away(clock)
    store.takes = 5.0
    auth = client_of(sandbox, store, clock=clock)

    tries = tries_of(auth, clock, store, 300)

    assert len(tries) == 7
    store.takes, store.is_away = 0.0, False
    clock.advance(60)
    token = auth.token()
    assert store.load() == token


def test_a_store_that_is_back_and_full_is_tried_as_any_that_is_full(
    sandbox, clock, caplog
):
    """That is another trouble, and has a warning of its own."""
    store = Away(clock)
    store.full = True
    auth = client_of(sandbox, store, clock=clock)
    auth.token()
    store.is_away = False

    assert tries_of(auth, clock, store, 300) == [0, 1, 61, 181]
    assert warnings_in(caplog) == [
        f"{reason} The token is used from memory."
        for reason in ("Its server is away.", "It is full.")
    ]


def test_an_outage_that_the_store_has_logged_is_not_logged_again(
    sandbox, clock, caplog
):
    """Neither when it begins nor when it is over."""
    store = Away(clock)
    save = store.save

    def save_or_tell(token):
        try:
            save(token)
        except AwayError as error:
            error.is_told = True
            raise

    store.save = save_or_tell
    auth = client_of(sandbox, store, clock=clock)
    token = auth.token()
    store.is_away = False
    clock.advance(2)
    auth.token()

    assert store.load() == token
    said = [r.getMessage() for r in caplog.records if r.levelno >= logging.INFO]
    assert [line.partition(" ")[0] for line in said] == ["Signed", "Saved"]


def test_each_outage_is_logged_once(sandbox, clock, caplog):
    """With the same words; within one, once."""
    store = Away(clock)
    auth = client_of(sandbox, store, clock=clock)
    for _ in range(2):
        store.is_away = True
        auth.sign_on(force=True)
        auth.sign_on(force=True)
        store.is_away = False
        clock.advance(2)
        auth.token()

    told = [r.getMessage() for r in caplog.records if r.levelno >= logging.INFO]
    assert [line for line in told if not line.startswith("Signed on")] == 2 * [
        "Its server is away. The token is used from memory.",
        "The token that was used from memory is saved.",
    ]


def test_a_held_lock_delays_the_save_for_a_moment(sandbox, clock):
    """Somebody signs on there: the token is looked for soon after."""
    store = Away(clock)
    auth = client_of(sandbox, store, clock=clock)
    token = auth.token()
    store.is_away = False
    clock.advance(2)
    with store.lock(0.0):
        auth.token()
        assert store.load() is None

    clock.advance(2.1)
    auth.token()

    assert store.load() == token


def test_a_save_that_cannot_get_the_lock_is_warned_of(sandbox, clock, caplog):
    """A store's save may take one of its own."""
    store = Faulty()
    usual = store.save

    def held(token):
        raise LockTimeoutError("Somebody holds it.")

    store.save = held
    auth = client_of(sandbox, store, clock=clock)
    token = auth.token()
    assert "LockTimeoutError" in caplog.text

    store.save = usual
    clock.advance(SAVE_AGAIN_AFTER + 1)
    assert auth.token() == token == store.load()


def test_a_record_that_cannot_be_dropped_is_no_failed_save(sandbox, caplog):
    """Whoever waits finds the token, which goes before a failure."""
    store = Faulty()

    def fail(failure):
        raise TokenStoreError("It cannot be written.")

    store.record_failure = fail
    auth = client_of(sandbox, store)

    token = auth.token()

    assert store.load() == token
    assert wallet_of(auth).unsaved is None
    assert warnings_in(caplog) == []
    assert client_of(sandbox, store, sign_on=refuse).token() == token
