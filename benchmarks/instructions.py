"""What the auth step costs in instructions, whatever else the machine does."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from figures import Figure, Table
from hot_path import STEP_BUDGET
from run import HERE, Run, clean_environment

#: Half of the steps of the longer run, which are what is counted.
_COUNT = 20_000

STEPS = ("floor", "ours")
HOOKS = ("floor, hook", "ours, hook")


def tables(run: Run) -> Iterator[Table]:
    table = Table(
        "instructions",
        "The auth step, in instructions of the processor",
        f"Under Valgrind's callgrind: a process of {2 * _COUNT:,} steps, less one of "
        f"{_COUNT:,}. It is the same each time, so that it is counted once.",
        ("What", "Instructions", "x floor"),
    )
    if shutil.which("valgrind") is None:
        table.rows.append(("requests-ticktick", "not counted: no valgrind here", ""))
    else:
        table.rows += _rows(run)
    yield table


def _rows(run: Run) -> Iterator[tuple[str | Figure, ...]]:
    names = STEPS if run.quick else STEPS + HOOKS
    with ThreadPoolExecutor(2) as pool:
        jobs = [
            (name, count, pool.submit(_instructions, run, name, count))
            for name in names
            for count in (_COUNT, 2 * _COUNT)
        ]
    found = {(name, count): job.result() for name, count, job in jobs}
    each = {
        name: (found[name, 2 * _COUNT] - found[name, _COUNT]) / _COUNT for name in names
    }
    floor, ours = (each[name] for name in STEPS)
    yield "an auth with a constant header", _figure(floor), _figure(1)
    yield (
        "requests-ticktick, memory",
        _figure(ours),
        Figure.of([ours / floor], "", STEP_BUDGET),
    )
    if not run.quick:
        without, hooked = (each[name] for name in HOOKS)
        yield "handing over a 200 without a hook", _figure(without), ""
        yield "requests-ticktick, its hook in addition", _figure(hooked - without), ""


def _figure(value: float) -> Figure:
    return Figure.of([round(value)])


def _instructions(run: Run, name: str, count: int) -> int:
    """Return how many instructions a process of so many steps takes."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    script = str(HERE / "probes" / "counted.py")
    # Not -I, which would ignore the seed.
    command += [run.python(), "-s", script, name, str(count)]
    done = subprocess.run(
        command,
        env=clean_environment(PYTHONHASHSEED="0"),
        capture_output=True,
        text=True,
        check=True,
    )
    return int(re.search(r"Collected : (\d+)", done.stderr)[1])
