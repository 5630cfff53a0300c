"""Disks that are full."""

from __future__ import annotations

import contextlib


def fill(folder):
    """Leave no room on a disk."""
    with (
        open(folder / "ballast", "wb", buffering=0) as ballast,
        contextlib.suppress(OSError),
    ):
        while True:
            ballast.write(b"x" * 4096)
