"""The page on PyPI; everything else is in setup.cfg."""

import re
from configparser import ConfigParser
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent


def page_on_pypi() -> str:
    """Return the README with links and pictures that work from elsewhere."""
    config = ConfigParser(interpolation=None)
    config.read(HERE / "setup.cfg", encoding="utf-8")
    urls = dict(
        line.split(" = ")
        for line in config["metadata"]["project_urls"].strip().splitlines()
    )
    text = (HERE / "README.rst").read_text(encoding="utf-8")
    docs = urls["Documentation"]
    text = re.sub(r"<docs/([\w-]+)\.rst>", rf"<{docs}\1.html>", text)
    text = re.sub(r"image:: docs/pictures/", rf"image:: {docs}_images/", text)
    return text.replace("<CHANGELOG.rst>", f"<{urls['Changelog']}>")


setup(
    long_description=page_on_pypi(),
    long_description_content_type="text/x-rst",
)
