"""Compare the herds of several source trees, interleaved.

``python benchmarks/herds --shape 64x1 --store file --tree . --tree ../other``
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from collections import defaultdict

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from figures import Figure

from herds import programs, trees
from herds.herd import LATENCY, Field, Outcome, Shape, Way


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="benchmarks/herds", description=__doc__)
    parser.add_argument("--shape", type=Shape.parse, default=Shape(64, 1))
    parser.add_argument("--store", default="file", choices=["memory", "file", "redis"])
    parser.add_argument("--mode", default="rotate", choices=["rotate", "sign-on"])
    parser.add_argument("--tree", action="append", help="a checkout; may be repeated")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--python", default=sys.executable)
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        field = Field(
            stack.enter_context(programs.server()),
            stack.enter_context(programs.redis_server()),
            stack.enter_context(tempfile.TemporaryDirectory()),
        )
        ways = [
            Way(
                tree,
                options.python,
                "ours",
                options.store,
                stack.enter_context(trees.compiled(tree)),
            )
            for tree in options.tree or ["."]
        ]
        for way in ways:  # compiles what is not compiled yet
            field.run(way, options.mode, Shape(1, 1))
        found = defaultdict[str, list[tuple[Outcome, Outcome]]](list)
        for number in range(options.runs):
            for way in ways[:: -1 if number % 2 else 1]:
                valid = field.run(way, "valid", options.shape)
                waited = field.run(way, options.mode, options.shape)
                found[way.name].append((valid, waited))
                print(number, way.name, _line([(valid, waited)]), flush=True)
    print(f"\n{options.mode} {options.store} {options.shape}, {options.runs} runs")
    for name, pairs in found.items():
        print(f"{name}: {_line(pairs)}")


def _line(pairs: list[tuple[Outcome, Outcome]]) -> str:
    wait = Figure.of((end.wall - valid.wall) / LATENCY for valid, end in pairs)
    valid = Figure.of(valid.wall / LATENCY for valid, _ in pairs)
    asked = Figure.of(end.token_requests for _, end in pairs)
    failed = Figure.of(end.failed for _, end in pairs)
    prompts = Figure.of(end.prompts for _, end in pairs)
    why = next((end.why for pair in pairs for end in pair if end.why), "")
    return (
        f"wait {wait}, valid {valid}, token requests {asked}, failed {failed}, "
        f"prompts {prompts} {why}"
    )


if __name__ == "__main__":
    main()
