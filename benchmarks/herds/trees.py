"""Compiled copies of a source tree's package, to compare trees by."""

from __future__ import annotations

import compileall
import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def compiled(tree: str) -> Iterator[str]:
    """Yield a folder with the package as it is now, and its .pyc files.

    :param tree: A checkout of this repository.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(tree, "requests_ticktick")
        target = os.path.join(folder, "requests_ticktick")
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(target, quiet=2)
        yield folder
