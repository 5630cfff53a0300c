"""Herds of any size, from the costs that this run has measured."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

from simulation import Costs, Herd, Pauses, Result, on_many_machines, on_one_machine

#: What is simulated, beside the sizes that were measured.
SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)

#: How many workers one machine has, and how many shards there are.
WORKERS, SHARDS = 100, 10

#: More simulated processes than this are merged, so many into one.
_MOST = 10_000

LATENCY = 0.2

#: The memory of a machine that nobody would call small, in bytes.
_LARGEST = 256e9

#: What the row of each is called, in the table and in the plot.
FILE = "one machine, a file"
REDIS = "one Redis for all"
LEADERS = "a file on each machine, one Redis"
SHARDED = f"the same, {SHARDS} Redis and tokens"


@dataclass(frozen=True)
class Model:
    """What this machine and this library need.

    :param file: A herd on a file, of no size yet.
    :param redis: The same on Redis; ``None`` if there is none.
    :param memory: What one more process needs, in bytes.
    """

    file: Herd
    redis: Herd | None
    memory: int
    cores: int

    @classmethod
    def of(cls, found: dict[str, Any], herds: dict[str, Any]) -> Model:
        """Return the model of what was measured.

        :param found: What ``probes/store_costs.py`` printed.
        :param herds: The figures of the herds that were measured: see
            :func:`measured`.
        """
        cores, pauses = os.cpu_count() or 1, Pauses(**found["pauses"])
        models = {}
        for store in ("file", "redis"):
            if store not in found:
                continue
            steps = {
                name: (cost["here"], cost["there"])
                for name, cost in found[store].items()
            }
            models[store] = _calibrated(Herd(1, Costs(**steps), pauses), herds, store)
        return cls(models["file"], models.get("redis"), found["memory"], cores)

    def validated(self, store: str, size: int) -> Result:
        """Return what a herd should take that was measured on this machine."""
        herd = self.file if store == "file" or self.redis is None else self.redis
        sized = replace(herd, size=size)
        return on_one_machine(sized, self.cores, redis=store == "redis")

    def ends_at(self, layout: str, seconds: float) -> int | None:
        """Return how many workers wait so long; ``None`` if those are more."""
        size = SIZES[0]
        while size <= self.most(layout):
            if self.scaled(layout, size).wait >= seconds:
                return size
            size *= 2
        return None

    def most(self, layout: str) -> int:
        """Return for how many workers there can be the machines."""
        return min(SIZES[-1], int(_LARGEST / self.memory) if layout == FILE else 10**9)

    def scaled(self, layout: str, size: int) -> Result:
        """Return what a herd takes for which nobody has the machines."""
        batch = max(1, size // _MOST)
        if layout == FILE or self.redis is None:
            herd = replace(self.file, size=size, batch=batch)
            return on_one_machine(herd, self.cores)
        if layout == REDIS:
            return on_many_machines(replace(self.redis, size=size, batch=batch))
        machines = max(1, size // WORKERS // (SHARDS if layout == SHARDED else 1))
        leaders = on_many_machines(replace(self.redis, size=machines))
        # The last leader's machine: for it, the others' wait is the latency.
        there = LATENCY + max(0.0, leaders.wait - self.redis.leads - LATENCY)
        workers = min(size, WORKERS)
        return on_one_machine(
            replace(self.file, size=workers, latency=there), self.cores
        )


def _calibrated(herd: Herd, herds: dict[str, Any], store: str) -> Herd:
    """Take from small herds what their steps cost."""
    alone = herds.get((store, "1 x 1"))
    if alone is not None:
        herd = replace(herd, leads=max(0.0, (alone["wait"] - 1.0) * LATENCY))
    for name in ("64 x 1", "16 x 1", "16 x 4"):
        if (store, name) in herds:
            processes, _, threads = name.partition(" x ")
            used = herds[store, name]["usual"] * LATENCY * (os.cpu_count() or 1)
            return replace(herd, call=used / int(processes) / int(threads))
    return herd


def measured(results: dict[str, Any]) -> dict[str, Any]:
    """Return our herds by store and size, from the tables of this run."""
    found = {}
    for name, store, finds, wait, usual, *_ in results.get("herds", {}).get("rows", []):
        if isinstance(wait, dict) and finds == "an expired token":
            found[store, name] = {
                "wait": wait["middle"],
                "least": wait["least"],
                "most": wait["most"],
                "usual": usual["middle"],
            }
    return found
