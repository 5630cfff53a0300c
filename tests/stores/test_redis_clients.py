"""Redis in trouble, copies of a store and of its client, and a fleet."""

from __future__ import annotations

import copy
import importlib
import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
import workers
from clients import Person, client_of
from inside import lock_of, redis_of
from observing import until, warnings_in
from redis.sentinel import Sentinel
from redis_keys import KEY, in_a_forked_child, told_by
from redis_server import (
    Interrupted,
    OutageClock,
)

from requests_ticktick import (
    AuthorizationDeniedError,
    Token,
    TokenStoreError,
)
from requests_ticktick.stores import _redis_outage
from requests_ticktick.stores.redis import RedisStore

PROJECT = "/open/v1/project"


@pytest.fixture
def store(client):
    return RedisStore(client)


def each_verb(store):
    return {
        "read": store.load,
        "write": lambda: store.save(Token("hunter2")),
        "delete": store.delete,
        "lock": lambda: store.lock(0).__enter__(),
    }


# -- Redis in trouble ----------------------------------------------------------


@pytest.mark.parametrize("verb", ["read", "write", "delete", "lock"])
def test_a_redis_that_is_down_is_an_error_with_a_next_step(server, secrets, verb):
    """It names the key and what to look at; it shows no secret."""
    secrets.add("hunter2", "pa55word")
    store = RedisStore(server.client(password="pa55word"))
    server.kill()

    with pytest.raises(TokenStoreError, match="See that it runs") as caught:
        each_verb(store)[verb]()

    error = caught.value
    assert f"Redis cannot {verb} {KEY}: ConnectionError" in str(error)
    assert error.location == KEY
    assert error.__context__ is None
    shown = f"{told_by(error)} {store!r} {vars(store)!r}"
    assert secrets.shown_in(shown) == []


def test_the_note_beside_the_token_is_unknown_while_redis_is_down(server):
    """That is not the same as none: it would be taken for a new one later."""
    store = RedisStore(server.client())
    server.kill()

    with pytest.raises(TokenStoreError, match="cannot read"):
        store.failure()
    with pytest.raises(TokenStoreError, match="cannot write"):
        store.record_failure("no")
    assert store.version() is None


def test_an_old_failure_is_no_answer_after_an_outage(server, sandbox, monkeypatch):
    """It was there before, although it could not be read then."""
    monkeypatch.setattr(_redis_outage, "SHORT_PAUSE_SECONDS", 0.0)
    client = server.client(kind=Interrupted)
    store = RedisStore(client)
    no, person = Person(sandbox, AuthorizationDeniedError("no")), Person(sandbox)
    with pytest.raises(AuthorizationDeniedError):
        client_of(sandbox, store, sign_on=no).token()

    def break_off():
        raise redis.ConnectionError("for a moment")

    client.command, client.others = "read", [break_off]

    assert client_of(sandbox, store, sign_on=person).token()
    assert (no.asked, person.asked) == (1, 1)


def test_a_wrong_password_is_named_and_not_shown(start_redis, secrets):
    """The server's refusal is passed on; the password is not."""
    secrets.add("pa55word")
    server = start_redis("--requirepass", "right")

    with pytest.raises(TokenStoreError, match="password"):
        RedisStore(server.client(password="pa55word")).load()

    assert RedisStore(server.client(password="right")).load() is None


def test_a_servers_echo_of_the_password_is_not_shown(start_redis, secrets):
    """Redis quotes the arguments of a command that it does not know."""
    secrets.add("hunter2")
    server = start_redis("--rename-command", "SET", "")
    client = server.client()
    client.append(KEY, '{"access_token": "hunter2')

    with pytest.raises(TokenStoreError, match="ResponseError") as caught:
        RedisStore(client).save(Token("a"))

    assert "hunter2" not in told_by(caught.value)


def test_a_failover_is_an_error_until_it_is_over(store, client):
    """What has become a replica reads and does not write."""
    store.save(Token("a", issued_at=1.0))
    client.execute_command("REPLICAOF", "127.0.0.1", "1")

    assert store.load().access_token == "a"
    with pytest.raises(TokenStoreError, match="ReadOnlyError"):
        store.save(Token("b", issued_at=2.0))
    with pytest.raises(TokenStoreError, match="ReadOnlyError"):
        store.lock(0).__enter__()

    client.execute_command("REPLICAOF", "NO", "ONE")
    store.save(Token("b", issued_at=2.0))
    assert store.load().access_token == "b"


def test_a_server_that_stops_answering_is_given_up_on(server, monkeypatch):
    """After the client's time-out; when it goes on, so does the store."""
    monkeypatch.setattr(_redis_outage, "SHORT_PAUSE_SECONDS", 0.0)
    RedisStore(server.client()).save(Token("a"))
    store = RedisStore(server.client(socket_timeout=1.0))

    with server.stalled(), pytest.raises(TokenStoreError, match="TimeoutError"):
        store.load()

    def goes_on():
        try:
            return store.load() == Token("a")
        except TokenStoreError:  # so short a time-out may pass again
            return False

    until(goes_on)


def test_a_client_without_a_time_out_is_warned_of_once(server, caplog):
    """It would wait for such a server without end."""
    store = RedisStore(server.client(socket_timeout=None))

    store.load()
    store.load()

    (warning,) = warnings_in(caplog)
    assert "socket_timeout" in warning


@pytest.mark.parametrize(
    "options",
    [
        {"when_down": "ignore"},
        {"lock_ttl": 0.0},
        {"lock_ttl": float("nan")},
        {"lock_ttl": float("inf")},
    ],
)
def test_an_option_out_of_range_is_an_error_at_once(client, options):
    """Not at the first outage."""
    with pytest.raises(ValueError, match=next(iter(options))):
        RedisStore(client, **options)


