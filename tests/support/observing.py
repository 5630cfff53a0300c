"""What tests look at: warnings, threads that wait, calls that raise."""

from __future__ import annotations

import logging
import threading
import time


def warnings_in(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


def raises(error):
    """Return a function that does."""

    def function(*_args):
        raise error

    return function


def until(condition):
    """Wait for something that is sure to come."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.005)


def watch_for_waiters(attempt):
    """Return an event that is set when a thread comes to wait for it."""
    waiting, wait = threading.Event(), attempt.wait

    def waited(timeout):
        waiting.set()
        return wait(timeout)

    attempt.wait = waited
    return waiting
