"""A process that runs for years takes up no more than one of a minute."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import pytest
import steady

from requests_ticktick._source import used

pytestmark = [
    pytest.mark.stress,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        not os.path.isdir("/proc/self/fd"), reason="/proc/self is Linux's alone"
    ),
]

#: KiB by which memory may differ at the end, for how the allocator has it.
SLACK = 1024


def in_a_process_of_its_own(work, *args, **options):
    """Return what the work does: pytest's own process grows meanwhile."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(work, *args, **options).result()


def must_be_the_same(before, after):
    """Require so much memory, and so many open files, threads and objects."""
    (memory, *others), objects = before
    assert after == ((pytest.approx(memory, abs=SLACK), *others), objects)


@pytest.mark.parametrize("cleared", [True, False], ids=["new requests", "one request"])
def test_a_million_requests(tmp_path, cleared):
    """One for each second of eleven days."""
    before, after, hooks = in_a_process_of_its_own(
        steady.steps, tmp_path / "t.json", cleared=cleared, times=1_000_000
    )

    must_be_the_same(before, after)
    assert hooks == (0 if cleared else 1)


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_ten_thousand_renewals(tmp_path, kind):
    """One for each hour of a year. Each second token was refused."""
    before, after, misused = in_a_process_of_its_own(
        steady.renewals,
        tmp_path / "t.json" if kind == "file" else None,
        warm_up=2 * used.LIMIT,
        times=10_000,
    )

    must_be_the_same(before, after)
    assert misused == 0


@pytest.mark.parametrize("kind", ["memory", "file", "vault"])
def test_a_hundred_thousand_auths_that_are_dropped(tmp_path, kind):
    """One for each call that a web app serves."""
    before, after = in_a_process_of_its_own(
        steady.auths, tmp_path / "t.json", kind, 100_000
    )

    must_be_the_same(before, after)
