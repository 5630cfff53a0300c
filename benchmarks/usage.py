"""How each package is used, in the words of the module that uses it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from figures import Table
from run import HERE, Run


def tables(run: Run) -> Iterator[Table]:
    table = Table(
        "peers",
        "How each package is used",
        "The modules that use them are in ``benchmarks/peers/``, with links to what "
        "they follow.",
        ("Package", "How"),
    )
    for peer in run.peers:
        path = HERE / "peers" / f"{peer.lower().replace('-', '_')}.py"
        if path.exists():
            text, _, link = _docstring(path.read_text("utf-8")).rpartition("\n\n")
            how = " ".join(text.split())
            table.rows.append((peer, f"{how} `Documentation <{link}>`__"))
    yield table


def _docstring(source: str) -> str:
    found = ast.get_docstring(ast.parse(source))
    assert found is not None
    return found
