"""A Redis that is killed and comes back, and the processes that go on meanwhile."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from clients import Person, client_of
from redis_server import OutageClock

from requests_ticktick import (
    ChainStore,
    EnvStore,
    Token,
    TokenStoreError,
    refuse,
)
from requests_ticktick._source import saving
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


class Clocks:
    """The clock of tokens and that of outages, which one turns by hand."""

    def __init__(self, monkeypatch, clock):
        self.of_tokens = clock
        self._of_outages = OutageClock(monkeypatch)

    def advance(self, seconds):
        self.of_tokens.advance(seconds)
        self._of_outages.now += seconds


@pytest.fixture
def clocks(monkeypatch, clock):
    return Clocks(monkeypatch, clock)


def warnings_in(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


def told_in(caplog):
    """The lines about the store, and not those about each token."""
    told = [r.getMessage() for r in caplog.records if r.levelno == logging.INFO]
    return [line for line in told if not line.startswith(("Signed on", "Saved"))]


def in_redis(server):
    """What another machine finds."""
    return RedisStore(server.client()).load()


# -- who signs on ----------------------------------------------------------------------


def test_auths_that_share_a_store_sign_on_once_while_redis_is_down(
    sandbox, going_on, caplog
):
    """Threads and auths; and there is one warning, not one from each part."""
    person = Person(sandbox)
    stores = [going_on, ChainStore([EnvStore("NONE_OF_OURS"), going_on])] * 4

    with ThreadPoolExecutor(8) as pool:
        auths = [client_of(sandbox, store, sign_on=person) for store in stores]
        tokens = {auth.token() for auth in auths for auth in [auth] * 2}
        tokens |= set(pool.map(lambda auth: auth.token(), auths))

    assert len(tokens) == 1
    assert person.asked == 1
    (warning,) = warnings_in(caplog)
    assert "Redis cannot be used" in warning


def test_threads_that_share_nothing_but_the_store_ask_one_person(
    sandbox, going_on, caplog
):
    """Those who wait for the lock get the token, which no store has."""
    barrier = threading.Barrier(8)
    person = Person(sandbox)

    def call(_):
        auth = client_of(sandbox, going_on, sign_on=person)
        barrier.wait(30)
        return auth.token()

    going_on.lock_timeout = 60.0
    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(call, range(8)))

    assert (len(tokens), person.asked) == (1, 1)
    assert len(warnings_in(caplog)) == 1


def test_another_client_signs_on_for_itself(sandbox, going_on):
    """What is another's is no use, also in memory."""
    mine = client_of(sandbox, going_on).token()

    theirs = client_of(sandbox, going_on, scope="tasks:read").token()

    assert theirs.access_token != mine.access_token
    assert sandbox.sign_ons == 2


