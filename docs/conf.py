import re
import sys
from pathlib import Path

from requests_ticktick._version import __version__

project = "requests-ticktick"
author = "The requests-ticktick authors"
copyright = f"2026, {author}"
version = release = __version__

sys.path.append(str(Path(__file__).parent / "extensions"))

extensions = [
    "command_reference",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.viewcode",
]
#: What the pages include is no page.
exclude_patterns = ["_build", "costs/*"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"

#: Most blocks are for a shell. Those in Python say so.
highlight_language = "text"
pygments_dark_style = "github-dark"

html_theme = "furo"
html_title = f"{project} {version}"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]


def rewrite(app, name, content):
    """Turn what every reader of the sources sees into what the pages have.

    The README is the front page as well: beside the sources it links to
    ``docs/errors.rst``, which is ``errors.html`` here. A picture that ends in
    ``-light`` has a twin for those who read in the dark.
    """
    text = re.sub(r"<docs/([\w-]+)\.rst>", r"<\1.html>", content[0])
    text = text.replace("<CHANGELOG.rst>", "<changelog.html>")
    text = text.replace("image:: docs/", "image:: ")
    content[0] = re.sub(
        r"(\.\. image:: pictures/[\w-]+)-light\.png\n((?: {3}.+\n)+)",
        r"\1-light.png\n\2   :class: only-light\n\n"
        r"\1-dark.png\n\2   :class: only-dark\n",
        text,
    )


#: What axe finds in what Sphinx and furo write, and what it wants to find.
MENDED = {
    'role="heading">': 'role="heading" aria-level="2">',
    '<aside class="sidebar-': '<aside aria-label="All pages" class="sidebar-',
    '<aside class="toc-': '<aside aria-label="This page" class="toc-',
    # What scrolls on a narrow screen can be scrolled by keys.
    "<pre>": '<pre tabindex="0">',
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
}


def mend(app, error):
    """Make the finished pages usable by keyboard and by ear."""
    for path in Path(app.outdir).glob("*.html"):
        text = path.read_text(encoding="utf-8")
        for old, new in MENDED.items():
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")


def setup(app):
    """Have Sphinx call what is above, for pages and for what they include."""
    app.connect("source-read", rewrite)
    app.connect(
        "include-read", lambda app, path, name, content: rewrite(app, name, content)
    )
    app.connect("build-finished", mend)
