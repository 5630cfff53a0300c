"""A herd of processes, and a Redis that takes nothing, goes away or is slow."""

from __future__ import annotations

import time

import pytest
import redis
import redis.asyncio
from clients import client_of
from redis.cluster import RedisCluster
from redis_herds import KEY, LOCK, ROOM, SIZES, Watched, count, results_of
from redis_server import renew_often

from requests_ticktick import TokenStoreError
from requests_ticktick.stores.redis import RedisStore

RIGHTS = ("get", "getrange", "set", "del", "pttl", "pexpire", "pexpireat", "eval")


@pytest.fixture
def person(sandbox):
    return Watched(sandbox)


def expire(sandbox, store):
    """Leave an expired token with a refresh token, which is good once."""
    sandbox.refresh_tokens = True
    token = client_of(sandbox, store).token()
    store.save(token.replace(expires_at=token.issued_at))


def has_no_room(server):
    server.client().config_set("maxmemory", 1)
    return server.client()


def has_room_for_the_lock_alone(server):
    """Less than a token and the lock take; the clients' buffers come to it."""
    client = server.client()
    client.config_set("maxmemory-clients", "0")
    client.config_set("maxmemory", client.info("memory")["used_memory"] + 50_000)
    return server.client()


def is_a_replica(server):
    server.client().execute_command("REPLICAOF", "127.0.0.1", "1")
    return server.client()


def has_too_few_replicas(server):
    server.client().config_set("min-replicas-to-write", 1)
    return server.client()


def lacks(right):
    def restrict(server):
        rights = [f"+{name}" for name in RIGHTS if name != right]
        rules = ["reset", "on", ">pw", "~requests-ticktick:token*", *rights]
        server.client().execute_command("ACL", "SETUSER", "worker", *rules)
        return server.client(username="worker", password="pw")

    return restrict


REFUSALS = {
    "no room": (has_no_room, "memory is full"),
    "room for the lock alone": (has_room_for_the_lock_alone, "memory is full"),
    "a replica": (is_a_replica, "client of the primary"),
    "too few replicas": (has_too_few_replicas, "min-replicas-to-write"),
    **{
        f"no right to {right}": (lacks(right), rf"ACL SETUSER .*\+{right}")
        for right in ("eval", "set", "del", "pttl", "pexpire", "pexpireat")
    },
}


# -- a Redis that takes nothing ------------------------------------------------


@pytest.mark.parametrize("when_down", ["raise", "memory"])
@pytest.mark.parametrize("case", REFUSALS)
def test_where_no_token_can_be_saved_nobody_is_asked(
    sandbox, server, person, case, when_down
):
    """Nor is a refresh token used; the error says what to do, and is at once."""
    refuse, advice = REFUSALS[case]
    expire(sandbox, RedisStore(server.client()))
    before = sandbox.token_requests
    store = RedisStore(refuse(server), when_down=when_down)

    with pytest.raises(TokenStoreError, match=advice) as caught:
        client_of(sandbox, store, sign_on=person).token()

    assert caught.value.location == KEY
    assert (person.asked.value, sandbox.token_requests - before) == (0, 0)
    assert server.client().exists(LOCK, ROOM) == 0


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("case", ["no room", "a replica", "no right to set"])
def test_a_herd_before_a_redis_that_takes_nothing_asks_nobody(
    sandbox, server, person, tally, size, case
):
    """None of them asks in turn, and no refresh token is used twice."""
    expire(sandbox, RedisStore(server.client()))
    before = sandbox.token_requests
    store = RedisStore(REFUSALS[case][0](server))

    with tally(f"herd of {size[0]} x {size[1]}, Redis: {case}", size[0] * size[1]) as r:
        results = results_of(sandbox, store, person, size)

        kinds = {kind for kind, _ in results}
        assert kinds <= {"TokenStoreError", "UnwritableError"}
        assert all(KEY in text for _, text in results)
        count(r, results, sandbox, person, before)
        r.duplicated = r.requests + r.asked


def test_a_sign_on_has_room_however_full_redis_gets(sandbox, server):
    """It was taken before the person was asked, and is given back."""
    client = server.client()
    store = RedisStore(server.client())

    def sign_on(request):
        client.config_set("maxmemory", client.info("memory")["used_memory"])
        return sandbox.sign_on(request)

    token = client_of(sandbox, store, sign_on=sign_on).token()

    assert store.load() == token
    assert client.exists(LOCK, ROOM) == 0


def test_the_room_lasts_as_long_as_the_lock(server, monkeypatch):
    """A person signs on for minutes."""
    renew_often(monkeypatch)
    client = server.client()

    with RedisStore(client).lock(0):
        for key in (LOCK, ROOM):
            client.pexpire(key, 20_000)
        deadline = time.monotonic() + 30
        while min(client.pttl(LOCK), client.pttl(ROOM)) <= 20_000:
            assert time.monotonic() < deadline, "they were not renewed"
    assert client.exists(LOCK, ROOM) == 0


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("OOM command not allowed", "memory is full"),
        (
            "Error running script (call to f_1): @user_script:3: -OOM no",
            "memory is full",
        ),
        ("Error running script (call to f_1): @user_script:3: -READONLY no", "primary"),
        ("MISCONF Redis is configured to save RDB snapshots", "its log"),
        ("NOREPLICAS Not enough good replicas to write.", "min-replicas"),
        ("CROSSSLOT Keys in request don't hash to the same slot", "a cluster"),
        ("MOVED 3999 127.0.0.1:6381", "a cluster"),
    ],
)
def test_what_redis_refuses_is_not_called_a_wrong_password(
    said, advice, monkeypatch, server
):
    """Each version of it has its own words."""

    def refuse(*args, **options):
        raise redis.ResponseError(said)

    client = server.client()
    monkeypatch.setattr(client, "eval", refuse)
    monkeypatch.setattr(client, "set", refuse)

    with pytest.raises(TokenStoreError, match=advice) as caught:
        RedisStore(client).lock(0).__enter__()

    assert "password" not in str(caught.value)


# -- which client --------------------------------------------------------------


@pytest.mark.parametrize(
    "client",
    [RedisCluster.__new__(RedisCluster), redis.asyncio.Redis(), object(), None],
    ids=["a cluster's", "asynchronous", "no client", "None"],
)
def test_a_client_that_will_not_do_is_an_error_at_once(client):
    """It says what to pass, and what was."""
    with pytest.raises(TypeError, match=r"takes a redis\.Redis, .* and not"):
        RedisStore(client)
