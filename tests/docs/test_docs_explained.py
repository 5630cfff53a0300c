"""The pages that explain say what the source and the tests say."""

from __future__ import annotations

import re

import pytest
import test_docs_source
from pages import DOCS, page

from requests_ticktick import stores

ROOT = DOCS.parent
SVG = (DOCS / "figures" / "finding.svg").read_text(encoding="utf-8")


def test_the_diagram_s_steps_are_those_of_the_text_and_of_the_source():
    """In one order; whoever renames one finds out here."""
    steps = re.findall(r'class="name">([A-Z]\w+(?:\.\w+)?)<', SVG)
    told = re.findall(r"^\d+\. ``([\w.]+)``", page("finding-a-token"), re.M)

    assert len(steps) > 10
    assert steps == told
    assert set(steps) - test_docs_source.defined(ROOT / "requests_ticktick") == set()


@pytest.mark.parametrize(
    ("module", "order"),
    [
        (
            "_source/renewal.py",
            ("_take_lock(stack", "read()", "_take_room(", "obtain(", "keep(token"),
        ),
        ("_source/obtaining.py", ("self._refresh(found", "self._ask(snapshot")),
        (
            "_source/__init__.py",
            ("wallet.current", "wallet.best()", ".snapshot("),
        ),
    ],
)
def test_the_source_takes_the_steps_in_the_order_of_the_diagram(module, order):
    """The diagram follows the code."""
    code = (ROOT / "requests_ticktick" / module).read_text(encoding="utf-8")
    places = [code.index(each) for each in order]

    assert places == sorted(places)


def test_the_diagram_needs_nothing_from_elsewhere():
    """It is a part of its page, in that page's colours, with words for its ears."""
    assert "<title" in SVG
    assert 'role="img"' in SVG
    assert not re.search(r"(?:href|src|url)\s*[=(]\s*[\"']?(?:https?:|/)", SVG)
    assert not re.search(r"#[0-9a-f]{3,6}\b", SVG)


def test_the_page_about_stores_has_each_of_them():
    """One row for each class that programs can use."""
    table = page("stores").partition("Take ...")[0]
    of_package = {each for each in stores.__all__ if each.endswith("Store")}
    of_extras = {"EncryptedStore", "KeyringStore", "RedisStore", "SqlStore"}

    rows = set(re.findall(r"^   \* - ``(\w+)``", table, re.M))

    assert rows == of_package - {"TokenStore", "TextStore"} | of_extras


def linked_tests():
    pages = ("promises", "compare")
    links = [
        link
        for each in pages
        for link in re.findall(r":download:`([^<`]+) <\.\./([^>]+)>`", page(each))
    ]
    return sorted({link for link in links if link[0].startswith("test_")})


@pytest.mark.parametrize(("name", "path"), linked_tests())
def test_each_test_that_is_linked_is_in_that_file(name, path):
    """Also after it was renamed, or has moved."""
    code = (ROOT / path).read_text(encoding="utf-8")

    assert name == path.rpartition("/")[2] or f"def {name}(" in code


def test_the_numbers_of_the_stress_tests_are_those_of_the_page():
    """What is tried, and how often."""
    section = page("promises").partition("At full size")[2].partition("An independent")
    said = {
        int(number.replace(",", ""))
        for number in re.findall(r"^     - ([\d,]+)", section[0], re.M)
    }
    code = (ROOT / "tests" / "stress" / "test_stress.py").read_text(encoding="utf-8")

    tried = {int(n) for n in re.findall(r"with tally\(.+?, (\d[\d_]*)\)", code)}

    assert said == tried


def test_what_is_not_done_is_not_done():
    """Nothing of it is in the package, whose endpoints are the page's."""
    code = "".join(
        p.read_text(encoding="utf-8")
        for p in (ROOT / "requests_ticktick").rglob("*.py")
        if "sandbox" not in p.parts
    )

    for never in ("device_code", "pushed_authorization", "DPoP", "client_credentials"):
        assert never not in code
