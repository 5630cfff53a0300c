"""The note beside a lock: its holder, and how the last renewal failed."""

from __future__ import annotations

import errno
import json
import os
import socket
from typing import Any

from . import _files

#: The size of a note in bytes. Most of it is spaces: they reserve the space to
#: record a failure when the disk is full.
NOTE_BYTES = 4096

#: A longer note is not ours, in bytes.
_MAX_NOTE_BYTES = 65_536


def read(path: str) -> dict[str, Any]:
    """Return a note and the time of its writing; nothing if unreadable."""
    try:
        content, status = _files.read(path)
        if len(content) > _MAX_NOTE_BYTES or not _is_trusted(status):
            return {}
        info = json.loads(content)
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(info, dict):
        return {}
    # The file system's time of the last change: no clock is read.
    return {**info, "since": status.st_mtime}


def write(path: str, **fields: object) -> None:
    """Write a note with this process as the holder.

    It overwrites the last note in place, whose space suffices. A process that
    reads it meanwhile may find it unreadable and will look again.

    :raises OSError: There is no space, or the file must not be written.
    """
    content = _content(fields)
    try:
        _overwrite(path, content)
    except OSError:
        from . import _replacing  # for the lock's holder, and once for a path

        _replacing.replace(path, content, durable=False)


def create(path: str) -> None:
    """Write a note where there is none.

    :raises FileExistsError: There is one.
    :raises OSError: It cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _files.NOFOLLOW
    fd = os.open(path, flags | _files.CLOEXEC | _files.BINARY, 0o600)
    try:
        _files.write(fd, _content({}))
    finally:
        os.close(fd)


def _content(fields: dict[str, object]) -> bytes:
    info = {"pid": os.getpid(), "host": socket.gethostname(), **fields}
    return json.dumps(info).encode().ljust(NOTE_BYTES)


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
    """Whether the note belongs to this user or to root; always on Windows."""
    if not hasattr(os, "geteuid"):
        return True
    return status.st_uid in (os.geteuid(), 0)
