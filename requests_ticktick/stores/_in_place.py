"""A file that can be written, and neither replaced nor removed."""

from __future__ import annotations

import errno
import os

from . import _files

#: It is a mount point, as Docker makes of a single file; or its folder is
#: read-only.
_FIXED = {errno.EBUSY, errno.EXDEV, errno.EROFS, errno.EACCES, errno.EPERM}


def is_fixed(error: OSError) -> bool:
    """Whether a file may be writable although it cannot be replaced."""
    return error.errno in _FIXED


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


def remove(path: str) -> None:
    """Remove a file; empty it where its name has to stay.

    :raises OSError: Neither can be done, or it is not there.
    """
    try:
        os.unlink(path)
    except OSError as error:
        if not is_fixed(error):
            raise
        overwrite(path, b"")
