"""How the costs grow with the number of processes, in tables and in plots."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from typing import Any

import plots
import scaling
from figures import Figure, Table
from herds.programs import redis_server
from run import Run
from scaling import FILE, LEADERS, REDIS, SHARDED, Model

_LAYOUTS = (FILE, REDIS, LEADERS, SHARDED)

_SHOWN = (100, 10_000, 1_000_000)


def tables(run: Run) -> Iterator[Table]:
    path = run.into / "results.json"
    results = json.loads(path.read_text("utf-8")) if path.exists() else {}
    with redis_server() as port, tempfile.TemporaryDirectory(dir=run.folder) as folder:
        costs = run.probe("requests-ticktick", "store_costs", folder, port)
    herds = scaling.measured(results)
    model = Model.of(costs, herds)
    yield _costs(costs)
    yield _validated(model, herds)
    curves = {
        layout: {
            size: model.scaled(layout, size).wait
            for size in scaling.SIZES
            if size <= model.most(layout)
        }
        for layout in _LAYOUTS
        if layout == FILE or model.redis is not None
    }
    yield _scaled(model, curves)
    plots.draw(run.into, results, herds, model, curves)


def _costs(costs: dict[str, Any]) -> Table:
    table = Table(
        "herd-costs",
        "What the steps of waiting cost",
        "Processor time of one step, in the process and in Redis, in the middle of "
        "seven times 200. A waiting process looks every "
        f"{costs['pauses']['shortest'] * 1000:g} to "
        f"{costs['pauses']['longest'] * 1000:g} ms, and reads and tries the lock "
        f"every {costs['pauses']['try_every'] * 1000:g} ms.",
        ("Step", "On a file", "On Redis, in the process", "In Redis"),
    )
    steps = {
        "read": "Read the token",
        "look": "Wake up, and look for a new one",
        "attempt": "Try the lock in vain",
        "save": "Save the token",
    }
    for step, name in steps.items():
        redis = costs.get("redis", {}).get(step)
        cells = [_us(redis["here"]), _us(redis["there"])] if redis else ["", ""]
        table.rows.append((name, _us(costs["file"][step]["here"]), *cells))
    return table


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} us"


def _validated(model: Model, herds: dict[str, Any]) -> Table:
    table = Table(
        "herd-simulated",
        "The simulation, beside what was measured",
        "The wait of herds that were run, and that the simulation works out from "
        "the costs above, from what a process computes when it is alone, and from "
        "what 64 of them compute with a valid token.",
        ("Processes", "Store", "Measured wait", "Simulated"),
    )
    for (store, name), found in herds.items():
        processes, _, threads = name.partition(" x ")
        if store == "memory" or threads == "64":
            continue
        wait = Figure(found["wait"], found["least"], found["most"])
        simulated = model.validated(store, int(processes)).wait / scaling.LATENCY
        table.rows.append((name, store, wait, f"{simulated:.2f}"))
    return table


def _scaled(model: Model, curves: dict[str, dict[int, float]]) -> Table:
    table = Table(
        "herd-scaled",
        "What happens at 100, 10,000 and 1,000,000 workers",
        "Seconds that the last worker waits longer than with a valid token, from the "
        "simulation. A machine of several has "
        f"{scaling.WORKERS} workers and the cores of this one.",
        (
            "Store",
            *(f"{size:,}" for size in _SHOWN),
            "1 s of waiting",
            "Token requests",
            "Its end",
        ),
    )
    ends = {
        FILE: f"memory: 10,000 processes need {10_000 * model.memory / 1e9:.0f} GB, "
        f"and 1,000,000 {model.memory / 1e6:.0f} TB",
        REDIS: "10,000 connections (``maxclients``), then its one thread",
        LEADERS: f"{10_000 * scaling.WORKERS:,} workers, then as above",
        SHARDED: "none here: one more Redis for each 100,000 workers",
    }
    for layout, curve in curves.items():
        requests = str(scaling.SHARDS) if layout == SHARDED else "1"
        cells = [_seconds(curve.get(size)) for size in _SHOWN]
        slow = model.ends_at(layout, 1.0)
        begins = "not here" if slow is None else f"from about {slow:,}"
        table.rows.append((layout, *cells, begins, requests, ends[layout]))
    return table


def _seconds(found: float | None) -> str:
    if found is None:
        return "no such machine"
    return f"{found:.0f} s" if found >= 10 else f"{found:.2g} s"
