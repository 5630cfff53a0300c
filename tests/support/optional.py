"""Libraries that ``tox -e compat`` installs, and nothing else needs."""

from __future__ import annotations

import importlib
import importlib.util
import os

import pytest


def library(name):
    """Import it, or skip the module; with ``COMPAT=required`` it has to be there."""
    if os.environ.get("COMPAT") == "required":
        return importlib.import_module(name)
    return pytest.importorskip(name, reason=f"{name}: tox -e compat installs it")


def alone(name):
    """Import a library that has an environment of its own: ``COMPAT`` names it.

    Where it is installed, other libraries are not what they were.
    """
    if os.environ.get("COMPAT") != name:
        pytest.skip(f"{name}: tox -e compat-{name} runs it", allow_module_level=True)
    return importlib.import_module(name)


def installed(name):
    """Look for it as ``library`` does, and leave the import to another process."""
    if os.environ.get("COMPAT") == "required":
        assert importlib.util.find_spec(name) is not None
    elif importlib.util.find_spec(name) is None:
        pytest.skip(f"{name}: tox -e compat installs it", allow_module_level=True)
