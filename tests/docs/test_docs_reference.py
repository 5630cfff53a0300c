"""The pages of reference list what is there, and nothing that is not."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import sys

import click
import pytest
from clients import client_of
from hypothesis import given, settings
from hypothesis import strategies as st
from optional import library
from pages import DOCS, page

from requests_ticktick import FileStore, TickTickAuth, Token
from requests_ticktick._cli import program

PACKAGE = DOCS.parent / "requests_ticktick"

# -- The API -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["compat", "sandbox", "stores", "testing", "vault", "stores.redis"]
)
def test_every_name_that_a_module_exports_is_in_the_reference(name):
    """Also those for tests."""
    module = importlib.import_module(f"requests_ticktick.{name}")
    text = page("api")

    listed = set(re.findall(r"^\.\. (?:auto\w+|data):: ([\w.]+)$", text, re.M))

    last = {each.rpartition(".")[2] for each in listed}
    assert set(getattr(module, "__all__", ())) - last == set()


def test_nothing_is_listed_that_cannot_be_imported():
    """By the very name that the page has."""
    for name in re.findall(
        r"^\.\. (?:auto\w+|data):: (requests_ticktick\.[\w.]+)$", page("api"), re.M
    ):
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), name


# -- The commands ------------------------------------------------------------------


@pytest.fixture
def reference(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, str(DOCS / "extensions")])
    return importlib.import_module("command_reference")


def test_the_reference_of_the_commands_has_all_of_them(reference):
    """Each option, exit status and example, in the words of ``--help``."""
    text = reference.reference()

    assert list(program.program.list_commands(click.Context(program.program)))
    for name, command in reference.commands().items():
        section = text.partition(f".. program:: {name}\n")[2].partition(".. program")[0]
        assert section, name
        for option in command.params:
            if isinstance(option, click.Option):
                assert all(each in text for each in option.opts), (name, option.opts)
        for line in re.sub(r"\x08", "", command.epilog or "").split("\n"):
            assert line.strip().rstrip(":") in section, (name, line)
    assert "\\b" not in text


def test_the_page_about_the_command_names_options_that_are_there(reference):
    """In its prose and its examples: whoever renames one finds out here."""
    there = set(re.findall(r"--[a-z][\w-]+", reference.reference()))
    a_command = r"(?:login|status|token|logout|doctor|accounts|import|sandbox)"
    ours = re.findall(rf"(?<=[ `]){a_command}(?:``)? (?:``)?(--[a-z][\w-]+)", ALL)

    assert len(ours) > 10
    assert set(ours) - there - {"--help"} == set()


ALL = "\n".join(path.read_text(encoding="utf-8") for path in DOCS.glob("*.rst"))


# -- The environment ---------------------------------------------------------------


def variables_of_the_package():
    """What is read by name, and all names of ours and of other clients."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found.update(re.findall(r'environ(?:\.get\(|\[)"(\w+)"', text))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.update(re.findall(r"^(?:PY)?TICKTICK_[A-Z0-9_]+$", node.value))
    return found - {"TOKEN_KEY", "PYTHONPATH", "TICKTICK_MCP"}  # that is a service


