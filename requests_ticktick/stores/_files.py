"""Reading and replacing one small private file."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat

#: No token file is this large; what is larger is not read.
MAX_BYTES = 1_048_576

#: A temporary file older than this was left by a writer that was killed.
_STALE_SECONDS = 60.0

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_BINARY = getattr(os, "O_BINARY", 0)


def read(path: str) -> tuple[bytes, os.stat_result]:
    """Return the content, one byte over the limit at most, and its stat.

    :raises OSError: It cannot be read.
    """
    # O_NONBLOCK: a FIFO planted at the path must not block the reader.
    flags = os.O_RDONLY | _CLOEXEC | _BINARY | getattr(os, "O_NONBLOCK", 0)
    fd = os.open(path, flags)
    with open(fd, "rb", buffering=0) as file:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"not a regular file: {path}")
        content = b""
        while len(content) <= MAX_BYTES:
            chunk = file.read(MAX_BYTES + 1 - len(content))
            if not chunk:
                break
            content += chunk
        return content, status


def make_private_folder(folder: str) -> None:
    """Create a folder that is nobody else's, whatever the umask says.

    :raises OSError: It cannot be created.
    """
    if not os.path.isdir(folder):
        os.makedirs(os.path.dirname(folder) or ".", exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)
            os.chmod(folder, 0o700)  # the umask may have taken bits away


def replace(path: str, content: bytes, *, durable: bool = True) -> None:
    """Put new content in the file's place, wholly or not at all.

    :param path: Not a symbolic link; resolve it first.
    :param durable: Whether it has to survive a power failure.
    :raises OSError: It cannot be written; what was there still is.
    """
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{secrets.token_hex(8)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _CLOEXEC | _BINARY
    fd = os.open(temporary, flags, 0o600)
    try:
        with open(fd, "wb", buffering=0) as file:
            os.chmod(temporary, 0o600)  # the umask may have taken bits away
            view = memoryview(content)
            while view:
                view = view[file.write(view) :]
            if durable:
                os.fsync(fd)
            born = os.fstat(fd).st_mtime
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    if durable:
        _sync_folder(folder)
        _sweep(folder, name, born)


def set_aside(path: str, status: os.stat_result) -> str | None:
    """Rename the unreadable file that ``status`` describes.

    :returns: Its new path; ``None`` where it is gone, or cannot be renamed.
    """
    aside = f"{path}.corrupt-{secrets.token_hex(4)}"
    try:
        os.rename(path, aside)
        moved = os.stat(aside)
        if (moved.st_ino, moved.st_dev) == (status.st_ino, status.st_dev):
            return aside
        # Somebody saved a good one between our reading and our renaming.
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
        os.unlink(aside)
    except OSError:
        pass
    return None


def _sync_folder(folder: str) -> None:
    with contextlib.suppress(OSError):  # some file systems cannot
        fd = os.open(folder, os.O_RDONLY | _CLOEXEC)
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


def identity(path: str) -> tuple[int, int, int] | None:
    """Return what changes whenever :func:`replace` has been at work."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
