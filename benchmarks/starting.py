"""What a fresh process costs: an import, and a first call."""

from __future__ import annotations

import ast
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from figures import Figure, Table
from run import HERE, OURS, MissingError, Run, clean_environment
from server import serving
from ways import TOKEN

#: Over ``import requests``; and over a bare first call.
IMPORT_BUDGETS = {
    "import requests_ticktick": 1.0,
    "from requests_ticktick import TickTickAuth": 1.05,
}
COLD_BUDGETS = {
    "a file by its path": 1.045,
    "the default file": 1.06,
    "a variable": 1.06,
}

BARE = """
import os, requests
session = requests.Session()
session.headers["Authorization"] = "Bearer " + os.environ["BARE_TOKEN"]
assert session.get(os.environ["API"]).status_code == 200
"""
DEFAULT = """
import os, requests
from requests_ticktick import TickTickAuth
session = requests.Session()
session.auth = TickTickAuth()
assert session.get(os.environ["API"] + "/open/").status_code == 200
"""

#: Processor and wall clock of a process, in seconds.
Took = tuple[float, float]
COLUMNS = ("Processor time, x bare", "Wall clock, x bare", "Wall clock, ms")


def tables(run: Run) -> Iterator[Table]:
    yield _imports(run)
    with serving() as origin:
        yield _cold(run, origin)


def _imports(run: Run) -> Table:
    table = Table(
        "import",
        "What an import takes",
        "A fresh Python that imports it, by those before and after it that import "
        "requests, in the same environment: 25 of ours, 11 of the others. Bytecode is "
        "compiled beforehand.",
        ("Import", *COLUMNS),
    )
    codes = [(OURS, code, budget) for code, budget in IMPORT_BUDGETS.items()]
    codes += [(peer, _constant(peer, "IMPORT"), None) for peer in _others(run)]
    for peer, code, budget in codes:
        name = f"{OURS}: ``{code}``" if peer == OURS else f"``{code}``"
        try:
            pairs = _pairs(run, peer, code, "import requests")
        except MissingError as error:
            table.rows.append((name, str(error), "", ""))
        else:
            table.rows.append((name, *_figures(pairs, budget)))
    return table


def _cold(run: Run, origin: str) -> Table:
    table = Table(
        "cold-start",
        "A fresh process's first call",
        "From the start of Python to its end, with one call to a server on the same "
        "machine and a valid token in the package's own file, by a process with "
        "requests alone that has its token in a variable.",
        ("Token in", *COLUMNS),
    )
    for name, env in _own_places(run, origin).items():
        code = _constant(OURS, "COLD") if "FILE" in env else DEFAULT
        pairs = _pairs(run, OURS, code, BARE, BARE_TOKEN=TOKEN, **env)
        figures = _figures(pairs, COLD_BUDGETS[name])
        table.rows.append((f"{OURS}, {name}", *figures))
    for peer in _others(run):
        path = run.folder / f"{peer}.kept"
        env = {"API": origin, "FILE": str(path), "BARE_TOKEN": TOKEN}
        try:
            run.probe(peer, "keeping", _module(peer), path)
            pairs = _pairs(run, peer, _constant(peer, "COLD"), BARE, **env)
        except MissingError as error:
            table.rows.append((peer, str(error), "", ""))
        else:
            table.rows.append((peer, *_figures(pairs, None)))
    return table


def _own_places(run: Run, origin: str) -> dict[str, dict[str, str]]:
    """Return the variables with which ours finds its token, by place."""
    state, path = run.folder / "state", run.folder / "by-path" / "token.json"
    default = state / "requests-ticktick" / "default.json"
    for each in (default, path):
        each.parent.mkdir(parents=True)
        run.probe(OURS, "keeping", _module(OURS), each)
    default_env = {"API": origin, "TICKTICK_SERVICE": origin}
    return {
        "a file by its path": {"API": origin, "FILE": str(path)},
        "the default file": {**default_env, "XDG_STATE_HOME": str(state)},
        "a variable": {**default_env, "TICKTICK_TOKEN": TOKEN},
    }


def _pairs(
    run: Run, peer: str, code: str, bare: str, **env: str
) -> list[tuple[Took, Took]]:
    """Measure processes, each with the mean of the bare ones around it.

    The first one does not count.
    """
    python, variables = run.python(peer), clean_environment(**env)
    _took(python, code, variables)
    number = run.rounds if run.quick else 25 if peer == OURS else 11
    pairs, before = [], _took(python, bare, variables)
    for _ in range(number):
        own, after = _took(python, code, variables), _took(python, bare, variables)
        pairs.append((own, ((before[0] + after[0]) / 2, (before[1] + after[1]) / 2)))
        before = after
    return pairs


def _took(python: str, code: str, env: dict[str, str]) -> Took:
    began = time.perf_counter()
    # Isolated from the folder, from the user's packages and from variables.
    process = subprocess.Popen(
        [python, "-I", "-c", code], env=env, stderr=subprocess.PIPE, text=True
    )
    if not hasattr(os, "wait4"):  # Windows
        failed, processor = process.wait(), float("nan")
    else:
        _, failed, used = os.wait4(process.pid, 0)
        process.returncode, processor = failed, used.ru_utime + used.ru_stime
    wall = time.perf_counter() - began
    with process.stderr as stderr:
        if failed:
            raise MissingError(stderr.read().strip().rpartition("\n")[2][:200])
    return processor, wall


def _figures(
    pairs: list[tuple[Took, Took]], budget: float | None
) -> tuple[Figure, Figure, Figure]:
    processor = (own[0] / bare[0] for own, bare in pairs)
    wall = (own[1] / bare[1] for own, bare in pairs)
    return (
        Figure.of(processor, "", budget),
        Figure.of(wall, "", budget),
        Figure.of(own[1] * 1000 for own, _ in pairs),
    )


def _others(run: Run) -> list[str]:
    return [
        peer
        for peer in run.peers
        if peer != OURS and Path(HERE, "peers", f"{_module(peer)}.py").exists()
    ]


def _module(peer: str) -> str:
    return peer.lower().replace("-", "_")


def _constant(peer: str, name: str) -> str:
    """Read a constant of a module that cannot be imported here."""
    path = HERE / "peers" / f"{_module(peer)}.py"
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == name:
            return ast.literal_eval(node.value)
    raise LookupError(f"{path} has no {name}")
