"""One token in a real Redis, for many machines, whatever becomes of it."""

from __future__ import annotations

import copy
import importlib
import json
import logging
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from traceback import walk_tb

import pytest
import redis
import workers
from clients import Person, client_of
from observing import warnings_in
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel
from redis_server import (
    Door,
    Interrupted,
    NeverAnswers,
    OutageClock,
    ask,
    renew_often,
    save_when_told,
)

from requests_ticktick import (
    AuthorizationDeniedError,
    LockTimeoutError,
    Token,
    TokenStoreError,
)
from requests_ticktick._stamp import Stamp
from requests_ticktick.stores import _redis_outage, _redis_value
from requests_ticktick.stores.redis import RedisStore
from requests_ticktick.testing import TokenStoreContract

KEY = "requests-ticktick:token"
LOCK, FAILURE, CORRUPT = f"{KEY}:lock", f"{KEY}:failure", f"{KEY}:corrupt"
PROJECT = "/open/v1/project"
DAY = 24 * 3600


@pytest.fixture
def server(start_redis):
    return start_redis()


@pytest.fixture
def client(server):
    return server.client()


@pytest.fixture
def store(client):
    return RedisStore(client)


def until(condition):
    """Wait for something that is sure to come."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.005)


def is_locked(store):
    try:
        with store.lock(0):
            return False
    except LockTimeoutError:
        return True


# -- the contract ------------------------------------------------------------------


class TestRedisStore(TokenStoreContract):
    @pytest.fixture
    def lock_ttl(self, request):
        """One test waits until it is over; the others must not see it end."""
        return 3.0 if "of_a_process_that_dies" in request.node.name else 30.0

    @pytest.fixture(params=[False, True], ids=["bytes", "text"])
    def store(self, server, request, lock_ttl):
        client = server.client(decode_responses=request.param)
        return RedisStore(client, lock_ttl=lock_ttl)

    @pytest.fixture(autouse=True)
    def raw(self, server):
        self.raw = server.client()

    def corrupt(self, store):
        self.raw.set(KEY, b'{"access_token": "half\xff')


class TestRedisStoreThatGoesOn(TestRedisStore):
    @pytest.fixture
    def store(self, client, lock_ttl):
        return RedisStore(client, lock_ttl=lock_ttl, when_down="memory")


# -- the value -----------------------------------------------------------------------


def test_the_value_is_plain_json_with_all_its_keys(store, client):
    """A key that another program put there survives our renewal."""
    client.set(KEY, '{"access_token": "a", "note": "mine", "expire_time": 5}')

    store.save(Token("b", expires_at=2e9))

    fields = json.loads(client.get(KEY))
    assert fields["access_token"] == "b"
    assert fields["note"] == "mine"
    assert fields["expire_time"] == 2_000_000_000


@pytest.mark.parametrize(
    ("token", "expires_at"),
    [
        pytest.param(
            Token("a", expires_at=2e9 + 0.0005), 2_000_000_000_001, id="known"
        ),
        pytest.param(Token("a"), -1, id="never, where it is unknown"),
        pytest.param(
            Token("a", expires_at=2e9, refresh_token="r"), -1, id="not renewable ones"
        ),
        pytest.param(Token("a", expires_at=1e300), 100_000_000_000_000, id="far away"),
    ],
)
def test_the_value_expires_with_its_token(store, client, token, expires_at):
    """Where there is a refresh token, it is kept beyond that."""
    store.save(Token("before", expires_at=3e9))

    store.save(token)

    assert client.execute_command("PEXPIRETIME", KEY) == expires_at


@pytest.mark.parametrize("expires_at", [-1e300, -5.0, 0.0, 5.0])
def test_a_token_born_dead_is_there_for_those_who_wait(store, client, expires_at):
    """It answers them; a second later it is gone."""

    def is_there():
        store.save(Token("a", expires_at=expires_at))
        return 0 < client.pttl(KEY) <= 1000

    until(is_there)
    until(lambda: store.load() is None)


def test_a_late_result_does_not_overwrite_a_newer_one(store, caplog):
    """What was issued later stays, and nothing is raised."""
    store.save(Token("newer", issued_at=200.0))

    store.save(Token("late", issued_at=100.0))

    assert store.load().access_token == "newer"
    assert warnings_in(caplog) == [
        f"{KEY} keeps its token, which was issued after the one to be saved."
    ]


@pytest.mark.parametrize(
    ("before", "after"), [(None, 100.0), (200.0, None), (5.0, 5.0)]
)
def test_a_token_of_unknown_age_is_never_late(store, before, after):
    """Where nobody can tell, the last one wins."""
    store.save(Token("before", issued_at=before))

    store.save(Token("after", issued_at=after))

    assert store.load().access_token == "after"


def test_the_holder_of_the_lock_is_never_late(store):
    """Its clock may have been set back; no token would ever be kept again."""
    store.save(Token("before", issued_at=7200.0))

    with store.lock(0):
        store.save(Token("after", issued_at=3600.0))

    assert store.load().access_token == "after"
    store.save(Token("unlocked", issued_at=1800.0))
    assert store.load().access_token == "after"


def test_who_is_faster_in_the_last_moment_is_not_overwritten(server, store):
    """Nobody comes between the look at what is there and the write."""
    client = server.client(kind=Interrupted)
    client.others = [lambda: store.save(Token("newer", issued_at=200.0))]

    RedisStore(client).save(Token("late", issued_at=100.0))

    assert store.load().access_token == "newer"
    assert client.others == []


def test_another_owners_token_stays_even_in_the_last_moment(server, store):
    """Whose it is, is looked at again, too."""
    theirs = Stamp("you", "https://as.test/t", "tasks:read").put_on(Token("theirs"))
    mine = Stamp("me", "https://as.test/t", "tasks:read").put_on(Token("mine"))
    client = server.client(kind=Interrupted)
    client.others = [lambda: store.save(theirs)]

    with pytest.raises(TokenStoreError, match="another client") as caught:
        RedisStore(client).save(mine)

    assert caught.value.location == KEY
    assert store.load() == theirs


def test_another_owners_token_is_in_no_variable_of_the_error(store, secrets):
    """Neither theirs, as it was read, nor ours."""
    secrets.add("hunter2", "pa55word")
    store.save(Stamp("you", "https://as.test/t", None).put_on(Token("hunter2")))

    with pytest.raises(TokenStoreError) as caught:
        store.save(Stamp("me", "https://as.test/t", None).put_on(Token("pa55word")))

    assert secrets.shown_in(told_by(caught.value)) == []


def test_a_write_that_always_loses_ends(server, store, monkeypatch):
    """Every wait has an end, also among many writers."""
    monkeypatch.setattr(_redis_value, "_TRIES", 3)
    client = server.client(kind=Interrupted)
    client.others = [
        lambda n=n: store.save(Token(f"other-{n}", issued_at=0.0)) for n in range(3)
    ]

    with pytest.raises(TokenStoreError, match="all the time"):
        RedisStore(client).save(Token("a", issued_at=1.0))


def test_what_json_cannot_hold_is_an_error(store):
    """It says where to look; the token before it stays."""
    store.save(Token("a"))

    with pytest.raises(TokenStoreError, match="plain data"):
        store.save(Token("b", extra={"x": object()}))

    assert store.load() == Token("a")


BOMB = b'{"a":' * 100_000


in_both_forms = pytest.mark.parametrize("text", [False, True], ids=["bytes", "text"])


@in_both_forms
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="one brace"),
        pytest.param(b'{"access_token": "hunter2', id="cut off"),
        pytest.param(b'{"access_token": "hunter2\xc3', id="cut off in a letter"),
    ],
)
def test_a_torn_value_is_set_aside_by_the_next_save(
    server, client, caplog, secrets, content, text
):
    """Nothing crashes, nothing is lost, a load moves nothing; one warning."""
    secrets.add("hunter2")
    client.set(KEY, content)
    store = RedisStore(server.client(decode_responses=text))

    assert store.version() is not None
    assert store.load() is None
    assert store.load() is None

    assert (client.get(KEY), client.get(CORRUPT)) == (content, None)
    store.save(Token("new"))
    (warning,) = warnings_in(caplog)
    assert f"set aside as {CORRUPT}" in warning
    assert client.get(CORRUPT) == content
    assert 29 * DAY < client.ttl(CORRUPT) <= 30 * DAY
    assert store.load() == Token("new")
    store.delete()
    assert client.keys(f"{KEY}*") == []


@in_both_forms
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"{}", id="no token"),
        pytest.param(b'{"installed": {"secret": "hunter2"}}', id="a client's"),
        pytest.param(b"name: hunter2", id="YAML"),
        pytest.param(b"\x00\xff\xfe" * 50, id="binary"),
        pytest.param(BOMB, id="deeply nested"),
    ],
)
def test_another_programs_value_stays(server, client, secrets, content, text):
    """It may be needed under that key: nothing replaces it."""
    secrets.add("hunter2")
    client.set(KEY, content)
    store = RedisStore(server.client(decode_responses=text))

    for call in (store.load, lambda: store.save(Token("new"))):
        with pytest.raises(TokenStoreError, match=f"{KEY} holds ") as caught:
            call()
        assert "hunter2" not in told_by(caught.value)

    assert client.keys(f"{KEY}*") == [KEY.encode()]
    assert client.get(KEY) == content


def test_a_good_value_is_not_overwritten_for_the_torn_one_before_it(server, store):
    """Somebody may save between the reading and the writing."""
    client = server.client(kind=Interrupted)
    client.set(KEY, "{")
    good = Token("good", extra={"client_id": "another"})
    client.others = [lambda: store.save(good)]

    with pytest.raises(TokenStoreError, match="another client"):
        RedisStore(client).save(Token("new", extra={"client_id": "mine"}))

    assert store.load() == good


def test_a_value_may_be_a_bare_token_or_a_literal(store, client):
    """As in a variable or in a file."""
    client.set(KEY, " tp_0123456789abcdef\n")
    assert store.load() == Token("tp_0123456789abcdef")
    client.set(KEY, "{'access_token': 'a'}")
    assert store.load() == Token("a")


@pytest.mark.parametrize("verb", ["load", "save"])
def test_a_key_of_another_kind_is_named_and_left(store, client, verb):
    """A list under our name is somebody else's."""
    client.rpush(KEY, "theirs")

    with pytest.raises(TokenStoreError, match="WRONGTYPE") as caught:
        store.load() if verb == "load" else store.save(Token("a"))

    assert caught.value.location == KEY
    assert client.lrange(KEY, 0, -1) == [b"theirs"]


