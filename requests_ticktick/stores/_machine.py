"""A folder that all processes of one user on one machine can find."""

from __future__ import annotations

import hashlib
import os


def places(name: str) -> list[str]:
    """Return the paths that stand for a name, the preferred one first.

    The first is in a folder in memory, if the machine has one, so it does not
    depend on a full or read-only disk. Every process of this user gets the
    same paths for the same name: no environment variable is read.
    """
    user = os.geteuid() if hasattr(os, "geteuid") else "user"
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    names = folders()
    there = [folder for folder in names if os.path.isdir(folder)]
    return [
        os.path.join(folder, f"requests-ticktick-{user}", digest)
        for folder in there or names
    ]


def is_running(pid: int) -> bool:
    """Whether a process of this machine runs, or may run. Not on Windows."""
    try:
        os.kill(pid, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass  # another user's
    return True


def folders() -> list[str]:
    """Return the folders of this system, those in memory first."""
    if os.name == "nt":
        import tempfile

        return [tempfile.gettempdir()]  # each user's own
    return ["/dev/shm", "/tmp"]  # noqa: S108 - a private folder is made in it
