"""Plots that are the same, byte by byte, if the figures are.

They are to be read on a telephone, and without colours: each line has its own
marker and dashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import scaling
from scaling import Model

#: Of Okabe and Ito, whom people tell apart that see few colours.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#000000", "#E69F00")
_MARKERS = ("o", "s", "^", "D", "v", "x", "P")
_DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))

OURS = "requests-ticktick"

#: A line's name, its values by number, and the least and most of these.
Line = tuple[str, dict[int, float], dict[int, tuple[float, float]]]


def draw(
    into: Path,
    results: dict[str, Any],
    herds: dict[str, Any],
    model: Model,
    curves: dict[str, dict[int, float]],
) -> None:
    """Draw all plots for which there are figures."""
    file, redis = _ours(herds, "file"), _ours(herds, "redis")
    peers = list(_peers(results))
    asked = [(OURS, dict.fromkeys(file[1], 1.0), {})]
    asked += [(name, counts, {}) for name, _, counts in peers]
    _plot(into, "herd-requests", asked, "processes", "token requests", log=True)
    waits = [(f"{OURS}, file", *file[1:]), (f"{OURS}, Redis", *redis[1:])]
    waits += [(name, found, {}) for name, found, _ in peers]
    _plot(into, "herd-wait", waits, "processes", "wait / 200 ms")
    both: list[Line] = []
    for line, store in ((file, "file"), (redis, "redis")):
        sizes = sorted(line[1])
        simulated = {
            size: model.validated(store, size).wait / scaling.LATENCY for size in sizes
        }
        both += [line, (f"{line[0]}, simulated", simulated, {})]
    _plot(into, "herd-stores", both, "processes", "wait / 200 ms")
    lines = [(name, curve, {}) for name, curve in curves.items()]
    _plot(into, "herd-scaled", lines, "workers", "seconds of waiting", log=True)
    # More lines than there are colours cannot be told apart.
    threads = sorted(_threads(results), key=lambda line: not line[0].startswith(OURS))
    threads = threads[: len(_COLOURS)]
    _plot(into, "hot-path-threads", threads, "threads", "x a constant header", log=True)


def _ours(herds: dict[str, Any], store: str) -> Line:
    values, spans = {}, {}
    for (found, name), herd in herds.items():
        processes, _, threads = name.partition(" x ")
        if found == store and threads == "1":
            values[int(processes)] = herd["wait"]
            spans[int(processes)] = (herd["least"], herd["most"])
    return {"file": "file", "redis": "Redis"}[store], values, spans


def _peers(
    results: dict[str, Any],
) -> Iterable[tuple[str, dict[int, float], dict[int, float]]]:
    """Yield each peer with its waits and its token requests."""
    rows = results.get("herd-peers", {}).get("rows", [])
    for name in dict.fromkeys(row[0] for row in rows):
        own = [row for row in rows if row[0] == name]
        waits = {int(row[2]): row[3]["middle"] for row in own if row[3]}
        asked = {int(size): count["middle"] for _, _, size, _, count, *_ in own}
        largest = max(own, key=lambda row: int(row[2]))
        has_failed = largest[5]["middle"] > int(largest[2]) / 2
        yield f"{name} (failed)" if has_failed else name, waits, asked


def _threads(results: dict[str, Any]) -> Iterable[Line]:
    table = results.get("auth-step-threads", {"columns": [], "rows": []})
    numbers = [int(name.split()[0]) for name in table["columns"][1:]]
    for name, *figures in table["rows"]:
        if all(isinstance(figure, dict) for figure in figures):
            pairs = zip(numbers, figures, strict=True)
            yield name, {number: figure["middle"] for number, figure in pairs}, {}


def _plot(
    into: Path,
    name: str,
    lines: Sequence[Line],
    across: str,
    upward: str,
    *,
    log: bool = False,
) -> None:
    """Draw lines over numbers that double; with ``log``, both axes do."""
    lines = [line for line in lines if line[1]]
    if not lines:
        return
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    # The ids in the file come from this, not from chance.
    mpl.rcParams.update({"svg.hashsalt": name, "font.size": 10.0})
    figure = Figure(figsize=(4.2, 3.6), layout="constrained")
    axes = figure.add_subplot()
    handles = []
    for at, (label, values, spans) in enumerate(lines):
        numbers = sorted(values)
        found = [values[number] for number in numbers]
        look = {
            "color": _COLOURS[at % len(_COLOURS)],
            "marker": _MARKERS[at % len(_MARKERS)],
            "linestyle": _DASHES[at % len(_DASHES)],
            "label": label,
        }
        if spans:
            below = [values[n] - spans[n][0] for n in numbers]
            above = [spans[n][1] - values[n] for n in numbers]
            bars = {"yerr": (below, above), "capsize": 3}
            handles.append(axes.errorbar(numbers, found, **bars, **look))
        else:
            handles += axes.plot(numbers, found, **look)
    axes.set_xscale("log")
    if log:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    else:
        axes.set_ylim(bottom=0)
    ticks = sorted({number for _, values, _ in lines for number in values})
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.set(xlabel=across, ylabel=upward)
    axes.grid(alpha=0.3)
    figure.legend(handles=handles, loc="outside upper left", fontsize=9, frameon=False)
    into.mkdir(parents=True, exist_ok=True)
    figure.savefig(into / f"{name}.svg", metadata={"Date": None, "Title": name})
