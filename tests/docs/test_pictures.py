"""The pictures of the documentation: each is shown, described, small and harmless."""

from __future__ import annotations

import re

from pages import DOCS

FOLDER = DOCS / "pictures"
PICTURES = sorted([*FOLDER.glob("*.svg"), *FOLDER.glob("*.png")])
SOURCES = [DOCS.parent / "README.rst", *DOCS.glob("*.rst")]


def shown():
    """The files that pages show, and the options of each."""
    pattern = r"\.\. image:: (?:docs/)?pictures/(\S+)\n((?: {3}.+\n)+)"
    for path in SOURCES:
        yield from re.findall(pattern, path.read_text(encoding="utf-8"))


def test_every_picture_is_shown_and_every_one_shown_is_there():
    """One in light has a twin in dark, which conf.py shows in its place."""
    names = {name for name, _ in shown()}
    twins = {name.replace("-light.", "-dark.") for name in names}

    assert {path.name for path in PICTURES} == names | twins


def test_every_picture_is_described():
    """For those who do not see it; and where it fails to load."""
    assert [name for name, options in shown() if ":alt: " not in options] == []


def test_the_pictures_are_small():
    """A page of them is read over a slow line, and kept in a repository."""
    assert [path.name for path in PICTURES if path.stat().st_size > 40_000] == []


def test_no_picture_holds_a_secret_or_loads_anything():
    """Nor anything that the next rebuild would change: a port, a folder, a token."""
    for path in FOLDER.glob("*.svg"):
        text = path.read_text(encoding="utf-8").replace("&#160;", " ")
        text = re.sub(r"<[^>]+>", "", text.partition("</style>")[2])

        assert re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}-|secret|Bearer", text) == []
        assert set(re.findall(r"127\.0\.0\.1:(\d+)", text)) <= {"8765", "8766"}
        assert set(re.findall(r"/(?:tmp|root|home)/\w*", text)) <= {"/home/you"}
        whole = path.read_text(encoding="utf-8")
        assert re.findall(r"url\((?!#)|href|@import|@font-face", whole) == []
