"""The built pages in a real browser: light and dark, desk and telephone.

``tox -e docs`` builds the pages and runs this, with axe-core, which looks for what
keeps people out: contrast, names of controls, order of headings, the keyboard.
"""

from __future__ import annotations

import functools
import http.server
import os
import re
import threading
from importlib import metadata
from pathlib import Path

import pytest
from pages import DOCS

#: In pixels of a page.
WIDTHS = {"a telephone": 390, "a desk": 1280}


@pytest.fixture(scope="module")
def built():
    """The folder with the built pages."""
    folder = os.environ.get("DOCS_FOLDER")
    if folder is None:
        pytest.skip('"tox -e docs" builds the pages and runs this')
    return Path(folder)


@pytest.fixture(scope="module")
def axe(built):
    """The text of axe-core, from the package that brings it."""
    files = metadata.files("axe-playwright-python") or ()
    (path,) = [path for path in files if path.name == "axe.min.js"]
    return path.read_text(encoding="utf-8")


@pytest.fixture
def pages(built):
    """The pages of ours; the rest is furo's and Sphinx's, such as the index."""
    theirs = {"genindex", "py-modindex", "search"}
    found = [path for path in sorted(built.glob("*.html")) if path.stem not in theirs]
    assert len(found) > 10
    return found


def shows_as(browser, scheme, width):
    media = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.does("Emulation.setEmulatedMedia", features=media)
    size = {"height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.does("Emulation.setDeviceMetricsOverride", width=width, **size)


def violations(browser):
    """What axe finds, as lines to read."""
    script = """axe.run({resultTypes: ["violations"]}).then(found =>
        found.violations.flatMap(each => each.nodes.map(node =>
            `${each.id}: ${node.target} ${node.html}`.slice(0, 300))))"""
    options = {"awaitPromise": True, "returnByValue": True}
    answer = browser.does("Runtime.evaluate", expression=script, **options)
    return answer["result"]["value"]


@pytest.mark.timeout(1200)
def test_axe_finds_nothing_on_any_page(browser, pages, axe):
    """In both colour schemes, at both widths; and no page is wider than the screen."""
    found, wide = {}, []
    for path in pages:
        browser.opens(path.as_uri())
        browser.runs(axe)
        for scheme, where in (("light", "a desk"), ("dark", "a telephone")):
            shows_as(browser, scheme, WIDTHS[where])
            if problems := violations(browser):
                found[path.name, scheme, where] = problems
            if browser.runs("document.documentElement.scrollWidth > innerWidth"):
                wide.append(path.name)

    assert found == {}
    assert wide == []


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, and says nothing about it."""

    def log_message(self, *args):
        pass


@pytest.fixture
def served(built):
    """The address at which the pages are."""
    handler = functools.partial(Quiet, directory=str(built))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_no_page_loads_anything_from_elsewhere(browser, pages, served):
    """No font, script or picture that tells another host who reads what."""
    asked = []
    for path in pages:
        browser.opens(served + path.name)
        script = "performance.getEntriesByType('resource').map(each => each.name)"
        asked += browser.runs(script)

    assert f"{served}_images/first.svg" in asked
    assert [url for url in asked if not url.startswith((served, "data:"))] == []


def test_the_keyboard_goes_to_the_content_first(browser, pages):
    """The first key leads past the menu, and what scrolls takes the keys."""
    browser.opens(next(path for path in pages if path.stem == "index").as_uri())

    for kind in ("keyDown", "keyUp"):
        browser.does("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab")

    assert browser.runs("document.activeElement.textContent") == "Skip to content"
    assert browser.runs("document.querySelectorAll('pre:not([tabindex])').length") == 0


def test_every_question_of_the_front_page_can_be_linked_to(browser, pages):
    """By its own words."""
    readme = (DOCS.parent / "README.rst").read_text(encoding="utf-8")
    questions = re.findall(r"^\.\.\. (.+\?)$", readme, re.M)
    targets = ["-".join(re.findall(r"[a-z0-9]+", each.lower())) for each in questions]
    browser.opens(next(path for path in pages if path.stem == "index").as_uri())

    missing = f"{targets}.filter(each => !document.getElementById(each))"
    assert len(targets) > 10
    assert browser.runs(missing) == []


def test_every_link_between_the_pages_leads_somewhere(pages):
    """Sphinx does not look at those that the README has for readers of a checkout."""
    lost = set()
    for path in pages:
        text = path.read_text(encoding="utf-8")
        links = re.findall(r'href="([^"#:?/][^"#:?]*)[^":]*"', text)
        lost |= {link for link in links if not (path.parent / link).exists()}

    assert lost == set()
