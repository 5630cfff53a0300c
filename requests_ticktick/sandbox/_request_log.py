"""The requests that the endpoints received, counted, and the latest kept."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

#: A sandbox may run for days, so only so many requests are kept, of so many
#: bytes together.
MAX_REQUESTS, MAX_TOTAL_BYTES = 1000, 16_777_216


@dataclass(frozen=True, repr=False)
class Received:
    """A request as it arrived. Its repr shows neither headers nor body.

    :param endpoint: ``authorize``, ``token``, ``revoke``, ``register`` or
        ``api``.
    :param method: ``GET``, ``POST`` and so on.
    :param path: What precedes the ``?``, decoded.
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
        """How many bytes it takes to keep this request."""
        headers = sum(len(name) + len(value) for name, value in self.headers.items())
        return len(self.path) + len(self.query) + headers + len(self.body)

    def __repr__(self) -> str:
        return f"<Received {self.method} {self.path} {len(self.body)} bytes>"


class RequestLog:
    """Counts requests and keeps the latest. Any thread may read and write."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._received: deque[Received] = deque()
        self._total_bytes = 0

    def add(self, received: Received) -> None:
        """Count a request at its endpoint, and keep it."""
        with self._lock:
            self._counts[received.endpoint] += 1
            self._received.append(received)
            self._total_bytes += received.size
            while (
                len(self._received) > MAX_REQUESTS
                or self._total_bytes > MAX_TOTAL_BYTES
            ):
                self._total_bytes -= self._received.popleft().size

    def count(self, endpoint: str) -> int:
        """Return how many requests an endpoint received."""
        with self._lock:
            return self._counts[endpoint]

    def received(self) -> list[Received]:
        """List the latest requests, oldest first."""
        with self._lock:
            return list(self._received)
