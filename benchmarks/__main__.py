"""Measure what the plugin costs, as ratios within one run, against budgets.

Run it with ``tox -e bench``. The table is for people: no test reads it, and a
noisy machine fails nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

import herds
import requests_made
import starting

Row = tuple[str, float, float, str]


def rows(quick: bool) -> Iterator[Row]:
    """Yield what was measured: name, figure, budget, unit."""
    rounds = 3 if quick else 15
    yield from requests_made.rows(rounds)
    yield from starting.rows(5 if quick else 25)
    yield from herds.rows(1 if quick else 5)


def show(found: Iterator[Row], out: Callable[[str], object]) -> None:
    """Print a table, line by line as it is measured."""
    out(f"{'what':<58}{'measured':>10}{'budget':>9}")
    for name, figure, budget, unit in found:
        verdict = "" if figure <= budget else "  OVER"
        out(f"{name:<58}{figure:>9.3f}{unit}{budget:>8.2f}{unit}{verdict}")


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, more noise")
    quick = parser.parse_args().quick
    show(rows(quick), lambda line: (print(line), sys.stdout.flush()))


if __name__ == "__main__":
    main()