def test_a_refresh_token_that_nobody_else_has_is_used_in_the_outage(
    sandbox, going_on, clocks
):
    """It came in the outage, and it is in no Redis for others to find."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    for _ in range(4):
        client_of(sandbox, going_on, clock=clocks.of_tokens).token()
        clocks.advance(3601)

    assert (sandbox.sign_ons, sandbox.reuse_detected) == (1, 0)


# -- how Redis gets it -----------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0.0, 8.0, 3600.0])
def test_a_token_of_an_outage_is_in_redis_soon_after_its_return(
    sandbox, server, going_on, clocks, caplog, seconds
):
    """However long it lasted; one warning when it began, one line at its end."""
    auth = client_of(sandbox, going_on, clock=clocks.of_tokens)
    token = auth.token()
    began = clocks.of_tokens.monotonic()
    while clocks.of_tokens.monotonic() < began + seconds:
        assert auth.token() == token
        clocks.advance(0.5)
    server.start()

    for _ in range(12):
        assert auth.token() == token
        clocks.advance(0.5)

    assert in_redis(server) == token
    assert sandbox.sign_ons == 1
    assert len(warnings_in(caplog)) == 1
    assert told_in(caplog) == [f"Redis can be used again for the token {KEY}."]


def test_the_first_try_comes_after_a_second(sandbox, server, going_on, clocks):
    """Redis was away for a moment, and others look for the token there."""
    auth = client_of(sandbox, going_on, clock=clocks.of_tokens)
    token = auth.token()
    server.start()

    clocks.advance(0.9)
    auth.token()
    assert in_redis(server) is None
    clocks.advance(0.2)
    auth.token()
    assert in_redis(server) == token


def test_a_program_that_makes_an_auth_for_each_call_saves_it(
    sandbox, server, going_on, monkeypatch
):
    """The token is the store's to get, not one auth's to remember."""
    monkeypatch.setattr(saving, "SOON_AGAIN_AFTER", 0.0)
    monkeypatch.setattr(_redis_outage, "PAUSE_SECONDS", 0.0)
    token = client_of(sandbox, going_on).token()
    server.start()

    assert client_of(sandbox, going_on, sign_on=refuse).token() == token
    assert in_redis(server) == token


def test_a_load_writes_nothing(sandbox, server, going_on, clocks):
    """Neither of the token, nor of anything else."""
    auth = client_of(sandbox, going_on, clock=clocks.of_tokens)
    auth.token()
    server.start()
    clocks.advance(2.0)

    assert going_on.load() is None
    assert server.client().keys("*") == []


@pytest.mark.parametrize("ours_first", [False, True])
def test_the_newest_token_of_an_outage_wins(sandbox, server, clocks, ours_first):
    """Two processes signed on meanwhile; whoever is back first, none is asked."""
    stores = [RedisStore(server.client(), when_down="memory") for _ in range(2)]
    server.kill()
    auths = [client_of(sandbox, s, clock=clocks.of_tokens) for s in stores]
    tokens = []
    for auth in auths:
        tokens.append(auth.token())
        clocks.advance(0.5)
    server.start()
    clocks.advance(2.0)

    for auth in auths if ours_first else reversed(auths):
        auth.token()

    assert in_redis(server) == tokens[1]
    clocks.advance(3600)
    assert [auth.token() for auth in auths] == tokens
    assert in_redis(server) == tokens[1]
    assert sandbox.sign_ons == 2


def test_a_token_that_was_saved_since_is_not_overwritten(
    sandbox, server, going_on, clocks
):
    """Another machine was back sooner, and signed on."""
    auth = client_of(sandbox, going_on, clock=clocks.of_tokens)
    token = auth.token()
    server.start()
    clocks.advance(0.5)
    other = RedisStore(server.client())
    theirs = client_of(sandbox, other, clock=clocks.of_tokens).token()

    for _ in range(20):
        clocks.advance(5.0)
        assert auth.token() == token
    assert in_redis(server) == theirs
    assert client_of(sandbox, going_on, clock=clocks.of_tokens).token() == theirs
    assert sandbox.sign_ons == 2


def test_a_sign_on_in_two_steps_replaces_what_redis_had(sandbox, server, clocks):
    """Somebody wants another account, say, and Redis is away just then."""
    store = RedisStore(server.client(), when_down="memory")
    auth = client_of(sandbox, store, clock=clocks.of_tokens)
    auth.token()
    kept = in_redis(server)
    clocks.advance(10.0)
    request = auth.begin_sign_on()
    server.kill()
    token = auth.complete_sign_on(request, sandbox.sign_on(request))
    server.start()
    RedisStore(server.client()).save(kept)  # as one that has a disk

    clocks.advance(2.0)
    auth.token()

    assert in_redis(server) == token


def test_the_last_sign_on_of_an_outage_is_the_one_that_counts(
    sandbox, server, going_on, clocks
):
    """The one before is not brought there afterwards."""
    auth = client_of(sandbox, going_on, clock=clocks.of_tokens)
    auth.token()
    token = client_of(sandbox, going_on, clock=clocks.of_tokens).sign_on(force=True)
    server.start()

    for _ in range(20):
        clocks.advance(2.0)
        auth.token()

    assert in_redis(server) == token


def test_what_is_forgotten_in_an_outage_is_not_saved_after_it(
    sandbox, server, going_on, clocks
):
    """That Redis may still have the token before is an error."""
    auth = client_of(sandbox, going_on, clock=clocks.of_tokens)
    token = auth.token()
    with pytest.raises(TokenStoreError, match="cannot delete"):
        auth.forget()
    server.start()
    clocks.advance(2.0)

    assert in_redis(server) is None
    assert auth.token() != token


def test_another_owners_token_in_redis_stays_and_is_told_of(
    sandbox, server, going_on, clocks, caplog
):
    """Somebody else took the key meanwhile: the process goes on, and says so once."""
    auth = client_of(sandbox, going_on, clock=clocks.of_tokens)
    token = auth.token()
    server.start()
    theirs = Stamp("you", "https://as.test/t", None).put_on(Token("theirs"))
    RedisStore(server.client()).save(theirs)

    for _ in range(20):
        clocks.advance(10.0)
        assert auth.token() == token

    assert in_redis(server) == theirs
    assert ["another client" in text for text in warnings_in(caplog)] == [False, True]


def test_a_second_outage_is_logged_as_well(sandbox, server, going_on, clocks, caplog):
    """One warning for each, and one line."""
    caplog.set_level(logging.INFO)
    for _ in range(2):
        auth = client_of(sandbox, going_on, clock=clocks.of_tokens)
        token = auth.sign_on(force=True)
        server.start()
        clocks.advance(2.0)
        auth.token()
        assert in_redis(server) == token
        server.kill()

    assert len(warnings_in(caplog)) == 2
    assert len(told_in(caplog)) == 2


def test_a_server_killed_in_the_midst_of_a_sign_on_gets_the_token(
    sandbox, server, caplog, clocks
):
    """Without memory too: one warning, and a line when it is saved."""
    store = RedisStore(server.client())

    def sign_on(request):
        server.kill()
        return sandbox.sign_on(request)

    auth = client_of(sandbox, store, sign_on=sign_on, clock=clocks.of_tokens)
    token = auth.token()
    for _ in range(20):
        clocks.advance(5.0)
        assert auth.token() == token
    server.start()
    for _ in range(3):
        clocks.advance(5.0)
        auth.token()

    assert in_redis(server) == token
    assert sandbox.sign_ons == 1
    (warning,) = warnings_in(caplog)
    assert "The token is used from memory" in warning
    assert told_in(caplog)[-1] == "The token that was used from memory is saved."


class Crowd:
    """Processes that call all the while, each with the store of its fork.

    :param auth: What each has.
    """

    def __init__(self, auth, processes):
        fork = multiprocessing.get_context("fork")
        self._auth, self._stop = auth, fork.Event()
        self._firsts, self._lasts = fork.Queue(), fork.Queue()
        self._processes = [fork.Process(target=self._call) for _ in range(processes)]

    def __enter__(self):
        for process in self._processes:
            process.start()
        return self

    def __exit__(self, *exc_info):
        self._stop.set()
        for process in self._processes:
            process.join(30)

    def _call(self):
        with ThreadPoolExecutor(4) as pool:
            tokens = set(pool.map(lambda _: self._auth.token(), range(4)))
        self._firsts.put(tokens)
        while not self._stop.wait(0.05):
            tokens.add(self._auth.token())
        self._lasts.put(tokens)

    def firsts(self):
        """Wait until each has a token; return what the threads of each got."""
        return [self._firsts.get(timeout=60) for _ in self._processes]

    def all(self):
        """Return all that the threads of each ever got."""
        self._stop.set()
        return [self._lasts.get(timeout=60) for _ in self._processes]


def test_processes_that_go_on_ask_one_person_each_and_redis_gets_the_newest(
    sandbox, server
):
    """On the real clocks; nobody is asked twice, and each goes on with its own."""
    store = RedisStore(server.client(), when_down="memory")
    server.kill()
    with Crowd(client_of(sandbox, store), 4) as crowd:
        firsts = crowd.firsts()
        server.start()
        newest = max(set.union(*firsts), key=lambda token: token.issued_at)
        deadline = time.monotonic() + 60
        while in_redis(server) != newest:
            assert time.monotonic() < deadline, "Redis has not got it"
            time.sleep(0.05)
        tokens = crowd.all()

    assert [len(each) for each in tokens] == [1, 1, 1, 1]
    assert sandbox.sign_ons == 4
    assert in_redis(server) == newest


# -- where it goes with the store ------------------------------------------------------


def test_a_pickle_made_in_an_outage_holds_no_token(sandbox, going_on, secrets):
    """It goes to another process, which finds its token in Redis or signs on."""
    auth = client_of(sandbox, going_on)
    token = auth.token()
    secrets.add(token.access_token)

    pickled = pickle.dumps((going_on, auth))

    assert token.access_token.encode() not in pickled
    assert pickle.loads(pickled)[0].load() is None


def test_a_child_that_is_forked_in_an_outage_has_the_token(sandbox, going_on):
    """Nobody is asked again there."""
    token = client_of(sandbox, going_on).token()
    reads, writes = os.pipe()

    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            auth = client_of(sandbox, going_on, sign_on=refuse)
            os.write(writes, auth.token().fingerprint.encode())
        os._exit(0)
    os.close(writes)
    os.waitpid(child, 0)

    with os.fdopen(reads) as answer:
        assert answer.read() == token.fingerprint