def test_without_redis_py_the_extra_is_named(monkeypatch):
    """The error says what to install."""
    for name in [
        n
        for n in sys.modules
        if n.partition("stores.")[2].startswith(("_redis", "redis"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "redis", None)

    with pytest.raises(ImportError, match=r"requests-ticktick\[redis\]"):
        importlib.import_module("requests_ticktick.stores.redis")


# -- copies --------------------------------------------------------------------


def test_a_pickle_holds_the_address_and_no_token(server, secrets):
    """The way there, the password included, and the store's options."""
    secrets.add("hunter2")
    store = RedisStore(
        server.client(decode_responses=True, max_connections=7),
        "a:key",
        lock_timeout=5.0,
        lock_ttl=70.0,
        when_down="memory",
    )
    store.save(Token("hunter2"))

    pickled = pickle.dumps(store)

    assert b"hunter2" not in pickled
    other = pickle.loads(pickled)
    assert other.load() == Token("hunter2")
    assert other.lock_timeout == 5.0
    with other.lock(0):
        assert 50_000 < server.client().pttl("a:key:lock") <= 70_000
    pool = redis_of(other).connection_pool
    assert pool.max_connections == 7
    assert pool.connection_kwargs["decode_responses"] is True


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(redis.Redis.from_url, id="from a URL"),
        pytest.param(
            lambda url: redis.Redis(
                connection_pool=redis.BlockingConnectionPool.from_url(url, timeout=3)
            ),
            id="from a blocking pool",
        ),
    ],
)
def test_a_client_is_copied_however_it_was_made(server, make):
    """What was not said stays unsaid."""
    client = make(f"redis://127.0.0.1:{server.port}/3?socket_timeout=10")

    copied = pickle.loads(pickle.dumps(RedisStore(client)))

    copied.save(Token("a"))
    assert server.client(db=3).exists(KEY) == 1
    pool, before = redis_of(copied).connection_pool, client.connection_pool
    assert type(pool) is type(before)
    assert getattr(pool, "timeout", None) == getattr(before, "timeout", None)


def test_a_deep_copy_shares_the_client(client):
    """No further connections are opened for it."""
    store = RedisStore(client)

    assert redis_of(copy.deepcopy(store)) is client


def test_a_client_from_a_sentinel_stays_in_its_process(server):
    """It cannot be pickled, and says so; a fork and a deep copy are fine."""
    client = Sentinel([("127.0.0.1", server.port)]).master_for("it", socket_timeout=10)
    store = RedisStore(client)

    with pytest.raises(TypeError, match="in each process"):
        pickle.dumps(store)

    def look():
        assert redis_of(store) is client

    assert in_a_forked_child(look) == 0
    assert redis_of(copy.deepcopy(store)) is client


def test_a_child_works_that_was_forked_while_the_pool_was_locked(store):
    """Another thread was about to take a connection: nobody lets it go on there."""
    store.save(Token("a"))
    locked, forked = threading.Event(), threading.Event()

    def hold():
        with lock_of(redis_of(store).connection_pool):
            locked.set()
            forked.wait(30)

    def work():
        with store.lock(0):
            assert store.load() == Token("a")
            store.save(Token("b"))

    with ThreadPoolExecutor(1) as pool:
        pool.submit(hold)
        assert locked.wait(30)
        try:
            assert in_a_forked_child(work) == 0
        finally:
            forked.set()
    assert store.load() == Token("b")


# -- a fleet -------------------------------------------------------------------


@pytest.mark.parametrize("method", workers.METHODS)
def test_machines_that_start_together_sign_on_once(sandbox, server, method):
    """Six of two threads each: one person asked, one token for all."""
    sandbox.delay(0.2)
    auth = client_of(sandbox, RedisStore(server.client()))

    results = workers.herd(method, 6, 2, auth, sandbox.url(PROJECT))

    assert [status for status, _ in results] == [200] * 12
    assert len({token for _, token in results}) == 1
    assert (sandbox.sign_ons, sandbox.token_requests) == (1, 1)


def test_a_sign_on_in_two_steps_is_kept_whatever_its_clock_says(sandbox, store, client):
    """It takes the lock to save; the clocks of two machines may differ."""
    auth = client_of(sandbox, store)
    before = auth.token()
    ahead = RedisStore(client)
    with ahead.lock(0):
        ahead.save(before.replace(issued_at=before.issued_at + 3600))
    request = auth.begin_sign_on()

    token = auth.complete_sign_on(request, sandbox.sign_on(request))

    assert store.load() == token != before


def test_a_restart_in_the_midst_of_a_sign_on_loses_nothing(sandbox, server, caplog):
    """The token reaches the empty server; the lost lock is reported."""
    store = RedisStore(server.client())

    def sign_on(request):
        server.restart()
        return sandbox.sign_on(request)

    token = client_of(sandbox, store, sign_on=sign_on).token()

    assert client_of(sandbox, RedisStore(server.client())).token() == token
    assert sandbox.sign_ons == 1
    (warning,) = warnings_in(caplog)
    assert "was lost" in warning


def test_a_server_killed_in_the_midst_of_a_sign_on_costs_no_second_one(
    sandbox, server, caplog, monkeypatch
):
    """The token works from memory, after one warning."""
    OutageClock(monkeypatch)  # it is to be saved for as long as the lock may last
    store = RedisStore(server.client())

    def sign_on(request):
        server.kill()
        return sandbox.sign_on(request)

    auth = client_of(sandbox, store, sign_on=sign_on)
    token = auth.token()

    assert auth.token() == token
    assert sandbox.sign_ons == 1
    (warning,) = warnings_in(caplog)
    assert "The token is used from memory" in warning
