"""What tests look at: warnings, threads that wait, calls that raise."""

from __future__ import annotations

import logging
import threading


def warnings_in(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


def raises(error):
    """Return a function that does."""

    def function(*_args):
        raise error

    return function


def watch_for_waiters(attempt):
    """Return an event that is set when a thread comes to wait for it."""
    waiting, wait = threading.Event(), attempt.wait

    def waited(timeout):
        waiting.set()
        return wait(timeout)

    attempt.wait = waited
    return waiting
