"""A herd of processes, and a Redis that takes nothing, goes away or is slow."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import re
import subprocess
import threading
import time

import pytest
import redis
import redis.asyncio
import workers
from clients import client_of
from ports import free_port
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel
from redis_server import OutageClock, RedisServer, renew_often

from requests_ticktick import LockTimeoutError, Token, TokenStoreError
from requests_ticktick._source.turns import Attempt
from requests_ticktick.stores.redis import RedisStore

KEY = "requests-ticktick:token"
LOCK, ROOM = f"{KEY}:lock", f"{KEY}:lock:room"
RIGHTS = ("get", "getrange", "set", "del", "pttl", "pexpire", "pexpireat", "eval")
#: Processes, and the threads of each: small, and as ``tox -e stress`` has it.
SIZES = [
    pytest.param((4, 2), id="4x2"),
    pytest.param(
        (16, 4), id="16x4", marks=[pytest.mark.stress, pytest.mark.timeout(300)]
    ),
]


@pytest.fixture
def server(start_redis):
    return start_redis()


class Watched:
    """A person who takes as long as a test wants, and is counted.

    :param sandbox: Where access is granted.
    """

    def __init__(self, sandbox):
        fork = multiprocessing.get_context("fork")
        self.sandbox = sandbox
        self.asked = fork.Value("i", 0)
        self.is_asked, self.goes_on = fork.Event(), fork.Event()

    def __call__(self, request):
        with self.asked.get_lock():
            self.asked.value += 1
        self.is_asked.set()
        assert self.goes_on.wait(60)
        return self.sandbox.sign_on(request)


@pytest.fixture
def person(sandbox):
    return Watched(sandbox)


def results_of(sandbox, store, person, size):
    """Let a herd call; return what each call came to."""
    auth = client_of(sandbox, store, sign_on=person)
    return workers.herd("fork", *size, auth, sandbox.url("/open/v1/project"))


def count(row, results, sandbox, person, before):
    """Fill what a herd came to into its row of the table.

    :param before: Token requests that were made before.
    """
    row.requests = sandbox.token_requests - before
    row.asked, row.reused = person.asked.value, sandbox.reuse_detected
    row.refused = sum(kind != 200 for kind, _ in results)


def expire(sandbox, store):
    """Leave an expired token with a refresh token, which is good once."""
    sandbox.refresh_tokens = True
    token = client_of(sandbox, store).token()
    store.save(token.replace(expires_at=token.issued_at))


# -- a Redis that takes nothing --------------------------------------------------------


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


# -- which client ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "client",
    [RedisCluster.__new__(RedisCluster), redis.asyncio.Redis(), object(), None],
    ids=["a cluster's", "asynchronous", "no client", "None"],
)
def test_a_client_that_will_not_do_is_an_error_at_once(client):
    """It says what to pass, and what was."""
    with pytest.raises(TypeError, match=r"takes a redis\.Redis, .* and not"):
        RedisStore(client)


# -- a Redis that goes away ------------------------------------------------------------


@contextlib.contextmanager
def away(server):
    """Close its port and all its connections; its memory stays."""
    client = server.client()
    client.config_set("bind", "127.0.0.9")
    client.client_kill_filter(_type="normal", skipme=True)
    try:
        yield
    finally:
        elsewhere = server.client(host="127.0.0.9")
        elsewhere.config_set("bind", "127.0.0.1")


class Herd(threading.Thread):
    """A herd that calls in the background, while a test does something to Redis."""

    def __init__(self, monkeypatch, sandbox, store, person, size):
        super().__init__()
        self._args = sandbox, store, person, size
        self._waiters = Waiters(monkeypatch, store)
        self._others = size[0] * size[1] - 1
        self._person = person
        self.results = []

    def run(self):
        self.results = results_of(*self._args)

    def is_waiting(self):
        """Wait until one call asks the person, and all the others wait for it.

        One whose first look at Redis is yet to come would be told that it is
        away.
        """
        assert self._person.is_asked.wait(60)
        return self._waiters.are(self._others)

    def end(self):
        self.join(90)
        return self.results


class Waiters:
    """The calls that wait: for a thread of their process, or for another's lock."""

    def __init__(self, monkeypatch, store):
        self._begun = multiprocessing.get_context("fork").Semaphore(0)
        self._counted = set()  # of each process
        wait, lock = Attempt.wait, store.lock

        def wait_for_thread(attempt, timeout):
            self._count()
            return wait(attempt, timeout)

        @contextlib.contextmanager
        def lock_or_wait(timeout=None):
            try:
                with lock(timeout):
                    yield
            except LockTimeoutError:
                self._count()
                raise

        monkeypatch.setattr(Attempt, "wait", wait_for_thread)
        store.lock = lock_or_wait

    def _count(self):
        call = os.getpid(), threading.get_ident()
        if call not in self._counted:
            self._counted.add(call)
            self._begun.release()

    def are(self, number):
        return all(self._begun.acquire(timeout=60) for _ in range(number))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("when_down", ["raise", "memory"])
