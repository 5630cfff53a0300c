"""Ports that nobody else takes between their choice and their use.

The system gives any port from 32768 on to whoever asks for none in particular,
and tests run beside each other: one that was free a moment ago may be taken.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import socket

#: Below the sandbox's, and those that the systems give away. Each worker of
#: pytest-xdist has some of them for itself.
_FIRST, _EACH, _WORKERS = 12_000, 480, 16


def _ports():
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = _FIRST + worker % _WORKERS * _EACH
    # Another run of the tests, beside this one, hardly begins at the same.
    begin = random.SystemRandom().randrange(_EACH)
    return (first + (begin + n) % _EACH for n in itertools.count())


_next = _ports()


def free_port(address="127.0.0.1"):
    """Return a port that nobody listens at, and that is not given away.

    :param address: The loopback address that it is free on.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for port in itertools.islice(_next, _EACH):
        with contextlib.suppress(OSError), socket.socket(family) as listening:
            listening.bind((address, port))
            return port
    raise AssertionError(f"no port is free on {address}")