def test_every_variable_is_on_the_page():
    """Those of ours, and those that are looked at to find out who is there."""
    listed = set(re.findall(r"``(_?[A-Z][A-Z0-9_]+)``", page("environment")))
    built_on = {"HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "HOME"}

    there = variables_of_the_package()

    assert there - listed == set()
    assert listed - there - built_on <= {
        "MSYSTEM",
        "PYCHARM_HOSTED",
        "XDG_STATE_HOME",
        "_REQUESTS_TICKTICK_COMPLETE",
    }


# -- The files ---------------------------------------------------------------------

SCHEMA = json.loads((DOCS / "schemas" / "token.json").read_text())


def valid(payload):
    """What the schema says, by the part of JSON Schema that it uses."""
    kinds = {"string": str, "number": (int, float), "integer": int, "object": dict}
    assert isinstance(payload, kinds[SCHEMA["type"]])
    assert set(SCHEMA["required"]) <= set(payload)
    for name, value in payload.items():
        says = SCHEMA["properties"].get(name, {"type": "any"})
        if says["type"] != "any":
            assert isinstance(value, kinds[says["type"]]), name
            assert not isinstance(value, bool), name
        if "pattern" in says:
            assert re.search(says["pattern"], value), name
    return True


def test_what_is_written_is_what_the_schema_says(sandbox, tmp_path, clock):
    """Of a registered client with a refresh token, which has every key."""
    sandbox.refresh_tokens = True
    store = FileStore(tmp_path / "t.json")
    options = {"service": sandbox.service, "sign_on": sandbox.sign_on}
    TickTickAuth(store=store, register=True, **options).token()
    every = json.loads((tmp_path / "t.json").read_text())

    few = client_of(sandbox, FileStore(tmp_path / "few.json"), clock=clock)
    few.source.store.save(Token("a"))

    assert valid(every)
    assert set(every) == set(SCHEMA["properties"])
    assert valid(json.loads((tmp_path / "few.json").read_text()))


def text_by(says):
    if says["type"] != "string":
        return (
            st.integers(0, 2**33) if says["type"] == "integer" else st.floats(0, 1e10)
        )
    return st.from_regex(says.get("pattern", r"\A[a-z: ]*\Z"), fullmatch=True)


FIELDS = {name: text_by(says) for name, says in SCHEMA["properties"].items()}


@settings(max_examples=50)
@given(
    st.fixed_dictionaries(
        {name: FIELDS.pop(name) for name in SCHEMA["required"]}, optional=FIELDS
    )
)
def test_what_is_valid_by_the_schema_is_read(payload):
    """And written again, as something that is valid."""
    assert valid(payload)

    token = Token.from_dict(payload)

    assert token.access_token == payload["access_token"]
    assert valid(json.loads(json.dumps(token.to_dict())))


def test_a_real_validator_agrees_about_the_schema():
    """That it is one, that it takes the page's example and refuses others."""
    jsonschema = library("jsonschema")
    validator = jsonschema.Draft202012Validator(SCHEMA)
    validator.check_schema(SCHEMA)
    example = the_example()

    assert valid(example)
    assert list(validator.iter_errors(example)) == []
    for wrong in (
        {},
        [],
        {"access_token": "a"},
        {**example, "access_token": "a b"},
        {**example, "token_type": "mac"},
        {**example, "expires_at": "tomorrow"},
    ):
        assert list(validator.iter_errors(wrong)) != [], wrong


def the_example():
    (code,) = re.findall(
        r"\.\. code-block:: json\n\n((?:   .*\n)+)", page("files"), re.M
    )
    return json.loads(code)


def test_the_example_of_a_file_is_one(tmp_path):
    """It is read, and written again as it is, but for the local time."""
    example = the_example()
    (tmp_path / "t.json").write_text(json.dumps(example))
    store = FileStore(tmp_path / "t.json")
    os.chmod(tmp_path / "t.json", 0o600)

    token = store.load()

    written = {**token.to_dict(), "readable_expire_time": ""}
    assert written == {**example, "readable_expire_time": ""}


def test_the_keys_and_files_of_the_page_are_those_that_are_there():
    """The schema's, and the names that the modules make."""
    text = page("files")
    keys = text.partition("- what it is")[2].partition("``access_token`` and")[0]
    sources = "".join(p.read_text(encoding="utf-8") for p in PACKAGE.rglob("*.py"))

    listed = set(re.findall(r"``([a-z_]+)``", keys)) - {"expires_at", ""}

    assert listed | {"expires_at"} == set(SCHEMA["properties"])
    for suffix in (".lock-info", ".lock-claim", ".begun-", ".corrupt-", ".client"):
        assert suffix in text
        assert suffix in sources
