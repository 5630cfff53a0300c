"""What the auth step is within a whole request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from figures import Figure, Table
from run import Run
from server import serving

#: Over ``prepare_request`` with a constant header.
PREPARE_BUDGET = 1.02

#: Over the client's processor time with ``session.headers``.
CPU_BUDGET = 0.94


def tables(run: Run) -> Iterator[Table]:
    yield _preparing(run)
    yield _whole(run)


def _preparing(run: Run) -> Table:
    table = Table(
        "prepare-request",
        "``session.prepare_request``, without sending",
        "By that of a session whose auth sets a constant header, in the same process, "
        "turn by turn. Packages of which requests calls no auth are not in it.",
        ("Auth", "x floor", "us"),
    )
    rows, missing = [], []
    for peer, found in run.each("preparing", run.rounds):
        if isinstance(found, str):
            missing.append((peer, found, ""))
            continue
        for name, each in found.items():
            ratio = Figure.of(each["ratio"], "", _only_ours(name, PREPARE_BUDGET))
            rows.append((name, ratio, Figure.of(each["us"])))
    table.rows = [*sorted(rows, key=lambda row: row[1].middle), *missing]
    return table


def _whole(run: Run) -> Table:
    table = Table(
        "whole-requests",
        "Whole requests to a server on the same machine",
        "GETs through one kept connection, to a server in another process, by those "
        "of a session with the token in ``session.headers``, in the same process, "
        "turn by turn. That one is slower than any auth: without an auth, requests "
        "looks for a netrc file each time.",
        (
            "Auth",
            "Client's processor time, x bare",
            "Requests a second, x bare",
            "Requests a second",
        ),
    )
    rows, missing = [], []
    with serving() as origin:
        for peer, found in run.each("whole", run.rounds, origin):
            if isinstance(found, str):
                missing.append((peer, found, "", ""))
                continue
            rows += [_row(name, found) for name in found[0] if name != "bare"]
    table.rows = [*sorted(rows, key=lambda row: row[1].middle), *missing]
    return table


def _row(name: str, rounds: list[dict[str, Any]]) -> tuple[str, Figure, Figure, Figure]:
    walls = [(each[name][0], each["bare"][0]) for each in rounds]
    processor = [each[name][1] / each["bare"][1] for each in rounds]
    return (
        name,
        Figure.of(processor, "", _only_ours(name, CPU_BUDGET)),
        Figure.of(bare / wall for wall, bare in walls),
        Figure.of(round(1 / wall) for wall, _ in walls),
    )


def _only_ours(name: str, budget: float) -> float | None:
    return budget if name.startswith("requests-ticktick") else None
