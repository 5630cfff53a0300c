"""What an auth takes in memory, where there is one for each person."""

from __future__ import annotations

from collections.abc import Iterator

from figures import Figure, Table
from run import Run

#: Bytes.
BUDGET = 2_200

#: The auths of one round, ours and others', which have a session in each.
OURS, OTHERS, THOSE_OF_QUICK = 10_000, 500, 200


def tables(run: Run) -> Iterator[Table]:
    ours, others = (THOSE_OF_QUICK,) * 2 if run.quick else (OURS, OTHERS)
    table = Table(
        "memory-of-auths",
        "What one auth of many takes in memory, in bytes",
        f"What Python's allocator has given for {ours:,} auths ({others} of the other "
        "packages, whose sessions are large), each with a token of its own, divided "
        "by their number: once they are made, and after the first step of each.",
        ("Auth", "Made", "After its first step"),
    )
    rows, missing = [], []
    for peer, found in run.each("weighing", run.rounds, ours, others):
        if isinstance(found, str):
            missing.append((peer, found, ""))
            continue
        for name, each in found.items():
            budget = BUDGET if peer == "requests-ticktick" else None
            made = Figure.of(each["made"], "", budget)
            used = Figure.of(each["used"], "", budget) if each["used"] else ""
            rows.append((f"{peer}, {name}", made, used))
    table.rows = [*sorted(rows, key=lambda row: row[1].middle), *missing]
    yield table
