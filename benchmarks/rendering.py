"""Tables for the terminal, for the documentation, and for programs."""

from __future__ import annotations

import dataclasses
import json
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from figures import Figure, Table

#: A row that begins with this is ours, and is shown in bold.
OURS = "requests-ticktick"


#: Characters of a cell that a terminal shows.
_WIDEST = 70


def text(table: Table) -> str:
    """Return a table for the terminal."""
    cells = [table.columns, *table.rows]
    rows = [[textwrap.shorten(str(cell), _WIDEST) for cell in row] for row in cells]
    widths = [max(len(row[at]) for row in rows) for at in range(len(table.columns))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in ["", table.title, *lines])


def rst(table: Table) -> str:
    """Return a table for ``.. include::``, below how it was measured."""
    lines = [
        table.how,
        "",
        f".. list-table:: {table.title}",
        "   :header-rows: 1",
        "   :stub-columns: 1",
        "",
    ]
    for row in [table.columns, *table.rows]:
        ours = str(row[0]).startswith(OURS)
        for at, cell in enumerate(row):
            shown = _bold(str(cell)) if ours else str(cell)
            lines.append(f"   {'* -' if at == 0 else '  -'} {shown}".rstrip())
    return "\n".join([*lines, ""])


def _bold(cell: str) -> str:
    """Mark a cell, which can be bold or have literals, but not both."""
    plain = cell.replace("``", "")
    return cell if "`" in plain or not plain else f"**{plain}**"


def save(table: Table, folder: Path) -> None:
    """Save a table as a page, and into the results of all sections."""
    save_text(f"{table.name}.rst", rst(table), folder)
    results = folder / "results.json"
    found = json.loads(results.read_text("utf-8")) if results.exists() else {}
    found[table.name] = {
        "title": table.title,
        "how": table.how,
        "columns": list(table.columns),
        "rows": [[_plain(cell) for cell in row] for row in table.rows],
    }
    save_text("results.json", json.dumps(found, indent=1, sort_keys=True), folder)


def save_text(name: str, content: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(content.rstrip() + "\n", encoding="utf-8")


def _plain(cell: str | Figure) -> Any:
    return dataclasses.asdict(cell) if isinstance(cell, Figure) else cell


def over(tables: Iterable[Table]) -> list[str]:
    """Return a line for each figure that exceeds its budget."""
    return [
        f"{table.name}: {row[0]}: {cell}"
        for table in tables
        for row in table.rows
        for cell in row
        if isinstance(cell, Figure) and cell.is_over
    ]
