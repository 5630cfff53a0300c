"""What a herd of any size costs, worked out from what its steps cost.

One process finds the lock free, and gets a token. The others look into the
store, with the library's own pauses, until the token is there. Processors and
Redis serve one step after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from events import Simulation, Station, Step

#: How long a processor serves one process before the next, in seconds.
_SLICE = 0.003


@dataclass(frozen=True)
class Pauses:
    """How often a waiting process looks: see ``_source/turns.py``."""

    try_every: float = 0.1
    part: float = 0.05
    shortest: float = 0.005
    longest: float = 0.1
    per_look: float = 0.0

    def after(self, waited: float, looked: float) -> float:
        """Return the next pause of one who has waited so long.

        :param looked: How long the last look took.
        """
        pause = max(waited * self.part, looked * self.per_look, self.shortest)
        return min(pause, self.longest)


@dataclass(frozen=True)
class Costs:
    """Seconds of one store's steps, each in the process and in Redis."""

    read: tuple[float, float]
    look: tuple[float, float]
    attempt: tuple[float, float]
    save: tuple[float, float]


@dataclass(frozen=True)
class Herd:
    """One herd.

    :param size: How many processes.
    :param latency: How long the token request takes.
    :param leads: What the leader computes, beside the token request.
    :param call: What each process computes for its first request.
    :param begins: The part of that which comes before it asks for a token.
    :param batch: How many processes each simulated one stands for: it does
        what they do one after the other.
    """

    size: int
    costs: Costs
    pauses: Pauses
    latency: float = 0.2
    leads: float = 0.04
    call: float = 0.01
    begins: float = 0.4
    batch: int = 1


@dataclass(frozen=True)
class Result:
    """What became of a herd.

    :param wait: How much longer than with a valid token it took, in seconds.
    :param renewed: When the token was in the store, in seconds.
    :param looks: How often anybody looked into the store.
    """

    wait: float
    renewed: float
    looks: int


class _Run:
    """One herd, and when the token was there.

    :param processors: Of the one machine; ``None`` if there are so many
        machines that nobody waits for a processor.
    :param redis: The store's own thread, if it has one.
    """

    def __init__(
        self, herd: Herd, processors: Station | None, redis: Station | None
    ) -> None:
        self._herd = herd
        self._processors = processors
        self._redis = redis
        self._simulation = Simulation()
        self._is_led = False
        self.looks = 0
        self.renewed: float | None = None

    def last(self) -> float:
        """Return when the last process has its response."""
        herd = self._herd
        followers = (herd.size - 1) // herd.batch
        rest = (self._process(herd.batch) for _ in range(followers))
        return self._simulation.run([self._process(1), *rest])

    def _process(self, weight: int) -> Iterator[Step]:
        herd, costs = self._herd, self._herd.costs
        yield from self._compute(herd.call * herd.begins, weight)
        yield from self._do(costs.read, weight)
        if self.renewed is None:
            if not self._is_led:
                self._is_led = True
                yield from self._lead()
            else:
                yield from self._wait(weight)
        yield from self._compute(herd.call * (1 - herd.begins), weight)

    def _lead(self) -> Iterator[Step]:
        herd, costs = self._herd, self._herd.costs
        yield from self._do(costs.attempt, 1)
        yield from self._compute(herd.leads, 1)
        yield from self._do(costs.read, 1)
        yield None, herd.latency
        yield from self._do(costs.save, 1)
        self.renewed = self._simulation.now

    def _wait(self, weight: int) -> Iterator[Step]:
        """Wait as LockWait does, until the token is in the store."""
        herd, costs, began = self._herd, self._herd.costs, self._simulation.now
        looked = 0.0
        while True:
            yield from self._do(costs.attempt, weight)
            tried = self._simulation.now
            while self._simulation.now - tried < herd.pauses.try_every:
                waited = self._simulation.now - began
                yield None, herd.pauses.after(waited, looked)
                self.looks += weight
                looked = -self._simulation.now
                yield from self._do(costs.look, weight)
                looked += self._simulation.now
                if self.renewed is not None:
                    break
            yield from self._do(costs.read, weight)
            if self.renewed is not None:
                return

    def _compute(self, seconds: float, weight: int) -> Iterator[Step]:
        """Compute, and let others go on meanwhile."""
        if self._processors is None:
            yield None, seconds
            return
        left = seconds * weight
        while left > 0.0:
            yield self._processors, min(left, _SLICE)
            left -= _SLICE

    def _do(self, cost: tuple[float, float], weight: int) -> Iterator[Step]:
        here, there = cost
        yield from self._compute(here, weight)
        if self._redis is not None:
            yield self._redis, there * weight


def on_one_machine(herd: Herd, cores: int, *, redis: bool = False) -> Result:
    """Run a herd on one machine; its Redis, if any, is on it as well."""

    def begin() -> _Run:
        processors = Station(cores)
        return _Run(herd, processors, processors if redis else None)

    return _compared(begin)


def on_many_machines(herd: Herd) -> Result:
    """Run a herd on machines that have time, while one Redis may have none."""
    return _compared(lambda: _Run(herd, None, Station(1)))


def _compared(begin: Callable[[], _Run]) -> Result:
    """Run a herd with a valid token, and one without."""
    usual = begin()
    usual.renewed = 0.0
    run = begin()
    wait = run.last() - usual.last()
    return Result(wait, run.renewed or 0.0, run.looks)