def test_a_failure_is_forgotten_after_a_day(store, client):
    """Nobody waits that long for it; a fleet leaves no litter."""
    store.record_failure("no")

    assert store.failure() == "no"
    assert 0 < client.ttl(FAILURE) <= DAY


def test_the_version_changes_with_a_failure(store):
    """Those who wait learn of it without reading it."""
    before = store.version()

    store.record_failure("no")

    assert store.version() != before
    assert "no" not in str(store.version())


# -- the lock ------------------------------------------------------------------------


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


def test_where_no_thread_can_be_started_the_lock_is_held_all_the_same(
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


def test_who_lost_the_lock_goes_on_when_that_was_said(client, monkeypatch):
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


def test_who_is_faster_in_the_last_moment_has_the_lock(server, store):
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


def in_a_forked_child(act):
    """Do it in a child; return 0 where it did and the child ended in time."""
    pid = os.fork()
    if pid == 0:
        try:
            signal.alarm(20)
            act()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


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


# -- Redis in trouble ----------------------------------------------------------------


def each_verb(store):
    return {
        "read": store.load,
        "write": lambda: store.save(Token("hunter2")),
        "delete": store.delete,
        "lock": lambda: store.lock(0).__enter__(),
    }


def told_by(error):
    """What an error tracker could send."""
    variables = [
        frame.f_locals
        for frame, _ in walk_tb(error.__traceback__)
        if "redis" in frame.f_code.co_filename
        and "tests" not in frame.f_code.co_filename
    ]
    return f"{error!r} {error.__context__!r} {variables!r}"


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
    monkeypatch.setattr(_redis_outage, "_SHORT_PAUSE", 0.0)
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


def test_a_failure_from_memory_is_no_answer_in_the_next_outage(
    server, sandbox, monkeypatch
):
    """Memory keeps what Redis has said since."""
    monkeypatch.setattr(_redis_outage, "_PAUSE", 0.0)
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


def test_a_wrong_password_is_named_and_not_shown(start_redis, secrets):
    """The server's refusal is passed on; the password is not."""
    secrets.add("pa55word")
    server = start_redis("--requirepass", "right")

    with pytest.raises(TokenStoreError, match="password"):
        RedisStore(server.client(password="pa55word")).load()

    assert RedisStore(server.client(password="right")).load() is None


def test_what_a_server_echoes_is_not_shown(start_redis, secrets):
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
    monkeypatch.setattr(_redis_outage, "_SHORT_PAUSE", 0.0)
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


# -- memory while it is down -----------------------------------------------------------


@pytest.fixture
def going_on(server):
    """A store that goes on from memory, over a server that is down."""
    store = RedisStore(server.client(), when_down="memory", lock_timeout=0.0)
    server.kill()
    yield store
    server.kill()


def test_memory_takes_the_place_of_a_redis_that_is_down(going_on, caplog):
    """Everything works within the process, after one warning."""
    before = going_on.version()

    going_on.save(Token("a"))
    going_on.record_failure("no")

    assert going_on.load() == Token("a")
    assert going_on.failure() == "no"
    assert going_on.version() != before
    with going_on.lock(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(is_locked, going_on).result()
    (warning,) = warnings_in(caplog)
    assert "this process's memory" in warning


def test_memory_knows_the_token_that_redis_had(server):
    """What was read or saved before the outage is there."""
    store = RedisStore(server.client(), when_down="memory")
    RedisStore(server.client()).save(Token("a"))
    store.load()
    server.kill()

    assert store.load() == Token("a")
    assert list(store.candidates()) == [Token("a")]


@pytest.mark.parametrize("latest", ["the latest", None])
def test_memory_knows_the_failure_that_redis_had(server, latest):
    """Not an older one of its own, which would be news to those who wait."""
    store = RedisStore(server.client(), when_down="memory")
    store.record_failure("an older one")
    RedisStore(server.client()).record_failure(latest)
    assert store.failure() == latest

    server.kill()

    assert store.failure() == latest


def test_memory_keeps_another_owners_token_too(going_on):
    """As every store does."""
    going_on.save(Stamp("me", "https://as.test/t", None).put_on(Token("a")))

    with pytest.raises(TokenStoreError, match="another client"):
        going_on.save(Stamp("you", "https://as.test/t", None).put_on(Token("b")))


def test_what_memory_kept_is_saved_when_redis_is_back(
    server, going_on, monkeypatch, caplog
):
    """The next who asks brings it there, for all the others."""
    monkeypatch.setattr(_redis_outage, "_PAUSE", 0.0)
    going_on.save(Token("a", issued_at=1.0))
    going_on.save(Token("b", issued_at=2.0))
    server.start()
    caplog.set_level(logging.INFO)

    assert going_on.load().access_token == "b"

    assert RedisStore(server.client()).load().access_token == "b"
    assert "can be used again" in caplog.text
    server.kill()
    assert going_on.load().access_token == "b"
    assert len(warnings_in(caplog)) == 2


def test_what_memory_kept_does_not_overwrite_a_newer_one(server, going_on, monkeypatch):
    """Another machine may have renewed meanwhile."""
    monkeypatch.setattr(_redis_outage, "_PAUSE", 0.0)
    going_on.save(Token("mine", issued_at=1.0))
    server.start()
    RedisStore(server.client()).save(Token("newer", issued_at=2.0))

    assert going_on.load().access_token == "newer"

    server.kill()
    assert going_on.load().access_token == "newer"


def test_what_memory_kept_is_outdated_by_the_next_save(server, going_on, monkeypatch):
    """It is not brought there afterwards."""
    monkeypatch.setattr(_redis_outage, "_PAUSE", 0.0)
    going_on.save(Token("old"))
    server.start()

    going_on.save(Token("new"))

    assert going_on.load() == Token("new")


def test_what_memory_kept_is_dropped_for_another_owners(
    server, going_on, monkeypatch, caplog
):
    """Somebody else took the key meanwhile; that is said once."""
    monkeypatch.setattr(_redis_outage, "_PAUSE", 0.0)
    going_on.save(Stamp("me", "https://as.test/t", None).put_on(Token("mine")))
    server.start()
    theirs = Stamp("you", "https://as.test/t", None).put_on(Token("theirs"))
    RedisStore(server.client()).save(theirs)

    assert going_on.load() == theirs
    assert going_on.load() == theirs

    assert ["dropped" in warning for warning in warnings_in(caplog)] == [False, True]


def test_the_last_token_wins_in_memory_too(going_on):
    """Also where it was there before."""
    for name in ("a", "b", "a"):
        going_on.save(Token(name))

    assert going_on.load() == Token("a")


def test_forgetting_is_not_left_to_memory(going_on):
    """Redis would still have the token when it is back."""
    going_on.save(Token("a"))

    with pytest.raises(TokenStoreError, match="cannot delete"):
        going_on.delete()

    assert going_on.load() is None


def test_a_redis_that_is_down_is_left_alone_for_a_while(monkeypatch):
    """A renewal asks eight times; one time-out is enough for it."""
    monkeypatch.setattr(_redis_outage, "_PAUSE", 60.0)
    with Door() as door:
        client = redis.Redis(
            port=door.port, socket_timeout=10.0, retry=Retry(NoBackoff(), 0)
        )
        store = RedisStore(client, when_down="memory")
        store.load()
        opened = door.opened

        store.failure()
        store.save(Token("a"))
        with store.lock(0):
            store.load()

        assert door.opened == opened > 0


# -- copies --------------------------------------------------------------------------


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
    pool = other._clients.get().connection_pool
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
    pool, before = copied._clients.get().connection_pool, client.connection_pool
    assert type(pool) is type(before)
    assert getattr(pool, "timeout", None) == getattr(before, "timeout", None)


def test_a_deep_copy_shares_the_client(client):
    """No further connections are opened for it."""
    store = RedisStore(client)

    assert copy.deepcopy(store)._clients.get() is client


def test_a_client_from_a_sentinel_stays_in_its_process(server):
    """It cannot be pickled, and says so; a fork and a deep copy are fine."""
    client = Sentinel([("127.0.0.1", server.port)]).master_for("it", socket_timeout=10)
    store = RedisStore(client)

    with pytest.raises(TypeError, match="in each process"):
        pickle.dumps(store)

    def look():
        assert store._clients.get() is client

    assert in_a_forked_child(look) == 0
    assert copy.deepcopy(store)._clients.get() is client


def test_a_child_works_that_was_forked_while_the_pool_was_locked(store):
    """Another thread was about to take a connection: nobody lets it go on there."""
    store.save(Token("a"))
    locked, forked = threading.Event(), threading.Event()

    def hold():
        with store._clients.get().connection_pool._lock:
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


# -- a fleet -------------------------------------------------------------------------


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
