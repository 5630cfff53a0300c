"""A program is told that its token expires: 14, 7 and 1 days before, once."""

from __future__ import annotations

import logging
import multiprocessing
import os
from functools import partial

import pytest
from clients import Plain, client_of
from processes import start
from told import Told, lines_of

from requests_ticktick import (
    AuthorizationDeniedError,
    ChainStore,
    EnvStore,
    FileStore,
    MemoryStore,
    TickTickAuth,
    Token,
    TokenStoreError,
    refuse,
)
from requests_ticktick._source.events import expiring
from requests_ticktick.stores.redis import RedisStore
from requests_ticktick.stores.sql import SqlStore

DAY = 86_400.0


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "t.json")


def auth_of(store, clock, **options):
    auth = TickTickAuth("app", store=store, sign_on=refuse, **options)
    auth.source.clock = clock
    return auth


def token_of(clock, days, *, lifetime=180, **fields):
    now = clock.time()
    issued_at = None if lifetime is None else now - (lifetime - days) * DAY
    return Token(
        "0123456789abcdefghij",
        expires_at=now + days * DAY,
        issued_at=issued_at,
        **fields,
    )


def days_told(told):
    return [int(event.reason.split()[2]) for event in told if event.kind == "expiring"]


def test_a_process_that_runs_on_is_told_three_times(path, clock, told):
    """At each mark, although nothing is renewed and no store is read."""
    store = FileStore(path)
    store.save(token_of(clock, 20))
    auth = auth_of(store, clock, on_event=told)
    seen = []
    for _ in range(40):
        auth.token()
        auth.token()
        seen.append(days_told(told))
        clock.advance(DAY / 2)

    assert [len(each) for each in seen].index(1) == 13  # a moment after 14 days
    assert seen[-1] == [14, 7, 1]
    expiring = [event for event in told if event.kind == "expiring"]
    assert [round(event.seconds / DAY, 1) for event in expiring] == [13.5, 6.5, 0.5]
    for event in expiring:
        assert event.place == path
        assert event.fingerprint == store.load().fingerprint
        assert event.expires_at == store.load().expires_at


@pytest.mark.parametrize("kind", ["file", "sqlite", "redis", "memory", "default"])
def test_one_of_a_herd_is_told(path, clock, told, kind, monkeypatch, request):
    """Whoever looks first: the others find its mark beside the token."""
    shared = MemoryStore()
    if kind == "redis":
        client = request.getfixturevalue("start_redis")().client()

    def store():
        if kind == "file":
            return FileStore(path)
        if kind == "sqlite":
            return SqlStore(f"sqlite:///{path}")
        if kind == "redis":
            return RedisStore(client)
        if kind == "memory":
            return shared
        return ChainStore([EnvStore("MY_TOKEN"), FileStore(path)])

    if kind == "default":
        monkeypatch.setenv("MY_TOKEN", repr(token_of(clock, 20).to_dict()))
    else:
        store().save(token_of(clock, 20))
    herd = [auth_of(store(), clock, on_event=partial(told)) for _ in range(4)]
    for _ in range(40):
        for auth in herd:
            auth.token()
        clock.advance(DAY / 2)

    assert days_told(told) == [14, 7, 1]


@pytest.mark.skipif(os.name != "posix", reason="forks")
def test_one_process_of_a_herd_is_told(path, clock):
    """A real one, that has nothing but the file in common with the others."""
    FileStore(path).save(token_of(clock, 3))

    def run(pipe):
        told = Told()
        auth_of(FileStore(path), clock, on_event=told).token()
        pipe.send(days_told(told))

    fork = multiprocessing.get_context("fork")
    results = [start(fork, run)[2] for _ in range(4)]

    assert sorted(results) == [[], [], [], [7]]


def test_a_failure_on_record_keeps_the_mark(path, clock):
    """And the mark keeps the failure: they are two lines of one note."""
    store = FileStore(path)
    told, again = Told(), Told()
    store.save(token_of(clock, 3))

    def denies(request):
        raise AuthorizationDeniedError("No, thanks.")

    def auth(on_event):
        auth = TickTickAuth("app", "s", store=store, sign_on=denies, on_event=on_event)
        auth.source.clock = clock
        return auth

    auth(told).token()
    with pytest.raises(AuthorizationDeniedError):
        auth(None).sign_on(force=True)
    failure = store.failure()
    auth(again).token()
    clock.advance(2.5 * DAY)
    auth(again).token()

    assert (days_told(told), days_told(again)) == ([7], [1])
    first, mark = store.failure().split("\n")
    assert failure.split("\n")[0] == first
    assert mark.endswith(" 1")


def test_a_new_token_starts_anew(path, clock):
    """The mark of the old one is gone with it."""
    store, told = FileStore(path), Told()
    for number in range(2):
        now = clock.time()
        auth = auth_of(store, clock, on_event=partial(told))
        token = Token(
            f"0123456789abcdefghi{number}",
            expires_at=now + 3 * DAY,
            issued_at=now - 9e6,
        )
        store.save(token)
        auth.token()
        auth.token()
        clock.advance(1.0)

    assert days_told(told) == [7, 7]


