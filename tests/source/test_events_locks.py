"""When a program is told of its token: outside every lock, and while it waits."""

from __future__ import annotations

import logging
import multiprocessing
import os
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from clients import client_of
from processes import start
from told import Told, lines_of

from requests_ticktick import FileStore, MemoryStore, TickTickAuth, Token, refuse
from requests_ticktick._source import turns


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path / "t.json")


def wait_until(condition):
    ends = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.01)


# -- waiting -----------------------------------------------------------------------


def hold(store, pipe):
    """Hold a store's lock until told to; then leave a token, if one is sent."""
    with store.lock():
        pipe.send(os.getpid())
        token = pipe.recv()
        if token is not None:
            store.save(token)


@pytest.fixture
def holder(store):
    process, pipe, pid = start(multiprocessing.get_context("fork"), hold, store)
    yield SimpleNamespace(pid=pid, send=pipe.send)
    process.kill()
    process.join()


@pytest.mark.skipif(os.name != "posix", reason="forks")
def test_waiting_for_another_process_is_told_meanwhile(store, holder, caplog):
    """Who it is, and since when; then that its token is used."""
    caplog.set_level(logging.INFO)
    told = Told()

    def on_event(event):
        told(event)
        if event.kind == "waiting":
            holder.send(Token("0123456789abcdefghij", issued_at=time.time()))

    auth = TickTickAuth("app", store=store, sign_on=refuse, on_event=on_event)
    assert auth.token().access_token == "0123456789abcdefghij"

    assert told.kinds == ["waiting", "reused"]
    name = rf"process {holder.pid} on \S+, signing on since [-\d]+ \d\d:\d\d:\d\d"
    assert re.fullmatch(name, told[0].reason)
    assert told[1].seconds > 0
    waiting, reused = lines_of(caplog)
    assert re.fullmatch(f"Waiting for {name}.", waiting)
    assert reused.startswith("Another thread or process has the token")


@pytest.mark.skipif(os.name != "posix", reason="forks")
def test_one_who_is_told_of_the_wait_may_wait_for_the_token(store, holder):
    """Other threads of the process wait for the one who waits."""
    tokens = []

    def on_event(event):
        if event.kind == "waiting" and not tokens:
            tokens.append("asked for")
            holder.send(Token("0123456789abcdefghij", issued_at=time.time()))
            tokens.append(auth.token())

    auth = TickTickAuth("app", store=store, sign_on=refuse, on_event=on_event)
    token = auth.token()

    assert tokens == ["asked for", token]


@pytest.mark.skipif(os.name != "posix", reason="forks")
def test_the_end_of_a_program_loses_no_wait(store, holder, told, monkeypatch):
    """No thread can be started then: it is told after the wait."""

    def cannot_start(**options):
        return SimpleNamespace(start=fail)

    def fail():
        holder.send(Token("0123456789abcdefghij", issued_at=time.time()))
        raise RuntimeError("can't create new thread at interpreter shutdown")

    threads = SimpleNamespace(Thread=cannot_start, local=threading.local)
    monkeypatch.setattr("requests_ticktick._source.events.telling.threading", threads)
    TickTickAuth("app", store=store, sign_on=refuse, on_event=told).token()

    assert told.kinds == ["waiting", "reused"]


@pytest.mark.skipif(os.name != "posix", reason="forks")
def test_the_log_alone_tells_of_a_wait(store, holder, caplog):
    """Where the program wants to know nothing."""
    caplog.set_level(logging.INFO)
    auth = TickTickAuth("app", store=store, sign_on=refuse)
    with ThreadPoolExecutor(1) as pool:
        token = pool.submit(auth.token)
        wait_until(lambda: any("Waiting for" in line for line in lines_of(caplog)))
        holder.send(Token("0123456789abcdefghij", issued_at=time.time()))
        assert token.result(60)


