"""Places that cannot be used for a while."""

from __future__ import annotations

import contextlib
import os


@contextlib.contextmanager
def folder_in_place_of(path):
    """A folder where a file should be; the file is there again afterwards."""
    away = f"{path}.away"
    os.rename(path, away)
    os.mkdir(path)
    try:
        yield
    finally:
        os.rmdir(path)
        os.rename(away, path)
