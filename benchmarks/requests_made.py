"""What a request costs more, against an auth that does nothing but attach."""

from __future__ import annotations

import statistics
import time
import timeit
from collections.abc import Callable, Iterator

import requests
from requests.auth import AuthBase

from requests_ticktick import MemoryStore, TickTickAuth, Token

URL = "https://api.ticktick.com/open/v1/project"


class Static(AuthBase):
    """The floor: a header that never changes."""

    def __init__(self, token: str) -> None:
        self.header = f"Bearer {token}"

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.headers["Authorization"] = self.header
        return r


def rows(rounds: int) -> Iterator[tuple[str, float, float, str]]:
    now = time.time()
    token = Token("tp_0123456789", expires_at=now + 1e6, issued_at=now)
    ours, floor = TickTickAuth(store=MemoryStore(token)), Static("tp_0123456789")
    yield (
        "prepare_request, over a static header",
        _prepare(ours, floor, rounds),
        1.02,
        "x",
    )
    yield (
        "the auth step alone, over a static header",
        _step(ours, floor, rounds),
        3.5,
        "x",
    )


def _ratio(
    one: Callable[[], object], other: Callable[[], object], number: int, rounds: int
) -> float:
    """Interleave the two, so that what the machine does is done to both."""
    ratios = []
    for _ in range(rounds):
        first = min(timeit.repeat(one, number=number, repeat=3))
        second = min(timeit.repeat(other, number=number, repeat=3))
        ratios.append(first / second)
    return statistics.median(ratios)


def _prepare(ours: AuthBase, floor: AuthBase, rounds: int) -> float:
    request = requests.Request("GET", URL)
    with requests.Session() as one, requests.Session() as other:
        one.auth, other.auth = ours, floor
        return _ratio(
            lambda: one.prepare_request(request),
            lambda: other.prepare_request(request),
            1500,
            rounds,
        )


def _step(ours: AuthBase, floor: AuthBase, rounds: int) -> float:
    request = requests.Request("GET", URL).prepare()
    hooks = request.hooks["response"]

    def of(auth: AuthBase) -> float:
        def step() -> None:
            hooks.clear()
            auth(request)

        return min(timeit.repeat(step, number=20_000, repeat=3))

    def nothing() -> None:
        hooks.clear()

    ratios = []
    for _ in range(rounds):
        empty = min(timeit.repeat(nothing, number=20_000, repeat=3))
        ratios.append((of(ours) - empty) / (of(floor) - empty))
    return statistics.median(ratios)
