"""A Redis store whose connections end: dropped, forked, or closed meanwhile."""

from __future__ import annotations

import gc
import pickle
import threading

import pytest
import redis
from processes import run_in_a_fork
from redis_server import renew_often

from requests_ticktick import Token
from requests_ticktick.stores.redis import RedisStore


class Watched(redis.Connection):
    """Writes down what becomes of it; the collector closes nothing here."""

    events = []

    def disconnect(self, *args, **options):
        self.events.append("closed")
        super().disconnect(*args, **options)

    def __del__(self):
        self.events.append("collected")


@pytest.fixture
def copied(client):
    """A store that came from a pickle, with a connection of its own."""
    stores = [pickle.loads(pickle.dumps(RedisStore(client)))]
    stores[0].save(Token("a"))
    return stores


def connections(client):
    return len(client.client_list())


def test_a_store_from_a_pickle_closes_its_connections(server, monkeypatch):
    """A socket that is left to the collector may end in a warning."""
    pool = redis.ConnectionPool(
        connection_class=Watched, host="127.0.0.1", port=server.port, socket_timeout=10
    )
    monkeypatch.setattr(Watched, "events", [])
    store = pickle.loads(pickle.dumps(RedisStore(redis.Redis(connection_pool=pool))))
    store.save(Token("a"))
    Watched.events.clear()

    del store
    gc.collect()

    assert Watched.events[:1] == ["closed"]


def test_a_child_leaves_the_connections_of_its_parent_alone(client, copied):
    """It was forked with the store, and drops it."""
    store = copied[0]

    def drops_it():
        nonlocal store
        store = None
        copied.clear()
        gc.collect()
        return "dropped"

    assert run_in_a_fork(drops_it) == "dropped"

    assert connections(client) == 2
    assert store.load() == Token("a")


class ClosedMeanwhile(redis.Redis):
    """A client that somebody closes while a lock is renewed."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.renews, self.goes_on = threading.Event(), threading.Event()

    def execute_command(self, *args, **options):
        if threading.current_thread() is not threading.main_thread():
            self.renews.set()
            if not self.goes_on.is_set():
                self.goes_on.wait(30)
                raise AttributeError("'NoneType' object has no attribute 'sendall'")
        return super().execute_command(*args, **options)


@pytest.fixture
def raised(monkeypatch):
    """What threads raise."""
    errors = []
    monkeypatch.setattr(threading, "excepthook", errors.append)
    return errors


def renewal():
    (thread,) = [t for t in threading.enumerate() if t.name.startswith("renews")]
    return thread


def test_a_client_that_is_closed_after_the_lock_shows_nothing(
    server, monkeypatch, raised
):
    """Its lock is being renewed just then, and no longer matters."""
    renew_often(monkeypatch)
    client = server.client(kind=ClosedMeanwhile)
    with RedisStore(client).lock(0):
        assert client.renews.wait(30)
        thread = renewal()

    client.goes_on.set()
    thread.join(30)

    assert not thread.is_alive()
    assert raised == []


def test_a_client_that_fails_once_has_its_lock_renewed_the_next_time(
    server, monkeypatch, raised
):
    """It may have been closed by mistake; redis-py connects again."""
    renew_often(monkeypatch)
    client = server.client(kind=ClosedMeanwhile)
    with RedisStore(client).lock(0):
        assert client.renews.wait(30)
        client.goes_on.set()
        client.renews.clear()

        assert client.renews.wait(30)
        assert renewal().is_alive()

    assert raised == []
