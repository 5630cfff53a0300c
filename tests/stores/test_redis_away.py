"""A herd of processes, and a Redis that goes away or fails over."""

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
from clients import client_of
from ports import free_port
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel
from redis_herds import KEY, LOCK, SIZES, Watched, count, results_of
from redis_server import OutageClock, RedisServer

from requests_ticktick import LockTimeoutError, Token, TokenStoreError
from requests_ticktick._source.turns import Attempt
from requests_ticktick.stores.redis import RedisStore


@pytest.fixture
def person(sandbox):
    return Watched(sandbox)


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
        with server.away():
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


def test_a_waiting_caller_learns_that_redis_stays_away(sandbox, server):
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


def test_a_caller_that_does_not_wait_learns_at_once_that_redis_is_away(sandbox, server):
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


def test_memory_waits_for_a_sign_on_that_began_before_the_outage(server, monkeypatch):
    """For as long as that one's lock may last; then this process goes on."""
    clock = OutageClock(monkeypatch)
    holder = RedisStore(server.client())
    store = RedisStore(server.client(), when_down="memory")
    with holder.lock(0):
        with pytest.raises(LockTimeoutError, match=r"process \d+"):
            store.lock(0).__enter__()
        with server.away():
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

    with server.away():
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
        with pytest.raises(TokenStoreError):
            store.save(Token("a"))
        with store.lock(0):
            store.load()

    (warning,) = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert "this process's memory" in warning.getMessage()
