"""The pages about the source name what is there, and what they show works."""

from __future__ import annotations

import ast
import functools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "requests_ticktick"
DOCS = ROOT / "docs"
PAGES = ("architecture", "CONTRIBUTING")


def page(name):
    return (DOCS / f"{name}.rst").read_text(encoding="utf-8")


def literals(name):
    return set(re.findall(r"``([^`]+)``", page(name)))


@functools.cache
def defined(folder):
    """Names that modules define, and ``Class.name`` of what is in a class."""
    found = set()
    for path in folder.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            found.update(_names(node))
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                found.update(f"{node.name}.{name}" for name in _members(node))
    return found


def _names(node):
    if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _members(node):
    """Methods and fields, those included that a method assigns."""
    for child in node.body:
        yield from _names(child)
    for child in ast.walk(node):
        if isinstance(child, ast.Attribute) and isinstance(child.ctx, ast.Store):
            yield child.attr


@pytest.mark.parametrize("name", PAGES)
def test_every_path_that_is_named_is_there(name):
    """It is below the top, or below the package or the folder that it is about."""
    a_path = r"(?:[\w.-]+/)*[\w.-]+\.(?:py|rst|cfg|ini)|(?:[\w.-]+/)+(?:run)?"
    paths = {text for text in literals(name) if re.fullmatch(a_path, text)}
    places = [
        ROOT,
        PACKAGE,
        *(PACKAGE / name for name in ("_cli", "_source", "stores")),
    ]

    assert len(paths) > 10
    assert [
        text for text in paths if not any((p / text).exists() for p in places)
    ] == []


@pytest.mark.parametrize("name", PAGES)
def test_every_class_and_function_that_is_named_is_there(name):
    """Whoever renames one finds out here that the page names it."""
    roles = re.findall(r":(?:class|exc):`[.~]?(?:\w+\.)*(\w+)`", page(name))
    a_name = r"[A-Z][a-z]\w*(?:\.\w+)?|(?!TICKTICK_)[A-Z_]{4,}"
    named = {text for text in literals(name) if re.fullmatch(a_name, text)}

    in_code = r"[a-z]+(?:_[a-z]+)+"
    written = {text for text in literals(name) if re.fullmatch(in_code, text)}

    assert len(named) > 10
    assert {*named, *roles} - defined(PACKAGE) - defined(ROOT / "tests") == set()
    assert (
        written - {n.rpartition(".")[2].lstrip("_") for n in defined(PACKAGE)} == set()
    )


def reading_list():
    section = (
        page("architecture").partition("Ten modules")[2].partition("After these")[0]
    )
    return re.findall(r"^``([\w/]+\.py)``$", section, re.MULTILINE), section


def test_the_reading_list_is_as_long_as_it_says():
    """Ten modules, and so many lines, give or take a tenth."""
    modules, section = reading_list()
    said = int(re.search(r"About ([\d,]+) lines", section)[1].replace(",", ""))

    lines = [len((PACKAGE / name).read_text().splitlines()) for name in modules]

    assert len(modules) == len(set(modules)) == 10
    assert abs(sum(lines) - said) <= said / 10


def test_each_module_of_the_reading_list_says_what_to_look_at():
    """What it names first is defined in that very module."""
    modules, section = reading_list()
    entries = re.split(r"^``[\w/]+\.py``$", section, flags=re.MULTILINE)[1:]

    for module, entry in zip(modules, entries, strict=True):
        first = re.search(r"``([A-Z]\w+)", entry)[1]
        tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
        assert first in {name for node in tree.body for name in _names(node)}, module


def test_all_modules_of_the_source_are_spoken_of():
    """A module that is added there finds its place on the page, or loses another."""
    text = page("architecture")
    inner = {"retold.py"}  # reached from failures.py, by error_of

    modules = {path.name for path in (PACKAGE / "_source").glob("*.py")}

    assert modules
    assert {name for name in modules - inner if f"{name}``" not in text} == set()


# -- How do I change it? -----------------------------------------------------------


def commands():
    """The commands of the page that run tests, as their arguments."""
    return re.findall(r"^    pytest (.+)$", page("CONTRIBUTING"), re.MULTILINE)


def run_pytest(folder, *arguments):
    """Run tests in a folder as a person would, though from within a test."""
    # A copy of the package is not what coverage is about, nor is it a worker.
    env = {k: v for k, v in os.environ.items() if not k.startswith(("COV", "PYTEST"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**env, "PYTHONPATH": str(folder), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_the_commands_for_one_test_find_one():
    """A test that was renamed is not what a newcomer should begin with."""
    chosen = [command.split() for command in commands() if " -k " in command]

    assert len(chosen) == 2
    for path, _, words in chosen:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        tests = [name for node in tree.body for name in _names(node)]
        assert len([name for name in tests if words in name]) == 1


def test_the_mechanism_that_is_broken_as_the_page_says_fails_its_test(tmp_path):
    """With the very lines that the page shows, and no other."""
    text = page("CONTRIBUTING").partition("Break it and see")[2]
    module = re.search(r"``(requests_ticktick/\S+\.py)``", text)[1]
    old = re.search(r"^   -(.+\n)", text, re.MULTILINE)[1]
    new = re.search(r"^   \+(.+\n)", text, re.MULTILINE)[1]
    arguments = re.search(r"^    pytest (.+)$", text, re.MULTILINE)[1].split()
    printed = text.partition("code-block:: text\n\n")[2].partition("\n\n")[0]
    for name in ("requests_ticktick", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    code = (tmp_path / module).read_text(encoding="utf-8")
    assert code.count(old) == 1

    (tmp_path / module).write_text(code.replace(old, new), encoding="utf-8")
    broken = run_pytest(tmp_path, *arguments)

    assert broken.returncode == 1, broken.stdout
    assert printed
    # Before version 9, pytest shows the error as ``<class '...LockTimeoutError'>``.
    shown = re.sub(r"<class '[\w.]+\.(\w+)'>", r"\1", broken.stdout)
    for line in map(str.strip, printed.splitlines()):
        assert line in shown
