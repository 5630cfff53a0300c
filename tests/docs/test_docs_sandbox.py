"""The page about the sandbox names its endpoints, and no others."""

from __future__ import annotations

import json
import re

import pytest
from inside import app_of
from pages import page
from sandbox_app import call
from tables import tables_of

from requests_ticktick.sandbox import Sandbox


def endpoints_of(table, prefix):
    """The methods and paths in the first column, with every id as ``{}``."""
    cells = " ".join(row[0] for row in table[1:])
    found = re.findall(r"(?:([A-Z]+) )?(/[\w./{}-]+)", cells)
    return {
        (method, re.sub(r"\{\w+\}", "{}", f"{prefix}{path}")) for method, path in found
    }


@pytest.fixture
def documented():
    """The table of authorization, and that of the API."""
    tables = {table[0][0]: table for table in tables_of("testing")}
    return {
        *endpoints_of(tables["Authorization"], ""),
        *endpoints_of(tables["API"], "/open/v1"),
    }


def test_the_endpoints_of_the_page_are_those_of_the_sandbox(documented):
    """But for its page for people. The echo takes every method."""
    rules = [
        (method, re.sub(r"<\w+>", "{}", str(rule)))
        for rule in app_of(Sandbox()).url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if not re.match("/(control/.*)?$", str(rule))
    ]
    there = {("" if "echo" in path else method, path) for method, path in rules}

    assert there == documented


def test_every_row_says_where_it_is_from():
    """From the document, from what was seen, or from nowhere."""
    for table in tables_of("testing"):
        for row in table[1:]:
            for source in row[2].split(";"):
                kind = source.rpartition(": ")[2].strip()
                assert kind in ("document", "seen", "ours"), row


def test_a_scope_that_is_missing_may_look_as_on_the_page(sandbox):
    """A program that goes by the status can be tested with either."""
    (code,) = re.findall(r"``(sandbox\.fail\(1, 500, .+?\))``", page("testing"), re.S)
    token = sandbox.issue_token(scope="tasks:read")

    refused = call(sandbox, token, "POST", "/task", json={"title": "a"})
    eval(" ".join(code.split()), {"sandbox": sandbox})
    seen = call(sandbox, token, "POST", "/task", json={"title": "a"})

    assert (refused.status_code, seen.status_code) == (403, 500)
    assert seen.json() == {"errorCode": "access_forbidden"}


def test_the_zone_of_the_page_is_the_account_s(sandbox):
    """And what the answer of ``/preference`` looks like."""
    answer = call(sandbox, sandbox.issue_token(), "POST", "/preference")

    assert answer.json() == {"timeZone": "America/Los_Angeles"}
    assert f"``{json.dumps(answer.json())}``" in page("testing")
