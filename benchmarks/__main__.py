"""Measure what the plugin costs, beside others, as ratios within one run.

Run it with ``tox -e bench``. The tables are for people: no test reads them,
and a noisy machine fails nothing.
"""

from __future__ import annotations

import argparse
import importlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import rendering
from environments import CHECKOUT, Environments
from figures import Table
from run import MissingError, Run

#: Modules or packages with ``tables(run)``, in the order of the page.
SECTIONS = (
    "machine",
    "usage",
    "hot_path",
    "whole_requests",
    "starting",
    "memory",
    "instructions",
    "herds",
    "writing",
    "growth",
    "summary",
)


def main() -> None:
    """Parse the command line, measure, print and save."""
    options = _parser().parse_args()
    own = Path(os.environ.get("TOX_ENV_DIR", tempfile.gettempdir())) / "bench"
    into = options.into or (own / "quick" if options.quick else CHECKOUT / "docs/costs")
    began = time.monotonic()
    environments = Environments(own / "environments")
    environments.make()
    print(f"Environments for the peers: {time.monotonic() - began:.0f} s", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(options.quick, Path(into), Path(folder), environments)
        measured = []
        for section in options.only or SECTIONS:
            for table in _tables(section, run):
                print(rendering.text(table), flush=True)
                rendering.save(table, run.into)
                measured.append(table)
            print(f"[{section}: {time.monotonic() - began:.0f} s]", flush=True)
    print("\nOver budget:", *rendering.over(measured) or ["nothing"], sep="\n  ")
    print(f"All tables are in {into}.")


def _tables(section: str, run: Run) -> Iterator[Table]:
    """Yield a section's tables, and say it where there are none."""
    try:
        yield from importlib.import_module(section).tables(run)
    except MissingError as error:
        print(f"\n{section}: skipped. {error}", flush=True)
    except Exception as error:
        print(f"\n{section}: failed. {type(error).__name__}: {error}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--quick", action="store_true", help="three rounds of each: more noise"
    )
    parser.add_argument(
        "--only", nargs="+", choices=SECTIONS, metavar="SECTION", help="some of them"
    )
    parser.add_argument(
        "--into", type=Path, help="where tables go (docs/costs, if not --quick)"
    )
    return parser


if __name__ == "__main__":
    main()
