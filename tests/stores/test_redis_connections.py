"""What becomes of the connections of a Redis store that nobody can close."""

from __future__ import annotations

import gc
import pickle

import pytest
from processes import run_in_a_fork

from requests_ticktick import Token

redis = pytest.importorskip("redis")
redis_store = pytest.importorskip("requests_ticktick.stores.redis")


class Watched(redis.Connection):
    """Writes down what becomes of it; the collector closes nothing here."""

    events = []

    def disconnect(self, *args, **options):
        self.events.append("closed")
        super().disconnect(*args, **options)

    def __del__(self):
        self.events.append("collected")


@pytest.fixture
def server(start_redis):
    return start_redis()


@pytest.fixture
def client(server):
    return server.client()


@pytest.fixture
def copied(client):
    """A store that came from a pickle, with a connection of its own."""
    stores = [pickle.loads(pickle.dumps(redis_store.RedisStore(client)))]
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
    store = pickle.loads(
        pickle.dumps(redis_store.RedisStore(redis.Redis(connection_pool=pool)))
    )
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
