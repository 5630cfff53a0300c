"""Who imports whom, what importing costs, and how long things get."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "requests_ticktick"
NAME = PACKAGE.name

#: The modules and folders of the package, the lowest rank first. One imports
#: those of lower ranks and its own folder, never its equals.
RANKS = (
    {"_foreign", "_lazy", "_offline", "_retry_session", "_value", "_version"},
    {"_errors"},
    {"_fields", "_header", "_pasted", "_times", "_urls"},
    {"_client", "_redirect", "_service", "_token"},
    {"_mcp_service", "_named", "_portal", "_replay", "_usable"},
    {"_stamp", "_wrong_host"},
    {"_first_use", "_grant", "stores"},
    {"_defaults", "_sign_on"},
    {"_source"},
    {"_operations"},
    {"_auth"},
    {"_flow"},
    {"__init__"},
    {"_httpie_auth", "_offline_sandbox"},
    {
        *("_cli", "aiohttp", "compat", "httpie", "httpx", "httpx2"),
        *("pytest_plugin", "testing", "vault"),
    },
    {"__main__"},
)
RANK = {room: rank for rank, rooms in enumerate(RANKS) for room in rooms}
#: The sandbox is what the rest is tested with, so it uses none of the rest.
SANDBOX_IMPORTS = {"_service"}

#: What "import requests_ticktick" leaves to the moment of its first use.
LATE = (
    "aiohttp",
    "ast",
    "asyncio",
    "click",
    "cryptography",
    "dataclasses",
    "filelock",
    "flask",
    "http.server",
    "httpie",
    "httpx",
    "inspect",
    "keyring",
    "oauthlib",
    "platformdirs",
    "redis",
    "requests_oauthlib",
    "rich",
    "shlex",
    "socketserver",
    "sqlalchemy",
    "webbrowser",
    "werkzeug",
)

MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES}
each_module = pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE))
)


def room_of(dotted: str) -> str:
    """``_grant.request`` is in the room ``_grant``; ``Token`` is at the top."""
    room = dotted.partition(".")[0]
    return room if room in ROOMS else "__init__"


def dotted_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """All of a module, but for what only a type checker runs."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            for statement in child.orelse:
                yield statement
                yield from statements(statement)
            continue
        yield child
        yield from statements(child)


def imported(path: Path, tree: ast.Module) -> Iterator[str]:
    """The package's modules that a module imports, anywhere in it."""
    package = [NAME, *path.relative_to(PACKAGE).parent.parts]
    for node in statements(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            names = [f"{source}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if f"{name}.".startswith(f"{NAME}."):
                yield name.removeprefix(NAME).removeprefix(".")


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@each_module
def test_imports_go_down_the_ranks(path: Path) -> None:
    """No cycle, and no storage that calls back up into sign-on."""
    here = room_of(dotted_name(path))
    rooms = {room_of(name) for name in imported(path, parse(path))} - {here}

    if here == "sandbox":
        assert rooms <= SANDBOX_IMPORTS
        return
    assert here in RANK, (
        f"give {here} a rank in this test, and in docs/architecture.rst"
    )
    if RANK[here] > RANK["_auth"]:
        rooms.discard("sandbox")  # the ways in may open onto it
    assert {room for room in rooms if RANK.get(room, 99) >= RANK[here]} == set()


def test_the_walk_sees_what_it_must() -> None:
    """Imports of all kinds are found; a type checker's are not."""
    tree = ast.parse(
        "from typing import TYPE_CHECKING\n"
        "import requests_ticktick._auth\n"
        "from requests_ticktick._source import TokenSource\n"
        "from .. import _errors\n"
        "from .._token import Token\n"
        "from . import base\n"
        "from .base import TokenStore\n"
        "if TYPE_CHECKING:\n"
        "    from .._grant.request import AuthorizationRequest\n"
        "else:\n"
        "    from .. import _stamp\n"
        "def function():\n"
        "    from .._client import Client\n"
        "    from .. import __version__\n"
    )

    found = {room_of(name) for name in imported(PACKAGE / "stores" / "x.py", tree)}

    assert found == {
        "__init__",
        "_auth",
        "_client",
        "_errors",
        "_stamp",
        "_source",
        "stores",
        "_token",
    }


#: The modules that docs/api.rst lists names from, and the command's.
PUBLIC = {
    "__init__",
    "__main__",
    "aiohttp",
    "compat",
    "httpie",
    "pytest_plugin",
    "httpx",
    "httpx2",
    "sandbox/__init__",
    "stores/__init__",
    "stores/encrypted",
    "stores/keyring",
    "stores/redis",
    "stores/sql",
    "testing/__init__",
    "vault/__init__",
}


@each_module
def test_what_the_reference_does_not_list_has_an_underscore(path: Path) -> None:
    """An underscore at a module, or at its folder, makes it the package's own."""
    name = path.relative_to(PACKAGE).with_suffix("").as_posix()
    is_private = any(
        part.startswith("_") and part not in ("__init__", "__main__")
        for part in name.split("/")
    )

    assert is_private == (name not in PUBLIC)


def test_the_reference_lists_names_of_public_modules() -> None:
    """And of each of them."""
    reference = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8")
    paths = re.findall(rf"^\.\. auto\w+:: ({NAME}\.[\w.]+)\.\w+$", reference, re.M)
    documented = {
        f"{room}/__init__" if (PACKAGE / room).is_dir() else room
        for room in (path.split(".", 1)[1].replace(".", "/") for path in paths)
    }

    assert documented == PUBLIC - {"__init__", "__main__"}


@each_module
def test_a_module_fits_on_a_few_screens(path: Path) -> None:
    """220 lines at most, and 40 for the body of a function."""
    text = path.read_text(encoding="utf-8")

    assert len(text.splitlines()) <= 220
    long = {
        node.name: length(node)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and length(node) > 40
    }
    assert not long


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body, the docstring not counted."""
    body = function.body[ast.get_docstring(function) is not None :]
    if not body:
        return 0
    assert body[-1].end_lineno is not None
    return body[-1].end_lineno - body[0].lineno + 1


def test_importing_the_package_imports_little_else() -> None:
    """A script that has a token pays for requests, and for hardly more."""
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, requests; before = set(sys.modules)\n"
            f"from {NAME} import TickTickAuth\n"
            "print(*sorted(set(sys.modules) - before))",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    new = result.stdout.split()
    assert f"{NAME}._auth" in new
    assert [name for name in new if name.startswith(LATE)] == []
