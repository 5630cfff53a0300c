"""Redis' lock: held by one, renewed while it is held, and let go by the dead."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading

import pytest
import redis
from clients import client_of
from observing import until, warnings_in
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis_keys import KEY, LOCK, in_a_forked_child
from redis_server import (
    Door,
    Interrupted,
    NeverAnswers,
    ask,
    renew_often,
    save_when_told,
)

from requests_ticktick import (
    LockTimeoutError,
    Token,
)
from requests_ticktick.stores.redis import RedisStore


@pytest.fixture
def store(client):
    return RedisStore(client)


def is_locked(store):
    try:
        with store.lock(0):
            return False
    except LockTimeoutError:
        return True


def test_a_lock_time_out_names_the_holder(server, store):
    """Process, host and since when: what one needs to find it."""
    other = RedisStore(server.client(decode_responses=True), lock_timeout=0.0)

    with store.lock(), pytest.raises(LockTimeoutError) as caught:
        other.lock().__enter__()

    assert f"process {os.getpid()} on " in caught.value.holder
    assert " since 20" in caught.value.holder
    assert caught.value.holder in str(caught.value)


@pytest.mark.parametrize("value", ["", "{}", "[]", "\x00", '{"since": 1e99}'])
def test_a_lock_of_an_unknown_holder_is_a_lock(store, client, value):
    """Another program's value excludes all the same."""
    client.set(LOCK, value)

    with pytest.raises(LockTimeoutError, match="an unknown process") as caught:
        store.lock(0).__enter__()

    assert caught.value.holder is None


def test_the_lock_lasts_for_as_long_as_it_is_held(server, client, monkeypatch):
    """A person signs on for minutes; its time to live is far shorter."""
    renew_often(monkeypatch)
    store, other = RedisStore(client), RedisStore(server.client())

    with store.lock(0):
        renewals, last = 0, client.pttl(LOCK)
        while renewals < 2:
            left = client.pttl(LOCK)
            assert left > 0, "it was not renewed"
            renewals += left > last
            last = left
        assert is_locked(other)

    assert not is_locked(other)


def test_nothing_is_renewed_after_the_release(client):
    """The thread ends, and no lock is left behind."""
    store = RedisStore(client, lock_ttl=0.1)

    with store.lock(0):
        (thread,) = [t for t in threading.enumerate() if t.name == f"renews {LOCK}"]
    thread.join(30)

    assert not thread.is_alive()
    assert client.exists(LOCK) == 0


def test_the_lock_is_held_although_no_thread_can_be_started(
    store, client, caplog, monkeypatch
):
    """As at the interpreter's exit: it is not renewed, which is said."""

    def start(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)

    with store.lock(0):
        assert client.exists(f"{KEY}:lock")
        store.save(Token("a"))

    assert not client.exists(f"{KEY}:lock")
    assert "cannot be renewed" in caplog.text


def test_a_lost_lock_is_reported_while_it_is_held(store, client, caplog, monkeypatch):
    """A server without persistence forgets it; then another may have it."""
    renew_often(monkeypatch)

    with store.lock(0):
        client.flushall()
        until(lambda: warnings_in(caplog))
        with RedisStore(client).lock(0):
            pass

    (warning,) = warnings_in(caplog)
    assert f"{LOCK} was lost" in warning


def test_a_holder_that_lost_the_lock_is_warned_and_goes_on(client, monkeypatch):
    """A thread left writing may abort the program's end."""
    renew_often(monkeypatch)
    saying, goes_on, said = threading.Event(), threading.Event(), []

    class Slow(logging.Handler):
        def emit(self, record):
            saying.set()
            goes_on.wait(30)
            said.append(record)

    handler, logger = Slow(), logging.getLogger("requests_ticktick")
    logger.addHandler(handler)
    try:
        with RedisStore(client).lock(0):
            client.flushall()
            assert saying.wait(30)
            threading.Timer(0.2, goes_on.set).start()
        assert said
    finally:
        logger.removeHandler(handler)


def test_a_lost_lock_is_reported_at_its_release(store, client, caplog):
    """And the lock of whoever has it now stays."""
    with store.lock(0):
        client.flushall()
        client.set(LOCK, "another's")

    (warning,) = warnings_in(caplog)
    assert f"{LOCK} was lost" in warning
    assert client.get(LOCK) == b"another's"


