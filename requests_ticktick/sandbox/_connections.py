"""The open connections, and the threads that serve them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

#: So many connections may be open at a time. Each has a thread.
MAX_CONNECTIONS = 512


class Connections:
    """Bounds the number of connections, and ends them with the server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # A dict for its order: the connection that was idle first comes first.
        self._idle: dict[socket.socket, None] = {}
        self._busy: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._closed = False

    def admit(self, connection: socket.socket) -> bool:
        """Make room for a connection, if need be by ending an idle one.

        :returns: Whether there was room.
        """
        with self._lock:
            if len(self._idle) + len(self._busy) >= MAX_CONNECTIONS:
                if not self._idle:
                    return False
                longest = next(iter(self._idle))
                del self._idle[longest]
                _hang_up(longest)
            self._idle[connection] = None
            if self._closed:
                _hang_up(connection)
            return True

    def add_thread(self, thread: threading.Thread) -> None:
        """Keep a thread that serves a connection, for :meth:`join`."""
        with self._lock:
            self._threads = {each for each in self._threads if each.is_alive()}
            self._threads.add(thread)

    @contextmanager
    def serving(self, connection: socket.socket) -> Iterator[None]:
        """Do not count a connection as idle while its request is served."""
        with self._lock:
            self._idle.pop(connection, None)
            self._busy.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(connection)
                self._idle[connection] = None

    def remove(self, connection: socket.socket) -> None:
        """Forget a connection that has ended."""
        with self._lock:
            self._idle.pop(connection, None)
            self._busy.discard(connection)

    def close(self) -> None:
        """Hang up on all connections, and on those that are admitted later."""
        with self._lock:
            self._closed = True
            for connection in (*self._idle, *self._busy):
                _hang_up(connection)

    def join(self, timeout: float) -> None:
        """Wait for the threads to end.

        :param timeout: Seconds to wait for each.
        """
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(timeout)


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
