"""A small discrete-event simulation: processes, and what they queue for."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

#: What a process does next: it is served by a station for so many seconds;
#: with ``None``, so many seconds pass.
Step = tuple["Station | None", float]


class Station:
    """Serves those who come, first come first served.

    :param servers: How many it serves at a time: a machine's processors, or
        Redis's one thread.
    """

    def __init__(self, servers: int) -> None:
        self._free = [0.0] * servers
        self.busy = 0.0

    def end(self, now: float, seconds: float) -> float:
        """Return when somebody who comes now has been served."""
        end = max(now, self._free[0]) + seconds
        heapq.heapreplace(self._free, end)
        self.busy += seconds
        return end


class Simulation:
    """Runs processes from their common beginning until the last has ended."""

    def __init__(self) -> None:
        self.now = 0.0

    def run(self, processes: Iterable[Iterator[Step]]) -> float:
        """Return when the last of them ended, in seconds."""
        waiting = [(0.0, number, steps) for number, steps in enumerate(processes)]
        heapq.heapify(waiting)
        while waiting:
            self.now, number, steps = waiting[0]
            step = next(steps, None)
            if step is None:
                heapq.heappop(waiting)
                continue
            station, seconds = step
            end = self.now + seconds
            if station is not None:
                end = station.end(self.now, seconds)
            heapq.heapreplace(waiting, (end, number, steps))
        return self.now
