"""Herds of processes over one Redis."""

from __future__ import annotations

import multiprocessing

import pytest
import workers
from clients import client_of

KEY = "requests-ticktick:token"


LOCK, ROOM = f"{KEY}:lock", f"{KEY}:lock:room"


#: Processes, and the threads of each: small, and as ``tox -e stress`` has it.
SIZES = [
    pytest.param((4, 2), id="4x2"),
    pytest.param(
        (16, 4), id="16x4", marks=[pytest.mark.stress, pytest.mark.timeout(300)]
    ),
]


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