def test_of_two_claims_at_once_the_first_gets_the_lock(server, store):
    """It was free when we looked, and is named all the same."""
    client = server.client(kind=Interrupted)
    client.command = "SET"
    lock = store.lock(0)
    client.others = [lock.__enter__]

    with pytest.raises(LockTimeoutError, match=f"process {os.getpid()} on"):
        RedisStore(client).lock(0).__enter__()

    lock.__exit__(None, None, None)
    assert not is_locked(store)


@pytest.mark.parametrize("breaks", [False, True], ids=["in vain", "in an error"])
def test_a_renewal_that_crosses_the_release_is_no_loss(
    server, caplog, monkeypatch, breaks
):
    """The lock was given back, not lost: nothing is reported."""
    renew_often(monkeypatch)
    caplog.set_level(logging.DEBUG, logger="requests_ticktick")
    client = server.client(kind=Interrupted)
    renewing, released = threading.Event(), threading.Event()

    def cross():
        renewing.set()
        assert released.wait(30)
        if breaks:
            raise redis.ConnectionError("for a moment")

    client.others = [lambda: None, cross]  # the first as room is taken, before the lock
    store = RedisStore(client)

    with store.lock(0):
        (thread,) = [t for t in threading.enumerate() if t.name == f"renews {LOCK}"]
        assert renewing.wait(30)
    released.set()
    thread.join(30)

    assert not thread.is_alive()
    assert LOCK not in caplog.text


def test_a_lock_that_was_got_unheard_is_held(server):
    """redis-py asks again when a connection breaks: it is ours already."""
    with Door(server, marker=b"\r\nNX\r\n") as door:
        client = server.client(
            port=door.port,
            retry=Retry(NoBackoff(), 1),
            retry_on_error=[redis.ConnectionError],
        )
        store = RedisStore(client)

        with store.lock(0):
            assert is_locked(RedisStore(server.client()))
        assert not is_locked(store)
        client.connection_pool.disconnect()


def test_a_lock_whose_server_dies_raises_nothing(server, caplog, monkeypatch):
    """What was done under it is done; that it was not freed is no error."""
    renew_often(monkeypatch)
    caplog.set_level(logging.DEBUG, logger="requests_ticktick")
    store = RedisStore(server.client())

    with store.lock(0):
        server.kill()
        until(lambda: "not renewed" in caplog.text)

    assert "not released" in caplog.text
    assert warnings_in(caplog) == []


def test_a_forked_child_leaves_the_lock_to_its_parent(store, client):
    """It does not free what it did not take, when it comes to the block's end."""
    lock = store.lock(0)
    lock.__enter__()

    assert in_a_forked_child(lambda: lock.__exit__(None, None, None)) == 0

    assert client.exists(LOCK) == 1
    lock.__exit__(None, None, None)
    assert client.exists(LOCK) == 0


def test_the_lock_of_a_machine_that_dies_is_free_soon(sandbox, server):
    """Killed while a person was asked; the next one asks, and goes on."""
    store = RedisStore(server.client(), lock_ttl=1.0)
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    doomed = client_of(sandbox, store, sign_on=NeverAnswers(theirs))
    process = spawn.Process(target=ask, args=(doomed,), daemon=True)
    process.start()
    os.kill(ours.recv(), signal.SIGKILL)
    process.join(30)

    token = client_of(sandbox, store).token()

    assert store.load() == token
    assert sandbox.sign_ons == 1


def test_a_machine_that_stood_still_overwrites_nothing(server, store):
    """Its lock has passed to another by then, and so has the token."""
    short = RedisStore(server.client(), lock_ttl=0.3)
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    late = Token("late", issued_at=100.0)
    process = spawn.Process(target=save_when_told, args=(short, late, theirs))
    process.start()
    os.kill(ours.recv(), signal.SIGSTOP)

    with store.lock(30):
        store.save(Token("newer", issued_at=200.0))
        os.kill(process.pid, signal.SIGCONT)
        ours.send("save")
        assert ours.recv() == "left"
        assert is_locked(short)

    process.join(30)
    assert process.exitcode == 0
    assert store.load().access_token == "newer"