def test_a_sign_on_with_little_time_left_is_told_of_next(sandbox, clock, told):
    """A service may hand back the token that it gave out long ago."""
    sandbox.expires_in = int(20 * DAY)
    auth = client_of(sandbox, clock=clock, on_event=told)
    auth.token()
    auth.token()
    assert days_told(told) == []
    clock.advance(7 * DAY)
    auth.token()
    assert days_told(told) == [14]


@pytest.mark.parametrize(
    ("token", "marks"),
    [
        ({"days": 10, "lifetime": 10}, [7, 1]),
        ({"days": 0.5, "lifetime": 0.5}, []),
        ({"days": 10, "lifetime": None}, [14, 7, 1]),
        ({"days": 0.5, "lifetime": None}, [1]),
        ({"days": 10, "lifetime": 180, "refresh_token": "r"}, []),
    ],
    ids=["short", "very short", "unknown", "unknown and late", "refreshable"],
)
def test_which_marks_a_token_passes(path, clock, told, token, marks):
    """None that it never was before; none where no person is needed."""
    store = FileStore(path)
    store.save(token_of(clock, **token))
    auth = auth_of(store, clock, on_event=told)
    for _ in range(20 if token["days"] > 1 else 1):
        auth.token()
        auth.token()
        clock.advance(DAY / 2)

    assert days_told(told) == marks


def test_a_token_that_never_expires(clock, told):
    """There is nothing to tell."""
    auth = auth_of(MemoryStore(Token("tp_0123456789")), clock, on_event=told)
    auth.token()
    clock.advance(1000 * DAY)
    auth.token()

    assert told.kinds == ["found"]


def test_a_clock_that_was_set_back(path, clock, told):
    """The other clock says how much is left; nothing is told twice."""
    store = FileStore(path)
    store.save(token_of(clock, 15))
    auth = auth_of(store, clock, on_event=told)
    auth.token()
    clock.jump(-5 * DAY)
    clock.advance(1.5 * DAY)
    auth.token()
    auth.token()

    assert days_told(told) == [14]


def test_a_held_lock_delays_the_save_for_a_moment(path, clock, told):
    """Somebody renews just then, or tells: it is seen a few seconds later."""
    store = FileStore(path)
    store.save(token_of(clock, 3))
    auth = auth_of(store, clock, on_event=told)
    with store.lock(0.0):
        auth.token()
        auth.token()
    assert days_told(told) == []

    clock.advance(6.0)
    auth.token()

    assert days_told(told) == [7]


class Marked(MemoryStore):
    """Another process leaves its mark while this one waits for the lock."""

    def lock(self, timeout=None):
        mark = f"{self.load().fingerprint} 7"
        self.record_failure(f"\n{mark}")
        return super().lock(timeout)


def test_another_that_was_quicker(clock, told):
    """The mark is looked for again under the lock."""
    auth = auth_of(Marked(token_of(clock, 3)), clock, on_event=told)
    auth.token()

    assert days_told(told) == []


@pytest.mark.parametrize("note", ["\nnonsense", "\n{} soon", "{}", "\n{} 14", "\n"])
def test_a_mark_that_says_something_else(clock, told, note):
    """Anybody can write there: it is told, rather once too often."""
    token = token_of(clock, 3)
    store = MemoryStore(token)
    store.record_failure(note.format(token.fingerprint))
    auth_of(store, clock, on_event=told).token()

    assert days_told(told) == [7]


def test_a_store_without_notes_tells_each_process(clock, told):
    """Each process once, however many auths it makes."""
    store = Plain(token_of(clock, 3))
    for _ in range(3):
        auth = auth_of(store, clock, on_event=told)
        auth.token()
        auth.token()

    assert days_told(told) == [7]


def test_a_store_that_cannot_be_locked(clock, told):
    """The program is told; whether others are as well, nobody knows."""

    class Unlockable(MemoryStore):
        def lock(self, timeout=None):
            raise TokenStoreError("It cannot be locked.")

    auth_of(Unlockable(token_of(clock, 3)), clock, on_event=told).token()

    assert days_told(told) == [7]


def test_the_log_tells_a_process_without_a_callback(path, clock, told, caplog):
    """At the level INFO; the one with a callback is told in any case."""
    caplog.set_level(logging.INFO)
    store = FileStore(path)
    store.save(token_of(clock, 3))
    for _ in range(2):
        auth_of(store, clock).token()
    assert store.failure() is None
    auth_of(store, clock, on_event=told).token()

    lines = [line for line in lines_of(caplog) if "expires" in line]
    assert len(lines) == 2
    assert lines[0].endswith(f" in {path} expires in 3 days.")
    assert days_told(told) == [7]


def test_the_memory_of_a_process_has_a_limit(clock, told):
    """A vault has the tokens of many people."""
    for number in range(100):
        now = clock.time()
        token = Token(f"token-{number}", expires_at=now + 3 * DAY)
        auth_of(Plain(token), clock, on_event=told).token()

    assert days_told(told) == [7] * 100
    assert len(expiring.told) <= 65


def test_a_large_leeway_does_not_hide_the_end(path, clock, told):
    """A renewal is due, and nobody is there for it."""
    store = FileStore(path)
    store.save(token_of(clock, 3))
    auth_of(store, clock, on_event=told, leeway=30 * DAY).token()

    assert told.kinds == ["found", "failed", "expiring"]