def test_a_redis_that_is_away_for_seconds_costs_no_second_sign_on(
    sandbox, server, person, tally, size, when_down, monkeypatch
):
    """Those who wait wait on, and the one who signed on keeps trying to save."""
    store = RedisStore(server.client(), when_down=when_down)
    name = f"herd of {size[0]} x {size[1]}, Redis away, {when_down}"
    with tally(name, size[0] * size[1]) as row:
        herd = Herd(monkeypatch, sandbox, store, person, size)
        herd.start()
        assert herd.is_waiting()
        with away(server):
            time.sleep(0.5)  # they look, and find nothing
            person.goes_on.set()
            time.sleep(1.5)  # longer than memory leaves Redis alone
        results = herd.end()

        count(row, results, sandbox, person, 0)
        row.lost = row.refused
        row.duplicated = row.asked - 1


class Watchers:
    """A Sentinel in front of a server and its replica.

    :param command: The path of ``redis-server``.
    :param folder: For its configuration, which it writes itself.
    """

    def __init__(self, command, folder, server):
        self.server = server
        self._replica = RedisServer(
            command, folder, "--replicaof", "127.0.0.1", str(server.port)
        )
        self.port = free_port()
        self._arguments = [command, str(folder / "sentinel.conf"), "--sentinel"]
        (folder / "sentinel.conf").write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {folder}\n"
            f"sentinel monitor tokens 127.0.0.1 {server.port} 1\n"
            "sentinel down-after-milliseconds tokens 600000\n"
        )

    def __enter__(self):
        # It waits five seconds for further replicas otherwise.
        self.server.client().config_set("repl-diskless-sync-delay", 0)
        self._replica.start()
        self._process = subprocess.Popen(self._arguments, stdout=subprocess.DEVNULL)
        self._sentinel = Sentinel(
            [("127.0.0.1", self.port)], socket_timeout=5, retry=Retry(NoBackoff(), 0)
        )
        deadline = time.monotonic() + 60
        while not self._knows_the_primary():
            assert time.monotonic() < deadline, "the Sentinel is not ready"
            time.sleep(0.05)
        return self

    def _knows_the_primary(self):
        with contextlib.suppress(redis.RedisError):
            return bool(self._sentinel.discover_master("tokens"))
        return False

    def client(self):
        self._client = self._sentinel.master_for(
            "tokens", socket_timeout=5, retry=Retry(NoBackoff(), 0)
        )
        return self._client

    def fail_over(self):
        """Kill the primary, and put the replica in its place.

        By hand: a Sentinel does nothing for half a minute on a machine that
        has just stood still (its "tilt").
        """
        self.server.kill()
        self._replica.client().execute_command("REPLICAOF", "NO", "ONE")
        (sentinel,) = self._sentinel.sentinels
        sentinel.sentinel_remove("tokens")
        sentinel.sentinel_monitor("tokens", "127.0.0.1", self._replica.port, 1)

    def __exit__(self, *exc_info):
        for client in (self._client, *self._sentinel.sentinels):
            client.connection_pool.disconnect()
        self._process.kill()
        self._process.wait(30)
        self._replica.close()


@pytest.mark.parametrize("size", SIZES)
def test_a_failover_in_mid_sign_on_costs_no_second_one(
    sandbox, server, person, tally, size, require, tmp_path, monkeypatch
):
    """The replica has the lock as well, and its holder renews it there."""
    with (
        Watchers(require("redis-server"), tmp_path, server) as watchers,
        tally(f"herd of {size[0]} x {size[1]}, failover", size[0] * size[1]) as row,
    ):
        store = RedisStore(watchers.client())
        herd = Herd(monkeypatch, sandbox, store, person, size)
        herd.start()
        assert herd.is_waiting()
        while not server.client().wait(1, 1000):
            pass  # the replica has what was written
        watchers.fail_over()
        person.goes_on.set()
        results = herd.end()

        count(row, results, sandbox, person, 0)
        row.lost = row.refused
        row.duplicated = row.asked - 1


