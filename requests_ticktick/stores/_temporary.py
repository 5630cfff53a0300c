"""Temporary files: their names, and the end of those of killed writers."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import sys

from . import _machine

#: Ours are named for the file to come, the system and the process that writes,
#: and at random.
_NAME = r"\.(?s:.+)\.([0-9a-f]{6})-([1-9][0-9]{0,9})-[0-9a-f]{8}\.tmp"

#: The system, where it has no name that no other system has.
_UNKNOWN = "000000"

#: Seconds. Where nobody can tell whether its writer lives, a file this old was
#: left by one that was killed: a sign-on that it is for is over by then.
STALE_SECONDS = 3600.0


def name_for(path: str) -> str:
    """Return a new name for a temporary file, in the folder of ``path``."""
    folder, name = os.path.split(path)
    writer = f"{_system()}-{os.getpid()}-{os.urandom(4).hex()}"
    return os.path.join(folder, f".{name}.{writer}.tmp")


def sweep(folder: str) -> None:
    """Remove the temporary files that killed writers left in a folder.

    Something has just been renamed or removed there, so that the folder has
    the present time by the file system's own clock.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        now = os.stat(folder).st_mtime
        for entry in entries:
            if not entry.name.endswith(".tmp"):
                continue  # nearly all: a pattern would take ten times as long
            found = re.fullmatch(_NAME, entry.name)
            if found is None:
                continue
            with contextlib.suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                is_left = _is_dead(*found.groups())
                is_left = is_left or now - status.st_mtime > STALE_SECONDS
                if is_left and _is_own(status):
                    os.unlink(entry.path)


def _system() -> str:
    """Return 6 digits for all processes that see each other by their ids.

    They share a boot of one machine, and a namespace: two containers, which
    may have the same host name, do not.
    """
    if sys.platform != "linux":
        return _UNKNOWN
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            system = f"{file.read()} {os.readlink('/proc/self/ns/pid')}"
    except (OSError, ValueError):
        return _UNKNOWN
    return hashlib.sha256(system.encode()).hexdigest()[:6]


def _is_dead(system: str, process: str) -> bool:
    """Whether a process has certainly ended."""
    if system == _UNKNOWN or system != _system():
        return False
    return not _machine.is_running(int(process))


def _is_own(status: os.stat_result) -> bool:
    if not stat.S_ISREG(status.st_mode):
        return False
    return not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
