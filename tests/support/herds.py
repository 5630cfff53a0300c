"""Somebody who signs on, counted in all processes of a herd."""

from __future__ import annotations

import multiprocessing

import pytest

from requests_ticktick import (
    AuthorizationDeniedError,
)

PROJECT = "/open/v1/project"


#: Processes, and the threads of each: small, and as ``tox -e stress`` has it.
SIZES = [
    pytest.param((4, 2), id="4x2"),
    pytest.param(
        (16, 4), id="16x4", marks=[pytest.mark.stress, pytest.mark.timeout(300)]
    ),
]


each_size = pytest.mark.parametrize("size", SIZES)


class Person:
    """Somebody who signs on, or will not; counted in all processes.

    :param sandbox: Where access is granted.
    """

    def __init__(self, sandbox, *, denies=False):
        fork = multiprocessing.get_context("fork")
        self.sandbox = sandbox
        self.denies = denies
        self.asked = fork.Value("i", 0)
        self.is_asked, self.goes_on = fork.Event(), fork.Event()
        self.goes_on.set()

    def __call__(self, request):
        with self.asked.get_lock():
            self.asked.value += 1
        self.is_asked.set()
        assert self.goes_on.wait(60)
        if self.denies:
            raise AuthorizationDeniedError("No, thanks.", error="access_denied")
        return self.sandbox.sign_on(request)
