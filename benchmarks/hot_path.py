"""What each request costs: the auth step, and the hook of its response."""

from __future__ import annotations

from collections.abc import Iterator

from figures import Figure, Table
from run import MissingError, Run

#: Over the auth step of a constant header.
STEP_BUDGET = 2.5

#: Microseconds.
HOOK_BUDGET = 0.8

THREADS = (1, 2, 8, 32)
THREADS_OF_QUICK = (1, 8)


def tables(run: Run) -> Iterator[Table]:
    yield _steps(run)
    yield _pieces(run)
    yield _threads(run)
    yield _flows(run)


def _steps(run: Run) -> Table:
    table = Table(
        "auth-step",
        "The auth step of a request, and the hook of a 200",
        "The floor is an auth that sets a constant header: 1. It runs in the same "
        "process, turn by turn with the other. Both include the loop that calls "
        "them, and are given a request without hooks each time. The hook is what "
        "requests takes longer to hand over a 200 than without it.",
        ("Auth", "x floor", "us", "Hook of a 200, us", "Looks at the expiry"),
    )
    rows, missing = [], []
    for peer, found in run.each("step", run.rounds):
        if isinstance(found, str):
            missing.append((peer, found, "", "", ""))
            continue
        for name, each in found.items():
            ours = name.startswith("requests-ticktick")
            ratio = Figure.of(each["ratio"], "", STEP_BUDGET if ours else None)
            hook = Figure.of(each["hook"], "", HOOK_BUDGET if ours else None)
            # Within what cannot be told from nothing, there is no hook.
            shown = hook if ours or hook.middle > 0.1 else "none"
            looks = "each time" if each["looks"] else "no"
            rows.append((name, ratio, Figure.of(each["us"]), shown, looks))
    table.rows = [*sorted(rows, key=lambda row: row[1].middle), *missing]
    return table


def _pieces(run: Run) -> Table:
    table = Table(
        "auth-step-pieces",
        "Where the time of our auth step goes",
        "The whole step is the floor, the guard, the token, the hook and the rest. "
        "Each piece is run alone, less the loop that repeats it.",
        ("Piece", "us"),
    )
    try:
        found = run.probe("requests-ticktick", "pieces", run.rounds)
    except MissingError as error:  # a piece has another name now
        table.rows.append(("requests-ticktick", str(error)))
        return table

    def less(one: str, other: str = "nothing") -> Figure:
        return Figure.of([took[one] - took[other] for took in found])

    parts = ("guard", "token")
    rest = Figure.of(
        (took["all"] - took["all of the floor"])
        - (took["hook"] - took["cleared"])
        - sum(took[part] - took["nothing"] for part in parts)
        for took in found
    )
    table.rows += [
        ("The floor: it sets a constant header", less("all of the floor", "cleared")),
        ("requests-ticktick, the whole step", less("all", "cleared")),
        ("of the floor, the header in the request's own dict", less("header")),
        ("May this URL have the token? A look into a dict", less("guard")),
        ("Is the token fresh? ``source.token()``", less("token")),
        ("of this, reading two clocks", less("clocks")),
        ("The hook that answers a 401, put into the request", less("hook", "cleared")),
        ("The rest: finding these, and the hook of this token", rest),
    ]
    return table


def _threads(run: Run) -> Table:
    numbers = THREADS_OF_QUICK if run.quick else THREADS
    table = Table(
        "auth-step-threads",
        "The auth step, where threads share one auth",
        "The wall clock of the same number of steps in all, over that of a constant "
        "header in as many threads. One that takes no lock does not grow.",
        ("Auth", *(f"threads: {number}" for number in numbers)),
    )
    for peer, found in run.each("threads", run.rounds, *numbers):
        if isinstance(found, str):
            table.rows.append((peer, found, *[""] * (len(numbers) - 1)))
            continue
        for name, by_number in found.items():
            figures = [Figure.of(by_number[str(number)]) for number in numbers]
            table.rows.append((name, *figures))
    return table


def _flows(run: Run) -> Table:
    table = Table(
        "auth-step-async",
        "The auth step in an ``AsyncClient`` of httpx2",
        "The flow of a request that gets a 200, with the making of the request, by "
        "that of an auth that sets a constant header, written as the documentation "
        "of httpx2 shows it. httpx2 has no OAuth of its own.",
        ("Auth", "x floor", "us"),
    )
    for peer in ("requests-ticktick", "Authlib", "httpx2"):
        try:
            found = run.probe(peer, "flow", peer.lower(), run.rounds)
        except MissingError as error:
            table.rows.append((peer, str(error), ""))
            continue
        for name, each in found.items():
            row = (name, Figure.of(each["ratio"]), Figure.of(each["us"]))
            table.rows.append(row)
    return table
