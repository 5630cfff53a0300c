"""Tests go by what programs see, by three seams, and by short files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FILES = sorted(TESTS.rglob("*.py"))

#: The one file that reaches into objects.
INSIDE = TESTS / "support" / "inside.py"

#: Other projects' attributes, which they offer no other way to.
NOT_OURS = {
    "_allow_stdin",
    "_content",
    "_expires_at",
    "_exit",
    "_get_api_v1",
    "_kernel_spec",
    "_keyring_backend",
}

each_file = pytest.mark.parametrize(
    "path", FILES, ids=lambda path: str(path.relative_to(TESTS))
)


@each_file
def test_a_file_of_tests_is_short(path: Path) -> None:
    """500 lines at most, so that its name says what is in it."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


@each_file
def test_only_the_seams_reach_into_objects(path: Path) -> None:
    """See the text at the top of ``inside.py``."""
    if path == INSIDE:
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))

    assert set(private_attributes(tree)) - NOT_OURS == set()


def private_attributes(tree: ast.AST) -> Iterator[str]:
    """Attributes with an underscore of other objects, and those that are set."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner, name = ast.unparse(node.value), node.attr
            if owner not in ("self", "cls") and _is_private(name):
                yield name
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("setattr"):
            for argument in node.args[1:2]:
                if isinstance(argument, ast.Constant) and _is_private(argument.value):
                    yield str(argument.value)


def _is_private(name: object) -> bool:
    return str(name).startswith("_") and not str(name).startswith("__")


def test_the_walk_finds_them() -> None:
    """Read, called, assigned, patched."""
    tree = ast.parse(
        "auth.source._wallet\n"
        "store._touch()\n"
        "grant._send = 1\n"
        "monkeypatch.setattr(turns, '_EVERY', 1)\n"
        "self._own; cls._own; object.__dict__; module.NAME\n"
    )

    found = list(private_attributes(tree))

    assert sorted(found) == ["_EVERY", "_send", "_touch", "_wallet"]
