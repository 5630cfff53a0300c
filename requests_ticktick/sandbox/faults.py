"""What goes wrong on demand: delays, failures, refusals."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: The three places that a request can go to, and what tests call them.
ENDPOINTS = ("authorize", "token", "api")

RATE_LIMIT: Mapping[str, object] = {
    "errorId": "sandbox@server-1",
    "errorCode": "exceed_query_limit",
    "errorMessage": "exceed_query_limit",
    "data": None,
}


@dataclass(frozen=True)
class Failure:
    """An answer given in place of the real one."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Faults:
    """The failures that are still to come, for all endpoints."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._interrupted = threading.Event()
        self._delays = dict.fromkeys(ENDPOINTS, 0.0)
        self._failures: dict[str, deque[Failure]] = {
            endpoint: deque() for endpoint in ENDPOINTS
        }
        self._denials: int | None = 0

    def delay(self, seconds: float, endpoint: str) -> None:
        """Answer that much later, from now on."""
        self._delays[_known(endpoint)] = seconds

    def wait(self, endpoint: str) -> None:
        """Sit a delay out, or what is left of it when the server stops."""
        seconds = self._delays[endpoint]
        if seconds > 0:
            self._interrupted.wait(seconds)

    def interrupt(self, interrupted: bool) -> None:
        """End all delays, or allow them again."""
        if interrupted:
            self._interrupted.set()
        else:
            self._interrupted.clear()

    def fail(
        self,
        times: int,
        status: int,
        body: object,
        endpoint: str,
        headers: Mapping[str, str] | None,
    ) -> None:
        """Queue an answer for the next calls."""
        failure = _failure(status, body, headers or {})
        with self._lock:
            self._failures[_known(endpoint)].extend([failure] * times)

    def next_failure(self, endpoint: str) -> Failure | None:
        """Take the answer that is to be given in place of the real one."""
        with self._lock:
            queue = self._failures[endpoint]
            return queue.popleft() if queue else None

    def deny(self, times: int | None) -> None:
        """Refuse the next consents; ``None``: all of them."""
        with self._lock:
            self._denials = times

    def take_denial(self) -> bool:
        """Whether this consent is to be refused."""
        with self._lock:
            if self._denials is None:
                return True
            denied = self._denials > 0
            self._denials -= denied
            return denied


def _failure(status: int, body: object, headers: Mapping[str, str]) -> Failure:
    if isinstance(body, bytes):
        return Failure(status, body, {"Content-Type": "text/html", **headers})
    if isinstance(body, str):
        html = "text/html; charset=utf-8"
        return Failure(status, body.encode(), {"Content-Type": html, **headers})
    content: Any = json.dumps(body).encode()
    return Failure(status, content, {"Content-Type": "application/json", **headers})


def _known(endpoint: str) -> str:
    if endpoint not in ENDPOINTS:
        raise ValueError(f"endpoint is one of {', '.join(ENDPOINTS)}")
    return endpoint
