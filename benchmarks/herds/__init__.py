"""How long a herd of cold processes waits behind a slow token endpoint."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator

from figures import Table
from run import Run

from . import plan, programs
from .herd import Field, Shape
from .rounds import measure

_FOUND = {"rotate": "an expired token", "sign-on": "no token", "valid": "a valid token"}

_COUNTS = ("Token requests", "Failed requests", "Sign-ons")


def tables(run: Run) -> Iterator[Table]:
    with contextlib.ExitStack() as stack:
        place = Field(
            stack.enter_context(programs.server()),
            stack.enter_context(programs.redis_server()),
            stack.enter_context(tempfile.TemporaryDirectory(dir=run.folder)),
        )
        yield _ours(run, place)
        yield _threads(run, place)
        yield _growth(run, place)


def _ours(run: Run, place: Field) -> Table:
    table = Table(
        "herds",
        "Many processes find the token expired at once",
        "Each process is a fresh interpreter that has imported requests and the "
        "package, made an auth, and waits at a gate. All start at once; each thread "
        "makes one GET. A token request takes 200 ms and rotates the refresh token; "
        "a second use of one ends the grant. Wait: the time until the last has its "
        "answer, less what the same herd takes with a valid token (the next column), "
        "over 200 ms. 1 would be a "
        "herd in which nothing but the token request takes time.",
        (
            "Processes x threads",
            "Store",
            "Finds",
            "Wait",
            "With a valid token",
            *_COUNTS,
        ),
    )
    for block in plan.blocks(run):
        shape = block.shape
        name = f"{shape.processes} x {shape.threads}"
        if block.store == "redis" and place.redis_port is None:
            absent = "not measured: there is no redis-server here"
            table.rows.append((name, absent, *[""] * 6))
            continue
        for series in measure(
            place,
            [plan.our_way(run, block.store)],
            block.modes,
            shape,
            block.rounds,
            valid_every=block.valid_every,
        ):
            found = _FOUND[series.mode]
            wait = series.wait(plan.BUDGETS.get(str(shape)))
            table.rows.append(
                (name, block.store, found, wait, series.usual(), *series.counts())
            )
    return table


def _threads(run: Run, place: Field) -> Table:
    table = Table(
        "herd-threads",
        "64 threads of one process find the token expired at once",
        "As above, in one process. Each package is used as its documentation says, "
        "by one object that all threads share. Those that send one request for each "
        "thread use the refresh token many times, for which the server ends the "
        "grant: their wait is short, and what they get is an error.",
        ("Package", "Used", "Wait", *_COUNTS),
    )
    rounds = 2 if run.quick else run.rounds
    ways = [plan.our_way(run, "memory"), *plan.ways_by_threads(run)]
    for series in measure(place, ways, ("rotate",), Shape(1, 64), rounds):
        how = plan.BY_THREADS.get(series.way.name, ("", "one TickTickAuth"))[1]
        table.rows.append((series.way.name, how, series.wait(), *series.counts()))
    return table


def _growth(run: Run, place: Field) -> Table:
    table = Table(
        "herd-peers",
        "Processes that share a file find the token expired at once",
        "As above, with one thread in each process, for the packages that have a "
        "cache file. Packages that ask a person again, since they have no refresh "
        "tokens, find no token; the sign-on answers at once. From 64 processes on "
        "each herd was run once, and of 128 none with a valid token.",
        ("Package", "Used", "Processes", "Wait", *_COUNTS),
    )
    peers = list(plan.ways_by_processes(run))
    for size in (4,) if run.quick else plan.PROCESSES:
        rounds = 1 if run.quick or size > 16 else 3
        for way, mode in peers:
            (series,) = measure(
                place,
                [way],
                (mode,),
                Shape(size, 1),
                rounds,
                valid_every=1 if size < 128 else 0,
            )
            wait = series.wait() if series.valid else ""
            how = plan.BY_PROCESSES[way.name][2]
            table.rows.append((way.name, how, str(size), wait, *series.counts()))
    return table
