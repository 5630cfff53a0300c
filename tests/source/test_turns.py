"""How those wait who do not lead: many looks at the store, few tries for its lock."""

from __future__ import annotations

import pytest
from clients import Plain

from requests_ticktick import LockTimeoutError
from requests_ticktick._source import turns


class SleptTime:
    """A clock that goes on when somebody sleeps."""

    def __init__(self):
        self.now = 1000.0
        self.pauses = []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def slept(monkeypatch):
    """The clock of those who wait."""
    time = SleptTime()
    monkeypatch.setattr(turns, "time", time)
    return time


class Versioned(Plain):
    """A store whose version changes when it is told to."""

    current = 1

    def __init__(self):
        super().__init__()
        self.looks = 0

    def version(self):
        self.looks += 1
        return self.current


def test_waiters_look_at_the_store_between_two_tries_for_the_lock(slept):
    """A try costs five times a look: after a second, ten tries at most."""
    store = Versioned()
    watch = turns.LockWait(store)

    tries = 0
    while slept.now < 1001.0:
        watch.pause(1)
        tries += 1

    assert 5 <= tries <= 10
    assert store.looks >= 2 * tries


def test_waiters_look_less_and_less_often(slept):
    """Nobody waits much longer than it had to, and nobody polls fast for long."""
    watch = turns.LockWait(Versioned())

    while slept.now < 1060.0:
        watch.pause(1)

    assert slept.pauses[0] == 0.02
    assert slept.pauses == sorted(slept.pauses)
    assert slept.pauses[-1] == 0.1
    # A part of the wait so far: after half a second, a tenth of it.
    assert 0.05 in [round(pause, 2) for pause in slept.pauses]


def test_waiters_look_less_often_where_a_look_takes_long(slept):
    """A crowd before a busy server, or on a busy machine."""

    class Slow(Versioned):
        def version(self):
            slept.now += 0.0005
            return super().version()

    watch = turns.LockWait(Slow())

    watch.pause(1)

    assert slept.pauses[:2] == pytest.approx([0.02, 0.05])


def test_a_changed_version_ends_the_pause(slept):
    """Whoever waits reads at once what is new."""
    store = Versioned()
    watch = turns.LockWait(store)

    watch.pause(0)

    assert len(slept.pauses) == 1


def test_a_store_without_a_version_is_read_at_each_look(slept):
    """It has nothing cheaper to offer."""
    watch = turns.LockWait(Plain())

    watch.pause(None)

    assert len(slept.pauses) == 1


def test_the_wait_is_over_with_the_stores_time_out(slept):
    """The error tells of the whole wait, and not of the last try."""
    store = Versioned()
    store.lock_timeout = 330.0
    watch = turns.LockWait(store)
    slept.now += 329.9
    assert not watch.is_over()
    slept.now += 0.1
    assert watch.is_over()

    with pytest.raises(LockTimeoutError) as caught:
        watch.go_on(LockTimeoutError("It is held by process 1.", holder="p"))

    assert str(caught.value) == "Waited 330 s. It is held by process 1."
    assert caught.value.holder == "p"
