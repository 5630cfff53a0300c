"""The tables of the documentation, as lists of rows of text."""

from __future__ import annotations

import re
import textwrap

from pages import page


def tables_of(name):
    """The ``list-table`` directives of a page: their rows, the header first."""
    blocks = re.findall(
        r"^\.\. list-table::.*\n((?: +\S.*\n|\s*\n)+)", page(name), re.M
    )
    return [_rows(textwrap.dedent(block)) for block in blocks]


def table_of(name, *header):
    """The one table of a page with this header, without it."""
    (found,) = [rows for rows in tables_of(name) if tuple(rows[0]) == header]
    return found[1:]


def code_of_cell(cell):
    """The code of a cell that is all code."""
    (code,) = re.fullmatch(r"``(.+)``", cell).groups()
    return code


def _rows(block):
    rows = re.split(r"^\* - ", block, flags=re.M)[1:]
    return [
        [" ".join(cell.split()) for cell in re.split(r"^  - ", r, flags=re.M)]
        for r in rows
    ]
