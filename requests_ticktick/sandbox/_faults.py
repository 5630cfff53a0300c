"""What goes wrong because a test asked for it: delays, failures, denials."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

#: The endpoints that can be made to fail, by the names that tests use.
ENDPOINTS = ("authorize", "token", "api", "revoke", "register")

#: TickTick's answer to a client that sends too many requests.
RATE_LIMIT: Mapping[str, object] = {
    "errorId": "sandbox@server-1",
    "errorCode": "exceed_query_limit",
    "errorMessage": "exceed_query_limit",
    "data": None,
}


@dataclass(frozen=True)
class CannedResponse:
    """A response that is sent in place of the endpoint's own."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Faults:
    """The delays, failures and denials that are still to come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._delays_ended = threading.Event()
        self._delays = dict.fromkeys(ENDPOINTS, 0.0)
        self._failures: dict[str, deque[CannedResponse]] = {
            endpoint: deque() for endpoint in ENDPOINTS
        }
        self._denials: int | None = 0

    def delay(self, seconds: float, endpoint: str) -> None:
        """Delay every answer of an endpoint from now on."""
        self._delays[_known(endpoint)] = seconds

    def wait(self, endpoint: str) -> None:
        """Wait for the endpoint's delay, or until all delays are ended."""
        seconds = self._delays[endpoint]
        if seconds > 0:
            self._delays_ended.wait(seconds)

    def end_delays(self) -> None:
        """End the waiting of all requests, and let no other request wait."""
        self._delays_ended.set()

    def resume_delays(self) -> None:
        """Let requests wait again."""
        self._delays_ended.clear()

    def fail(
        self,
        times: int,
        status: int,
        body: object,
        endpoint: str,
        headers: Mapping[str, str] | None,
    ) -> None:
        """Queue a response for the next requests to an endpoint."""
        response = _canned_response(status, body, headers or {})
        with self._lock:
            self._failures[_known(endpoint)].extend([response] * times)

    def next_failure(self, endpoint: str) -> CannedResponse | None:
        """Take the next queued response, if there is one."""
        with self._lock:
            queue = self._failures[endpoint]
            return queue.popleft() if queue else None

    def deny(self, times: int | None) -> None:
        """Refuse the next consents; ``None`` refuses all of them."""
        with self._lock:
            self._denials = times

    def take_denial(self) -> bool:
        """Whether to refuse this consent. A denial is used up by asking."""
        with self._lock:
            if self._denials is None:
                return True
            denied = self._denials > 0
            self._denials -= denied
            return denied


def _canned_response(
    status: int, body: object, headers: Mapping[str, str]
) -> CannedResponse:
    if isinstance(body, bytes):
        content, content_type = body, "text/html"
    elif isinstance(body, str):
        content, content_type = body.encode(), "text/html; charset=utf-8"
    else:
        content, content_type = json.dumps(body).encode(), "application/json"
    return CannedResponse(status, content, {"Content-Type": content_type, **headers})


def _known(endpoint: str) -> str:
    if endpoint not in ENDPOINTS:
        raise ValueError(f"endpoint is one of {', '.join(ENDPOINTS)}")
    return endpoint