def test_one_who_waits_for_a_redis_that_stays_away_is_told_so(sandbox, server):
    """When the wait is over; the error is of the whole wait."""
    store = RedisStore(server.client())
    server.client().set(LOCK, "another's", px=60_000)
    auth = client_of(sandbox, store)
    failures = []

    def ask():
        try:
            auth.token()
        except TokenStoreError as error:
            failures.append(error)

    waiting = threading.Thread(target=ask)
    looked = Looked(store)
    waiting.start()
    assert looked.wait(30)
    server.kill()
    store.lock_timeout = 1.0
    waiting.join(30)

    (error,) = failures
    assert re.match(r"Waited \d", str(error))
    assert f"cannot read {KEY}: ConnectionError" in str(error)
    assert error.location == KEY


class Looked(threading.Event):
    """Set when somebody has found the lock taken."""

    def __init__(self, store):
        super().__init__()
        lock = store.lock

        @contextlib.contextmanager
        def watched(timeout=None):
            try:
                with lock(timeout):
                    yield
            except LockTimeoutError:
                self.set()
                raise

        store.lock = watched


def test_one_who_did_not_wait_is_told_at_once_that_redis_is_away(sandbox, server):
    """Nobody is known to be signing on, so that there is nothing to wait for."""
    auth = client_of(sandbox, RedisStore(server.client()))
    server.kill()

    for ask in (auth.token, lambda: auth.sign_on(force=True)):
        with pytest.raises(TokenStoreError, match="See that it runs"):
            ask()

    assert sandbox.sign_ons == 0


def test_a_redis_that_is_slow_is_waited_for_once(server, sandbox, monkeypatch):
    """A renewal asks eight times: the client's time-out counts for all of them."""
    OutageClock(monkeypatch)  # so that a slow machine does not end the outage
    asked = []

    class Asked(redis.Redis):
        def execute_command(self, *args, **options):
            asked.append(args[0])
            return super().execute_command(*args, **options)

    store = RedisStore(server.client(kind=Asked, socket_timeout=1.0))

    with server.stalled(), pytest.raises(TokenStoreError, match="TimeoutError"):
        client_of(sandbox, store).token()

    assert len(asked) == 1


def test_memory_waits_for_who_was_signing_on_before_the_outage(server, monkeypatch):
    """For as long as that one's lock may last; then this process goes on."""
    clock = OutageClock(monkeypatch)
    holder = RedisStore(server.client())
    store = RedisStore(server.client(), when_down="memory")
    with holder.lock(0):
        with pytest.raises(LockTimeoutError, match=r"process \d+"):
            store.lock(0).__enter__()
        with away(server):
            for seconds in (0.0, 29.0):
                clock.now += seconds
                with pytest.raises(LockTimeoutError, match="last heard of"):
                    store.lock(0).__enter__()
            clock.now += 2.0
            with store.lock(0):
                pass


def test_memory_uses_no_refresh_token_that_others_may_use(server, sandbox):
    """Each process would use the same one, and it is good once."""
    sandbox.refresh_tokens = True
    store = RedisStore(server.client(), when_down="memory")
    token = client_of(sandbox, store).token()
    store.load()

    with away(server):
        kept = store.load()

    assert kept.access_token == token.access_token
    assert kept.refresh_token is None
    assert RedisStore(server.client()).load().refresh_token is not None


def test_memory_does_not_take_the_place_of_a_redis_that_refuses(start_redis):
    """A wrong password is not an outage: nothing is going to change by itself."""
    server = start_redis("--requirepass", "right")
    store = RedisStore(server.client(password="wrong"), when_down="memory")

    with pytest.raises(TokenStoreError, match="password"):
        store.load()


def test_a_herd_before_a_redis_that_is_down_warns_once_a_process(server, caplog):
    """Not at each call."""
    store = RedisStore(server.client(), when_down="memory")
    server.kill()

    for _ in range(3):
        store.save(Token("a"))
        with store.lock(0):
            store.load()

    (warning,) = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert "this process's memory" in warning.getMessage()
