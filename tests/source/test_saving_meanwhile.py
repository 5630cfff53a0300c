"""What happens to an unsaved token meanwhile: it is refused, forgotten or replaced."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from clients import Faulty, client_of
from inside import turns_of, wallet_of
from siblings import processes

from requests_ticktick import (
    ChainStore,
    FileStore,
    Token,
)
from requests_ticktick._source.saving import SAVE_AGAIN_AFTER


def test_a_token_that_was_forgotten_is_not_saved(sandbox, clock, store):
    """Nor that of the sign-on before the one that could be saved."""
    auth = client_of(sandbox, store, clock=clock)
    auth.token()
    auth.forget()
    store.full = False
    token = auth.token()
    clock.advance(SAVE_AGAIN_AFTER + 1)

    auth.token()

    assert store.load() == token


def test_another_clock_costs_no_unsaved_token(sandbox, clock, store):
    """A test may set it at any time."""
    store.full = True
    auth = client_of(sandbox, store)
    token = auth.token()

    auth.source.clock = clock

    assert auth.token() == token
    store.full = False
    clock.advance(2 * SAVE_AGAIN_AFTER + 1)
    assert auth.token() == token
    assert store.load() == token
    assert sandbox.sign_ons == 1


@pytest.mark.parametrize("late", [False, True])
def test_a_token_that_is_forgotten_meanwhile_is_forgotten(sandbox, clock, store, late):
    """While the lock is waited for it is not saved; after that, not revived."""
    auth = client_of(sandbox, store, clock=clock)
    first = auth.token()
    store.full = False
    name = "save" if late else "lock"
    usual = getattr(store, name)

    def interrupted(*args):
        auth.forget()
        return usual(*args)

    setattr(store, name, interrupted)
    clock.advance(SAVE_AGAIN_AFTER + 1)
    assert auth.token() == first

    assert wallet_of(auth).current is None
    assert late or store.load() is None


def test_ctrl_c_during_a_save_delays_it(sandbox, clock, store):
    """Both times: the third try has it saved."""
    auth = client_of(sandbox, store, clock=clock)
    store.full = False
    usual, breaks = store.save, [KeyboardInterrupt(), KeyboardInterrupt()]

    def broken_off(token):
        if breaks:
            raise breaks.pop()
        usual(token)

    store.save = broken_off
    with pytest.raises(KeyboardInterrupt):
        auth.token()
    clock.advance(SAVE_AGAIN_AFTER + 1)
    with pytest.raises(KeyboardInterrupt):
        auth.token()
    clock.advance(2 * SAVE_AGAIN_AFTER + 1)

    assert auth.token() == store.load()
    assert sandbox.sign_ons == 1


def test_a_token_that_came_meanwhile_is_not_taken_for_saved(sandbox, clock, store):
    """Somebody's sign-on in two steps ends while the one before is saved."""
    auth = client_of(sandbox, store, clock=clock)
    auth.token()
    usual, latest = store.save, []

    def interrupted(token):
        store.save = usual
        request = auth.begin_sign_on()
        latest.append(auth.complete_sign_on(request, sandbox.sign_on(request)))
        store.full = False
        usual(token)

    clock.advance(SAVE_AGAIN_AFTER + 1)
    store.save = interrupted
    auth.token()

    assert auth.token() is wallet_of(auth).unsaved is latest[0]


def test_only_one_caller_saves_when_a_save_is_due(sandbox, clock, store):
    """The others do not wait for a store that is slow, nor ask it themselves."""
    auth = client_of(sandbox, store, clock=clock)
    token = auth.token()
    clock.advance(SAVE_AGAIN_AFTER + 1)
    asked, slow, go = threading.Event(), [], threading.Event()

    def load():
        slow.append(threading.get_ident())
        asked.set()
        assert go.wait(30)

    store.load = load
    with ThreadPoolExecutor(1) as pool:
        one = pool.submit(auth.token)
        assert asked.wait(30)
        assert [auth.token() for _ in range(100)] == [token] * 100
        go.set()
        assert one.result(30) == token
    assert len(slow) == 1


def test_a_thread_that_comes_late_neither_tries_nor_forgets(sandbox, clock, store):
    """It saw that it was time; by now another has tried, in vain."""
    auth = client_of(sandbox, store, clock=clock)
    token = auth.token()
    store.full = False
    wallet_of(auth).current.save_at(0.0)
    assert auth.token() == token
    assert store.load() is None

    clock.advance(SAVE_AGAIN_AFTER + 1)
    auth.token()
    assert store.load() == token


def test_a_stored_token_gives_way_to_the_unsaved_one_that_replaced_it(
    sandbox, clock, store
):
    """A sign-on was asked for, and its token is the one to have."""
    auth = client_of(sandbox, store, clock=clock)
    store.full = False
    auth.token()
    store.full = True
    token = auth.sign_on(force=True)
    store.full = False
    clock.advance(SAVE_AGAIN_AFTER + 1)

    auth.token()

    assert store.load() == token


def test_a_late_refusal_when_it_is_time_does_not_end_the_tries(sandbox, clock, store):
    """It looks at the store, and goes on with the token that works."""
    auth = client_of(sandbox, store, clock=clock)
    token = auth.token()
    store.full = False
    clock.advance(SAVE_AGAIN_AFTER + 1)
    assert auth.source.token(instead_of=Token("before")) == token

    auth.token()

    assert store.load() == token