def test_a_log_that_is_off_has_no_line(sandbox, store, caplog, monkeypatch):
    """Nor is one made."""
    caplog.set_level(logging.WARNING, logger="requests_ticktick")
    begun, goes_on, wait = threading.Event(), threading.Event(), turns.Attempt.wait

    def noted(attempt, timeout):
        goes_on.set()
        return wait(attempt, timeout)

    monkeypatch.setattr(turns.Attempt, "wait", noted)

    def sign_on(request):
        begun.set()
        assert goes_on.wait(60)
        return sandbox.sign_on(request)

    auth = client_of(sandbox, store, sign_on=sign_on)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(auth.token)
        assert begun.wait(60)
        second = pool.submit(auth.token)
        assert first.result(60) == second.result(60)

    assert lines_of(caplog, logging.DEBUG) == []


def two_threads(sandbox, store):
    """One signs on once the other waits for it; return what they tell."""
    told, waits = Told(), threading.Event()

    def on_event(event):
        told(event)
        if event.kind == "waiting":
            waits.set()

    def sign_on(request):
        assert waits.wait(60)
        return sandbox.sign_on(request)

    auth = client_of(sandbox, store, sign_on=sign_on, on_event=on_event)
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(auth.token) for _ in range(2)]
        first, second = (call.result(60) for call in calls)

    assert first == second
    return told


def test_threads_that_wait_tell_as_well(sandbox, store):
    """One signs on; the other waits for it, and takes its token."""
    told = two_threads(sandbox, store)

    assert sorted(told.kinds) == ["reused", "saved", "signed_on", "waiting"]
    (waiting,) = [event for event in told if event.kind == "waiting"]
    assert waiting.reason == "another thread of this process"


# -- outside every lock ------------------------------------------------------------


def test_no_lock_is_held_while_a_program_is_told(sandbox, store):
    """It may take the store's lock, ask for the token, and have a thread ask."""
    tokens, kinds = [], []

    def on_event(event):
        kinds.append(event.kind)
        with store.lock(0.0):
            tokens.append(auth.token())
        with ThreadPoolExecutor(1) as pool:
            tokens.append(pool.submit(auth.token).result(60))

    auth = client_of(sandbox, store, on_event=on_event)
    token = auth.token()
    sandbox.revoke_all()
    auth.source.token(instead_of=token)

    assert kinds == ["signed_on", "saved", "refused", "signed_on", "saved"]
    assert len(tokens) == 10


def test_a_sign_on_that_uses_another_auth_is_told_of_afterwards(sandbox, tmp_path):
    """Of the other one's token as well: the first one's lock is held until then."""
    kinds, outer, inner = [], FileStore(tmp_path / "1"), FileStore(tmp_path / "2")

    def on_event(event):
        with outer.lock(0.0), inner.lock(0.0):
            kinds.append((event.kind, os.path.basename(event.place)))

    def sign_on(request):
        other.token()
        assert kinds == []
        return sandbox.sign_on(request)

    other = client_of(sandbox, inner, on_event=on_event)
    client_of(sandbox, outer, sign_on=sign_on, on_event=on_event).token()

    assert kinds == [(k, n) for n in "21" for k in ("signed_on", "saved")]


def test_a_wait_within_a_sign_on_holds_nobody_up(sandbox, store, tmp_path):
    """The program is told by another thread, since a lock is held here."""
    threads, waits = [], threading.Event()

    def on_event(event):
        if event.kind == "waiting":
            threads.append(threading.current_thread())
            waits.set()

    def slow(request):
        assert waits.wait(60)
        return sandbox.sign_on(request)

    begun = threading.Event()

    def first(request):
        begun.set()
        return slow(request)

    inner = client_of(sandbox, store, sign_on=first, on_event=on_event)

    def sign_on(request):
        inner.token()
        return sandbox.sign_on(request)

    outer = client_of(sandbox, FileStore(tmp_path / "outer"), sign_on=sign_on)
    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(inner.token)
        assert begun.wait(60)
        assert pool.submit(outer.token).result(60)
        assert leader.result(60)

    assert [thread.name for thread in threads] == ["tells who waits"]


def test_a_thread_that_waited_takes_no_lock(sandbox):
    """It goes on with the other's token, and reads no store for it."""

    class Counting(MemoryStore):
        locks = 0

        def lock(self, timeout=None):
            self.locks += 1
            return super().lock(timeout)

    store = Counting()

    two_threads(sandbox, store)

    assert store.locks == 1
