"""The library's advice, as whoever runs the command reads it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from shell import ROOT, Shell

from requests_ticktick._cli.plain_words import in_plain_words

PACKAGE = ROOT / "requests_ticktick"

#: What is not for the command line: it is printed by none of its commands.
OTHERS = {"_cli", "sandbox", "testing", "vault", "__init__.py"}

#: Python: a call, a keyword argument, a method of an auth object, a parameter.
PYTHON = re.compile(
    r"\w\((?:\.\.\.|\w+=|\[|'|\))|\b\w+=\.\.\.|\bauth\.\w|\bsign_on\b|"
    r"\b(?:as|pass|with) [a-z]+_[a-z]+\b|[A-Z]\w+Store\b|\bclient_(?:id|secret)\b"
)

#: Messages of mistakes that a program makes: the command makes none.
OF_PROGRAMS = (
    "store must be a TokenStore",
    "store and profile exclude each other",
    "Expected an AuthorizationRequest",
    "The Redis client has no socket_timeout",
    "keys are one or more Fernet keys",
    "An SQLite database needs a plain path",
    "RedisStore needs",
    "SqlStore needs",
    "KeyringStore needs",
    "EncryptedStore needs",
    "FileStore takes",
    "a TokenStore",
    "RedisStore takes",
    "A RedisStore whose client comes from a Sentinel",
    "A token store of your own",
)


def text_of(node: ast.AST) -> str:
    """The text of a literal; what is put into it is a word."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            text_of(part) if isinstance(part, ast.Constant) else "client_id"
            for part in node.values
        )
    return ""


def messages(path: Path) -> list[str]:
    """The sentences of a module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inner = {
        id(part)
        for node in ast.walk(tree)
        for part in (
            node.values
            if isinstance(node, ast.JoinedStr)
            else [node.value]
            if isinstance(node, ast.Expr)
            else []
        )
    }
    texts = [text_of(node) for node in ast.walk(tree) if id(node) not in inner]
    return [t for t in texts if re.match(r"[A-Z{].* .*\w[.,;:]?$", t, re.S)]


MODULES = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).parts[0] not in OTHERS
)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_message_of_the_library_gives_python_advice(path):
    """Whoever runs the command can pass options alone."""
    said = [in_plain_words(text) for text in messages(path)]

    assert [
        text
        for text in said
        if PYTHON.search(text) and not any(of in text for of in OF_PROGRAMS)
    ] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "Choose another place, such as FileStore(profile='...').",
            "Choose another place, such as --profile NAME or --file PATH.",
        ),
        (
            "FileStore('/a b/t.json') holds a token",
            "/a b/t.json holds a token",
        ),
        (
            "call auth.forget() (or run: requests-ticktick logout).",
            "run: requests-ticktick logout.",
        ),
        (
            "is configured: pass client_secret=... or set TICKTICK_CLIENT_SECRET",
            "is configured: pass --client-secret-file or set TICKTICK_CLIENT_SECRET",
        ),
        (
            "At least one redirect_uri must be registered with the client.",
            "At least one redirect_uri must be registered with the client.",
        ),
    ],
)
def test_what_a_program_passes_becomes_an_option(text, words):
    """The service's own words stay as they are."""
    assert in_plain_words(text) == words


def test_a_command_says_it_in_plain_words(sandbox, secrets, monkeypatch, tmp_path):
    """In an error, and in a warning."""
    shell = Shell(sandbox, secrets, monkeypatch, tmp_path)
    (tmp_path / "token.json").write_text("{}")

    done = shell.run("token", "--client-id", "<id>", "--sign-on", env=shell.browser())

    assert done.returncode == 1
    assert "into --client-id or TICKTICK_CLIENT_ID" in done.stderr
