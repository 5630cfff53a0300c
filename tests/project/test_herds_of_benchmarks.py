"""The herds of the benchmarks are what the page says. Nothing is measured."""

import dataclasses
import importlib
import re
import runpy
import subprocess
import sys

import pytest
from pages import DOCS

BENCHMARKS = DOCS.parent / "benchmarks"


@pytest.fixture
def simulation(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("simulation")


@pytest.fixture
def herd(simulation):
    """A herd on a Redis that takes 50 us for each step."""
    step = (0.0001, 0.00005)
    costs = simulation.Costs(step, step, step, step)
    return simulation.Herd(1, costs, simulation.Pauses())


@pytest.mark.parametrize(("mode", "prompts"), [("rotate", 0), ("sign-on", 1)])
def test_of_a_real_herd_one_process_gets_the_token_for_all(mode, prompts):
    """Each process is an interpreter of its own, each thread makes a GET."""
    command = [sys.executable, BENCHMARKS / "herds", "--tree", DOCS.parent]

    done = subprocess.run(
        [*command, "--shape", "2x2", "--mode", mode, "--runs", "1"],
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode == 0, done.stderr
    counts = f"token requests 1, failed 0, prompts {prompts} "
    assert done.stdout.endswith(counts + "\n")


def test_the_service_ends_the_grant_if_a_refresh_token_is_used_twice():
    """As RFC 9700 4.14.2 says; that is why the peers' herds fail."""
    server = runpy.run_path(str(BENCHMARKS / "herds" / "server.py"))
    state, form = server["State"](), {"refresh_token": [server["REFRESH_TOKEN"]]}

    assert state.granted(form)
    token = state.issue()["access_token"]
    assert token in state.accepted
    assert not state.granted(form)
    assert state.accepted == set()


def test_the_simulated_pauses_are_the_librarys_own():
    """The benchmarks read them by these names."""
    probe = (BENCHMARKS / "probes" / "store_costs.py").read_text(encoding="utf-8")
    turns = importlib.import_module("requests_ticktick._source.turns")

    names = set(re.findall(r"turns\.(\w+)", probe))

    assert len(names) == 5
    assert names <= set(vars(turns))


def test_a_simulated_herd_of_one_waits_for_its_own_token_request(simulation, herd):
    """And for what it computes for that, and for four steps on Redis."""
    result = simulation.on_many_machines(herd)

    expected = herd.latency + herd.leads + 3 * 0.00015
    assert result.wait == pytest.approx(expected, abs=0.0001)
    assert result.looks == 0


def test_many_that_wait_take_the_stores_time_from_the_one_that_renews(simulation, herd):
    """At 50 us, 20,000 looks a second are what one thread can do."""
    waits = [
        simulation.on_many_machines(dataclasses.replace(herd, size=size)).wait
        for size in (10, 100, 10_000)
    ]

    assert waits == sorted(waits)
    assert waits[-1] > 4 * waits[0]


def test_a_batch_of_processes_is_simulated_as_each_by_itself(simulation, herd):
    """That is how a million are simulated."""
    one, ten = (
        simulation.on_many_machines(dataclasses.replace(herd, size=2001, batch=batch))
        for batch in (1, 10)
    )

    assert ten.wait == pytest.approx(one.wait, rel=0.05)
