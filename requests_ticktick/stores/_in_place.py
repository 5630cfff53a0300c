"""Files that can be written but not replaced or removed: mount points."""

from __future__ import annotations

import errno
import os

from . import _files
from ._windows import persist

#: The errors of replacing or removing a mount point.
_MOUNT_POINT = {errno.EBUSY, errno.EXDEV}

#: The errors if the folder is read-only as well.
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


def is_fixed(path: str, error: OSError) -> bool:
    """Whether a file is a mount point, as Docker's mount of a single file is.

    :param error: The error that replacing or removing the file raised.
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
    """Overwrite the file's content.

    A reader sees the old content or the new. After a crash the file may hold a
    mixture of both, which is not JSON.

    :returns: Whether only its owner can read the file.
    :raises OSError: The file cannot be written, does not exist, or belongs to
        another user.
    """
    flags = os.O_WRONLY | _files.NOFOLLOW | _files.NONBLOCK
    fd = os.open(path, flags | _files.CLOEXEC | _files.BINARY)
    try:
        status = os.fstat(fd)
        _files.require_regular(status)
        # In a folder for everybody, another user may just have put it there.
        if hasattr(os, "geteuid") and status.st_uid not in (0, os.geteuid()):
            raise PermissionError(errno.EPERM, "it belongs to another user")
        is_private = _files.make_private(fd)
        # Spaces overwrite the rest of a longer text: no reader sees a mixture.
        _files.write(fd, content.ljust(status.st_size) if content else b"")
        os.ftruncate(fd, len(content))
        os.fsync(fd)
        return is_private
    finally:
        os.close(fd)


def take_room(path: str, size: int) -> None:
    """Reserve space by adding white space to the end of the file.

    :param size: The file's size afterwards, in bytes.
    :raises OSError: There is no space, or the file cannot be written.
    """
    flags = os.O_WRONLY | os.O_APPEND | _files.NOFOLLOW | _files.NONBLOCK
    fd = os.open(path, flags | _files.CLOEXEC | _files.BINARY)
    try:
        _files.write(fd, b" " * (size - os.fstat(fd).st_size))
    finally:
        os.close(fd)


def remove(path: str) -> None:
    """Remove a file, or empty it if it is a mount point.

    :raises OSError: Neither is possible, or the file does not exist.
    """
    try:
        persist(os.unlink, path)
    except OSError as error:
        if not is_fixed(path, error):
            raise
        overwrite(path, b"")
