"""Replacing one small private file, wholly or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets

from . import _files
from ._windows import persist

#: A temporary file older than this was left by a writer that was killed.
_STALE_SECONDS = 60.0


def take_room(path: str, size: int) -> str:
    """Write a temporary file of spaces beside a file, for :func:`replace`.

    :param size: In bytes.
    :returns: Its path.
    :raises OSError: There is no room for it, or nothing can be written there.
    """
    fd, temporary = _make_temporary(path)
    try:
        try:
            _files.write(fd, b" " * size)
        finally:
            os.close(fd)  # some network file systems say it here alone
    except OSError:
        _discard(temporary)
        raise
    return temporary


def replace(
    path: str, content: bytes, *, durable: bool = True, room: str | None = None
) -> bool:
    """Put new content in the file's place, wholly or not at all.

    :param path: Not a symbolic link; resolve it first.
    :param durable: Whether it has to survive a power failure.
    :param room: What :func:`take_room` has returned.
    :returns: Whether the file system keeps it from others.
    :raises OSError: It cannot be written; what was there still is.
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
            os.close(fd)  # before it is renamed: Windows asks for that
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
        with contextlib.suppress(FileNotFoundError):  # taken for a dead writer's
            return os.open(room, flags), room
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{secrets.token_hex(8)}.tmp")
    return os.open(temporary, flags | os.O_CREAT | os.O_EXCL, 0o600), temporary


def _discard(temporary: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(temporary)


def _sync_folder(folder: str) -> None:
    with contextlib.suppress(OSError):  # some file systems cannot
        fd = os.open(folder, os.O_RDONLY | _files.CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _sweep(folder: str, name: str, now: float) -> None:
    """Remove what writers that were killed have left behind.

    :param now: The file system's own time, so that no clock can be wrong.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(f".{name}.") and entry.name.endswith(".tmp"):
                with contextlib.suppress(OSError):
                    age = now - entry.stat(follow_symlinks=False).st_mtime
                    if age > _STALE_SECONDS:
                        os.unlink(entry.path)