def test_late_refusals_are_no_reason_to_try(sandbox, clock, store):
    """Requests that went out with the token before; the pause stays as it is."""
    sandbox.expires_in = 3600
    auth = client_of(sandbox, store, clock=clock)
    first = auth.token()
    clock.advance(3601)
    second = auth.token()
    for _ in range(20):
        assert auth.source.token(instead_of=first) == second
    store.full = False
    clock.advance(SAVE_AGAIN_AFTER + 1)

    auth.token()

    assert store.load() == second


def test_a_token_in_the_store_that_has_expired_makes_way(sandbox, clock, store):
    """It came since; but this one works, and that one does not."""
    one, two = processes(sandbox, clock, store)
    sandbox.expires_in = 3600
    token = one.token()
    store.full = False
    sandbox.expires_in = 30
    two.token()
    clock.advance(SAVE_AGAIN_AFTER + 1)

    assert one.token() == token == store.load()


def test_a_refused_token_is_not_saved(sandbox, clock, store):
    """The API refused it as soon as it was granted."""
    auth = client_of(sandbox, store, clock=clock)
    auth.source.refused_at_once(auth.token())
    store.full = False
    clock.advance(SAVE_AGAIN_AFTER + 1)

    auth.token()

    assert store.load() is None


def test_a_saved_token_that_is_then_deleted_is_no_reason_to_ask(sandbox, clock, store):
    """It is in memory, and good for half a year."""
    auth = client_of(sandbox, store, clock=clock)
    token = auth.token()
    store.full = False
    clock.advance(SAVE_AGAIN_AFTER + 1)
    auth.token()
    store.delete()
    clock.advance(3 * SAVE_AGAIN_AFTER)

    assert auth.token() == token
    assert sandbox.sign_ons == 1


def test_an_unreadable_store_behind_it_does_not_matter(sandbox, clock, store):
    """The chain saves to the first that can be written."""
    behind = Faulty()
    auth = client_of(sandbox, ChainStore([store, behind]), clock=clock)
    token = auth.token()
    behind.blips = 1000
    store.full = False
    clock.advance(SAVE_AGAIN_AFTER + 1)

    assert auth.token() == token == store.load()


def test_a_failure_on_record_is_over_when_the_token_is_saved(sandbox, clock, store):
    """Whoever comes then finds the token and no failure."""
    auth = client_of(sandbox, store, clock=clock)
    auth.token()
    store.record_failure("of another")
    store.full = False
    clock.advance(SAVE_AGAIN_AFTER + 1)

    auth.token()

    assert store.failure() is None


def test_nobody_waits_for_a_store_whose_lock_is_held(sandbox, clock, tmp_path, store):
    """Somebody renews there: a minute later one will see."""
    auth = client_of(sandbox, store, clock=clock)
    token = auth.token()
    store.full = False
    clock.advance(SAVE_AGAIN_AFTER + 1)
    lock, waits = store.lock, []
    store.lock = lambda timeout=None: waits.append(timeout) or lock(timeout)
    with lock(0.0):
        assert auth.token() == token
        assert store.load() is None
    assert waits == [0.0]

    clock.advance(2 * SAVE_AGAIN_AFTER + 1)
    auth.token()
    assert store.load() == token


def test_a_store_without_locks_takes_it(sandbox, clock, tmp_path):
    """As it does when there is a new token."""
    (tmp_path / "folder").write_text("")
    store = FileStore(tmp_path / "folder" / "t.json")
    auth = client_of(sandbox, store, clock=clock)
    token = auth.token()
    (tmp_path / "folder").unlink()
    (tmp_path / "folder").mkdir(0o700)
    (tmp_path / "folder" / "t.json.lock").mkdir()
    clock.advance(SAVE_AGAIN_AFTER + 1)

    auth.token()

    assert store.load() == token


def test_a_web_applications_token_is_saved_later_as_well(sandbox, clock, store):
    """What complete_sign_on() could not save."""
    auth = client_of(sandbox, store, clock=clock)
    request = auth.begin_sign_on()
    token = auth.complete_sign_on(request, sandbox.sign_on(request))
    store.full = False
    clock.advance(SAVE_AGAIN_AFTER + 1)

    auth.token()

    assert store.load() == token


def test_where_nothing_can_be_written_nothing_is_tried(sandbox, clock, store):
    """A store that is only read is left alone."""
    store.writable = False
    store.save = None
    auth = client_of(sandbox, store, clock=clock)
    token = auth.token()
    clock.advance(SAVE_AGAIN_AFTER + 1)

    assert auth.token() is token
    assert auth.source.token(instead_of=Token("another")) is token
    assert sandbox.sign_ons == 1


def test_one_thread_tries_and_the_others_go_on(sandbox, clock, store):
    """What the one is at may come to nothing: then another tries."""
    auth = client_of(sandbox, store, clock=clock)
    token = auth.token()
    store.full = False
    clock.advance(SAVE_AGAIN_AFTER + 1)
    with turns_of(auth).lead():
        assert auth.token() == token
        assert store.load() is None

    clock.advance(2 * SAVE_AGAIN_AFTER + 1)
    auth.token()
    assert store.load() == token
