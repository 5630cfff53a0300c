"""Where the processes of one user and one machine can always meet."""

from __future__ import annotations

import hashlib
import os


def places(name: str) -> list[str]:
    """Return paths that stand for a name in this machine's own folders.

    The first is in memory, where there is such a folder: a disk that is full,
    or read-only, is another matter. Whoever looks for a name gets the same
    paths, in whatever session and environment: no variable is read.
    """
    user = os.geteuid() if hasattr(os, "geteuid") else "user"
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    folders = _folders()
    there = [folder for folder in folders if os.path.isdir(folder)]
    return [
        os.path.join(folder, f"requests-ticktick-{user}", digest)
        for folder in there or folders
    ]


def _folders() -> list[str]:
    if os.name == "nt":
        import tempfile

        return [tempfile.gettempdir()]  # each user's own
    return ["/dev/shm", "/tmp"]  # noqa: S108 - a private folder is made in it
