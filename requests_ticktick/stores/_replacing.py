"""Atomic replacement of a small private file."""

from __future__ import annotations

import contextlib
import os

from . import _files
from ._windows import persist

#: A temporary file older than this was left by a writer that was killed.
_STALE_SECONDS = 60.0


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
    :param durable: Whether the new content has to survive a power failure.
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
            born = os.fstat(fd).st_mtime
        finally:
            os.close(fd)  # Windows renames no open file
        persist(os.replace, temporary, path)
    except BaseException:
        _discard(temporary)
        raise
    if durable:
        folder, name = os.path.split(path)
        _sync_folder(folder)
        _sweep(folder, name, born)
    return is_private


def _make_temporary(path: str, room: str | None = None) -> tuple[int, str]:
    flags = os.O_WRONLY | _files.NOFOLLOW | _files.CLOEXEC | _files.BINARY
    if room is not None:
        with contextlib.suppress(FileNotFoundError):  # another writer swept it
            return os.open(room, flags), room
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{os.urandom(8).hex()}.tmp")
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


def _sweep(folder: str, name: str, now: float) -> None:
    """Remove the temporary files of writers that were killed.

    :param now: The present time by the file system's clock.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(f".{name}.") and entry.name.endswith(".tmp"):
                with contextlib.suppress(OSError):
                    age = now - entry.stat(follow_symlinks=False).st_mtime
                    if age > _STALE_SECONDS:
                        os.unlink(entry.path)
