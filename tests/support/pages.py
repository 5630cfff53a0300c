"""The pages of the documentation, and the programs that they show."""

from __future__ import annotations

import importlib
import re
import sys
import textwrap
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def page(name):
    return (DOCS / f"{name}.rst").read_text(encoding="utf-8")


def blocks_of(text):
    """The Python code blocks of reStructuredText, in their order."""
    directive = r"^( *)\.\. code-block:: python\n((?:\1 +\S.*\n|\s*\n)+)"
    return [textwrap.dedent(m[2]) for m in re.finditer(directive, text, re.M)]


def code_of(name):
    """All Python blocks of a page, as one program."""
    return "\n".join(blocks_of(page(name)))


def example(name):
    """Import one of the examples; a process that is spawned can do so as well."""
    folder = str(DOCS / "examples")
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)
