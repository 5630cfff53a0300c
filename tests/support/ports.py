"""Ports that nobody else takes between their choice and their use.

The system gives any port from 32768 on to whoever asks for none in particular,
and tests run beside each other: one that was free a moment ago may be taken.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import itertools
import socket

#: Below the sandbox's, and those that systems give away. Each process that runs
#: tests has so many for itself, and listens at the first of them to say so.
_PORTS, _EACH = range(12_000, 20_000), 200


@functools.lru_cache
def _own():
    for first in _PORTS[::_EACH]:
        with contextlib.suppress(OSError):
            claim = socket.create_server(("127.0.0.1", first))
            atexit.register(claim.close)
            return claim, itertools.cycle(range(first + 1, first + _EACH))
    raise AssertionError("too many processes run tests")


def free_port(address="127.0.0.1"):
    """Return a port that nobody listens at, and that is not given away.

    :param address: The loopback address that it is free on.
    """
    _, ports = _own()
    for port in itertools.islice(ports, _EACH):
        if is_free(port, address):
            return port
    raise AssertionError(f"no port is free on {address}")


def is_free(port, address="127.0.0.1"):
    """Whether nobody listens at a port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family) as listening:
        listening.bind((address, port))
        return True
    return False
