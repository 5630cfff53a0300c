"""A file that can be written, and neither replaced nor removed."""

from __future__ import annotations

import errno
import os

from . import _files
from ._windows import persist

#: What replacing or removing a mount point ends in, and what that ends in
#: where the folder is read-only as well.
_MOUNT_POINT = {errno.EBUSY, errno.EXDEV}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


def is_fixed(path: str, error: OSError) -> bool:
    """Whether a file is a mount point, as Docker makes of a single file.

    :param error: What replacing or removing it ended in.
    """
    try:
        device = os.lstat(path).st_dev
    except OSError:
        return False
    if error.errno in _MOUNT_POINT:
        return True
    folder = os.stat(os.path.dirname(path))
    return error.errno in _READ_ONLY and folder.st_dev != device


def overwrite(path: str, content: bytes) -> bool:
    """Put new content into the file itself.

    A reader sees the old content or the new. After a crash in the middle it
    may be a mixture of both, which is no JSON.

    :returns: Whether the file system keeps it from others.
    :raises OSError: It cannot be written, is not there, or is somebody else's.
    """
    flags = os.O_WRONLY | _files.NOFOLLOW | _files.NONBLOCK
    fd = os.open(path, flags | _files.CLOEXEC | _files.BINARY)
    try:
        status = os.fstat(fd)
        _files.require_regular(status)
        # In a folder for all, it may have been put there a moment ago.
        if hasattr(os, "geteuid") and status.st_uid not in (0, os.geteuid()):
            raise PermissionError(errno.EPERM, "it belongs to another user")
        is_private = _files.make_private(fd)
        # Spaces over the rest of a longer text, so that it is never torn.
        _files.write(fd, content.ljust(status.st_size) if content else b"")
        os.ftruncate(fd, len(content))
        os.fsync(fd)
        return is_private
    finally:
        os.close(fd)


def take_room(path: str, size: int) -> None:
    """Add spaces to a file's end, which are no part of what it says.

    :param size: That of the whole then, in bytes.
    :raises OSError: There is no room, or it cannot be written.
    """
    flags = os.O_WRONLY | os.O_APPEND | _files.NOFOLLOW | _files.NONBLOCK
    fd = os.open(path, flags | _files.CLOEXEC | _files.BINARY)
    try:
        _files.write(fd, b" " * (size - os.fstat(fd).st_size))
    finally:
        os.close(fd)


def remove(path: str) -> None:
    """Remove a file; empty it where its name has to stay.

    :raises OSError: Neither can be done, or it is not there.
    """
    try:
        persist(os.unlink, path)
    except OSError as error:
        if not is_fixed(path, error):
            raise
        overwrite(path, b"")
