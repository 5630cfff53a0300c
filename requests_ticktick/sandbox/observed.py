"""What the server saw: how many requests, and which."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

#: Enough for a test to look at, and no leak in a sandbox that runs for days:
#: so many requests, of so many bytes in all.
KEPT, KEPT_BYTES = 1000, 16_777_216


@dataclass(frozen=True, repr=False)
class Received:
    """A request as it arrived. Its repr shows neither headers nor body.

    :param endpoint: ``authorize``, ``token`` or ``api``.
    :param query: What followed the ``?``, undecoded.
    :param headers: By name, spelled ``Content-Type``.
    :param body: The bytes, without the framing of a chunked body.
    """

    endpoint: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def size(self) -> int:
        """How much there is to keep of it, in bytes."""
        headers = sum(len(name) + len(value) for name, value in self.headers.items())
        return len(self.path) + len(self.query) + headers + len(self.body)

    def __repr__(self) -> str:
        return f"<Received {self.method} {self.path} {len(self.body)} bytes>"


class Observed:
    """Counters and the latest requests, written and read by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._received: deque[Received] = deque()
        self._size = 0

    def add(self, received: Received) -> None:
        """Count a request at its endpoint, and keep it."""
        with self._lock:
            self._counts[received.endpoint] += 1
            self._received.append(received)
            self._size += received.size
            while len(self._received) > KEPT or self._size > KEPT_BYTES:
                self._size -= self._received.popleft().size

    def granted(self) -> None:
        """Count a consent."""
        with self._lock:
            self._counts["granted"] += 1

    def count(self, name: str) -> int:
        """How many there were, of an endpoint's name or ``granted``."""
        with self._lock:
            return self._counts[name]

    def received(self) -> list[Received]:
        """List the latest requests, oldest first."""
        with self._lock:
            return list(self._received)
