"""The connections that are open, and the threads that serve them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

#: How many are open at a time. Each is a thread.
MOST = 512


class Connections:
    """Bounded in number, and none outlives the server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # As keys, in their order: who has waited for the longest comes first.
        self._idle: dict[socket.socket, None] = {}
        self._busy: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._closed = False

    def admit(self, connection: socket.socket) -> bool:
        """Let it in; where there is no room, instead of one that is idle.

        :returns: Whether there was room.
        """
        with self._lock:
            if len(self._idle) + len(self._busy) >= MOST:
                if not self._idle:
                    return False
                longest = next(iter(self._idle))
                del self._idle[longest]
                _hang_up(longest)
            self._idle[connection] = None
            if self._closed:
                _hang_up(connection)
            return True

    def joined_by(self, thread: threading.Thread) -> None:
        """Know a thread that serves one of them."""
        with self._lock:
            self._threads = {each for each in self._threads if each.is_alive()}
            self._threads.add(thread)

    @contextmanager
    def serving(self, connection: socket.socket) -> Iterator[None]:
        """Leave a connection alone whose request has been read."""
        with self._lock:
            self._idle.pop(connection, None)
            self._busy.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(connection)
                self._idle[connection] = None

    def leave(self, connection: socket.socket) -> None:
        """Forget one that has ended."""
        with self._lock:
            self._idle.pop(connection, None)
            self._busy.discard(connection)

    def close(self) -> None:
        """Hang up on everybody, and on who comes too late."""
        with self._lock:
            self._closed = True
            for connection in (*self._idle, *self._busy):
                _hang_up(connection)

    def join(self, timeout: float) -> None:
        """Wait for each of the threads.

        :param timeout: Seconds.
        """
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(timeout)


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
