"""Libraries that ``tox -e compat`` installs, and nothing else needs."""

from __future__ import annotations

import importlib
import os

import pytest


def library(name):
    """Import it, or skip the module; with ``COMPAT=required`` it has to be there."""
    if os.environ.get("COMPAT") == "required":
        return importlib.import_module(name)
    return pytest.importorskip(name, reason=f"{name}: tox -e compat installs it")
