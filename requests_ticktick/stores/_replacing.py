"""Atomic replacement of a small private file."""

from __future__ import annotations

import contextlib
import os

from . import _files, _temporary
from ._windows import persist


def take_room(path: str, size: int) -> str:
    """Reserve space: write a temporary file of spaces, for :func:`replace`.

    :param size: The size in bytes.
    :returns: The temporary file's path, in the folder of ``path``.
    :raises OSError: There is no space, or the folder cannot be written.
    """
    fd, temporary = _make_temporary(path)
    try:
        try:
            _files.write(fd, b" " * size)
        finally:
            os.close(fd)  # some network file systems report a full disk here
    except OSError:
        _discard(temporary)
        raise
    return temporary


def replace(
    path: str, content: bytes, *, durable: bool = True, room: str | None = None
) -> bool:
    """Replace a file's content, atomically.

    :param path: The file; not a symbolic link, which would be replaced.
    :param durable: Whether the new content has to survive a power failure. If
        so, what killed writers left in the folder is removed.
    :param room: The temporary file that :func:`take_room` wrote.
    :returns: Whether only its owner can read the file.
    :raises OSError: The file cannot be written. The old content is still
        there.
    """
    fd, temporary = _make_temporary(path, room)
    try:
        try:
            is_private = _files.make_private(fd)
            _files.write(fd, content)
            if room is not None:
                os.ftruncate(fd, len(content))
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)  # Windows renames no open file
        persist(os.replace, temporary, path)
    except BaseException:
        _discard(temporary)
        raise
    if durable:
        folder = os.path.dirname(path)
        _sync_folder(folder)
        _temporary.sweep(folder)
    return is_private


def _make_temporary(path: str, room: str | None = None) -> tuple[int, str]:
    flags = os.O_WRONLY | _files.NOFOLLOW | _files.CLOEXEC | _files.BINARY
    if room is not None:
        with contextlib.suppress(FileNotFoundError):  # another writer swept it
            return os.open(room, flags), room
    temporary = _temporary.name_for(path)
    return os.open(temporary, flags | os.O_CREAT | os.O_EXCL, 0o600), temporary


def _discard(temporary: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(temporary)


def _sync_folder(folder: str) -> None:
    with contextlib.suppress(OSError):  # not every file system supports it
        fd = os.open(folder, os.O_RDONLY | _files.CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
