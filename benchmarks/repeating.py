"""Doing small things often enough to measure them, in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

#: Does something a number of times.
Repeated = Callable[[int], None]

#: Seconds in which one thing is done, before it is another's turn.
_BLOCK = 0.004

#: Turns of a round. The quickest counts: the others had company.
_TURNS = 5


def interleaved(
    things: Sequence[Repeated],
    rounds: int,
    clock: Callable[[], float] = time.thread_time,
) -> Iterator[list[float]]:
    """Yield what each of them took in each round, in microseconds.

    :param clock: That of this thread stands still while others have the
        processor.
    """
    counts = [_count(thing, clock) for thing in things]
    for _ in range(rounds):
        turns = [
            [_took(things[at], count, clock) for at, count in enumerate(counts)]
            for _ in range(_TURNS)
        ]
        yield [min(turn[at] for turn in turns) for at in range(len(things))]


def _count(thing: Repeated, clock: Callable[[], float]) -> int:
    """Return how often it is done in a turn; and do it, to be warm."""
    thing(20)
    return max(5, int(_BLOCK / (_took(thing, 50, clock) * 1e-6)))


def _took(thing: Repeated, count: int, clock: Callable[[], float]) -> float:
    began = clock()
    thing(count)
    return (clock() - began) / count * 1e6
