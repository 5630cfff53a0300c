"""The few figures that the comparison shows, of what the others measured."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from figures import Figure, Table
from run import Run

#: What the comparison has a column for, by the rows that are shown.
PACKAGES = {
    "requests-ticktick": (
        "requests-ticktick, memory",
        "requests-ticktick: ``from",
        "requests-ticktick, a file",
    ),
    "ticktick-py": ("ticktick-py, get_access_token", "ticktick-py", "``from ticktick."),
    "pyticktick": ("pyticktick", "``from pyticktick"),
    "requests-oauthlib": (
        "requests-oauthlib, OAuth2Session",
        "requests-oauthlib",
        "``from requests_oauthlib",
    ),
    "Authlib": ("Authlib, OAuth2Session", "Authlib", "``from authlib"),
}

#: What a row says, the table that it is of, and the column there.
ROWS = (
    ("The auth step of a request, against a constant header", "auth-step", 1),
    ("A whole request's processor time, against a bare one", "whole-requests", 1),
    ("The import of what is used, against that of requests", "import", 1),
    ("A fresh process's first call, against a bare one", "cold-start", 1),
)


def tables(run: Run) -> Iterator[Table]:
    table = Table(
        "summary",
        "What they cost",
        "Less is better. :doc:`costs` says how each is measured, and has the least and "
        "the most of it.",
        ("what", *PACKAGES),
    )
    found = json.loads((run.into / "results.json").read_text("utf-8"))
    for what, name, column in ROWS:
        rows = found.get(name, {}).get("rows", [])
        cells = [_cell(rows, starts, column) for starts in PACKAGES.values()]
        table.rows.append((what, *cells))
    yield table


def _cell(rows: list[list[Any]], starts: tuple[str, ...], column: int) -> Figure | str:
    """Return the figure of the first row that begins so."""
    for start in starts:
        for row in rows:
            figure = row[column]
            if row[0].startswith(start) and isinstance(figure, dict):
                return Figure.of([figure["middle"]])
    return ""
