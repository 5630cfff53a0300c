"""What a store in Redis has to say while Redis is down, and what it has not."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from clients import Person, client_of
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis_server import Door, Interrupted

from requests_ticktick import (
    AuthorizationDeniedError,
    LockTimeoutError,
    Token,
    TokenStoreError,
)
from requests_ticktick._stamp import Stamp
from requests_ticktick.stores import _redis_outage
from requests_ticktick.stores.redis import RedisStore

KEY = "requests-ticktick:token"


@pytest.fixture
def going_on(server):
    """A store that goes on from memory, over a server that is down."""
    store = RedisStore(server.client(), when_down="memory", lock_timeout=0.0)
    server.kill()
    yield store
    server.kill()


def warnings_in(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


def is_locked(store):
    try:
        with store.lock(0):
            return False
    except LockTimeoutError:
        return True


def in_redis(server):
    """What another machine finds."""
    return RedisStore(server.client()).load()


# -- what a process goes on with -------------------------------------------------------


def test_memory_takes_the_place_of_a_redis_that_is_down(going_on, caplog):
    """A failure is kept, and a lock among threads, after one warning."""
    before = going_on.version()

    going_on.record_failure("no")

    assert going_on.load() is None
    assert going_on.failure() == "no"
    assert going_on.version() != before
    with going_on.lock(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(is_locked, going_on).result()
    (warning,) = warnings_in(caplog)
    assert "this process's memory" in warning


@pytest.mark.parametrize("when_down", ["raise", "memory"])
def test_a_save_says_that_redis_is_down(server, when_down):
    """Who has the token keeps it; the store keeps nothing that Redis has not."""
    store = RedisStore(server.client(), when_down=when_down)
    store.save(Token("a"))
    server.kill()

    with pytest.raises(TokenStoreError, match=f"Redis cannot write {KEY}") as caught:
        store.save(Token("b"))
    assert ("when_down='memory'" in str(caught.value)) == (when_down == "raise")

    server.start()
    assert in_redis(server) is None


def test_threads_that_find_it_down_at_one_moment_warn_once(going_on):
    """While one is about to say so, the others go on."""
    saying, goes_on, said = threading.Event(), threading.Event(), []

    def slowly(record):
        if record.levelno == logging.WARNING:
            said.append(record.getMessage())
            saying.set()
            assert goes_on.wait(30)
        return True

    logger = logging.getLogger("requests_ticktick")
    logger.addFilter(slowly)
    try:
        with ThreadPoolExecutor(2) as pool:
            slow = pool.submit(going_on.load)
            assert saying.wait(30)
            fast = pool.submit(going_on.delete)  # which is tried at any rate
            assert isinstance(fast.exception(30), TokenStoreError)
            goes_on.set()
            assert slow.result(30) is None
    finally:
        goes_on.set()
        logger.removeFilter(slowly)
    assert len(said) == 1


def test_memory_knows_the_token_that_redis_had(server):
    """What was read or saved before the outage is there."""
    store = RedisStore(server.client(), when_down="memory")
    RedisStore(server.client()).save(Token("a"))
    store.load()
    server.kill()

    assert store.load() == Token("a")
    assert list(store.candidates()) == [Token("a")]


def test_forgetting_is_not_left_to_memory(server):
    """It forgets; but Redis would still have the token when it is back."""
    store = RedisStore(server.client(), when_down="memory")
    store.save(Token("a"))
    server.kill()

    with pytest.raises(TokenStoreError, match="cannot delete"):
        store.delete()

    assert store.load() is None


@pytest.mark.parametrize("latest", ["the latest", None])
def test_memory_knows_the_failure_that_redis_had(server, latest):
    """Not an older one of its own, which would be news to those who wait."""
    store = RedisStore(server.client(), when_down="memory")
    store.record_failure("an older one")
    RedisStore(server.client()).record_failure(latest)
    assert store.failure() == latest

    server.kill()

    assert store.failure() == latest


def test_there_is_no_room_in_the_place_of_another_owners_token(server):
    """As Redis was last seen: nobody is asked in vain for what it will not take."""
    store = RedisStore(server.client(), when_down="memory")
    store.save(Stamp("me", "https://as.test/t", None).put_on(Token("a")))
    server.kill()

    theirs = Stamp("you", "https://as.test/t", None).put_on(Token("b"))
    with pytest.raises(TokenStoreError, match="another client"):
        store.reserve(theirs).__enter__()


def test_a_redis_that_is_down_is_left_alone_for_a_while(monkeypatch):
    """A renewal asks eight times; one time-out is enough for it."""
    monkeypatch.setattr(_redis_outage, "PAUSE_SECONDS", 60.0)
    with Door() as door:
        client = redis.Redis(
            port=door.port, socket_timeout=10.0, retry=Retry(NoBackoff(), 0)
        )
        store = RedisStore(client, when_down="memory")
        store.load()
        opened = door.opened

        store.failure()
        with pytest.raises(TokenStoreError):
            store.save(Token("a"))
        with store.lock(0):
            store.load()

        assert door.opened == opened > 0
        with pytest.raises(TokenStoreError):
            store.delete()
        assert door.opened > opened, "forgetting is tried at any rate"


# -- what memory remembers of failures -------------------------------------------------


def test_a_failure_from_memory_is_no_answer_in_the_next_outage(
    server, sandbox, monkeypatch
):
    """Memory keeps what Redis has said since."""
    monkeypatch.setattr(_redis_outage, "PAUSE_SECONDS", 0.0)
    client = server.client(kind=Interrupted)
    store = RedisStore(client, when_down="memory")
    server.kill()
    person = Person(sandbox, AuthorizationDeniedError("no"))
    auth = client_of(sandbox, store, sign_on=person)
    with pytest.raises(AuthorizationDeniedError):
        auth.token()
    server.start()
    auth.sign_on()
    auth.forget()
    client.command, client.others = "read", [server.kill]  # while it is waited for

    assert client_of(sandbox, store, sign_on=person).token()
