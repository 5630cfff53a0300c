"""A note beside a lock: who holds it, and how the last renewal failed."""

from __future__ import annotations

import errno
import json
import os
import socket
from typing import Any

from . import _files, _replacing

#: What a note takes on the disk, in bytes. Most of it is spaces: who has
#: failed because the disk is full can still say so there.
ROOM = 4096

#: No note of ours is as long, in bytes.
_LONGEST = 65_536


def read(path: str) -> dict[str, Any]:
    """Return a note, and since when it is there; nothing if it is spoilt."""
    try:
        content, status = _files.read(path)
        if len(content) > _LONGEST or not _is_trusted(status):
            return {}
        info = json.loads(content)
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(info, dict):
        return {}
    # The file system's time of the last change, so that no clock is read.
    return {**info, "since": status.st_mtime}


def write(path: str, **fields: object) -> None:
    """Write a note in this process's name.

    It goes into the room that the last one has taken. Who reads it meanwhile
    may find a spoilt one, and looks again.

    :raises OSError: There is no room, or the file is not to be written.
    """
    info = {"pid": os.getpid(), "host": socket.gethostname(), **fields}
    content = json.dumps(info).encode().ljust(ROOM)
    try:
        _overwrite(path, content)
    except OSError:
        _replacing.replace(path, content, durable=False)


def _overwrite(path: str, content: bytes) -> None:
    flags = os.O_WRONLY | _files.NOFOLLOW | _files.NONBLOCK
    fd = os.open(path, flags | _files.CLOEXEC | _files.BINARY)
    try:
        status = os.fstat(fd)
        _files.require_regular(status)
        if not _is_trusted(status) or status.st_nlink > 1:
            raise PermissionError(errno.EPERM, "it is not this note alone")
        _files.write(fd, content)
        os.ftruncate(fd, len(content))
    finally:
        os.close(fd)


def _is_trusted(status: os.stat_result) -> bool:
    """Whether it is this user's note, or root's; Windows does not tell."""
    if not hasattr(os, "geteuid"):
        return True
    return status.st_uid in (os.geteuid(), 0)
