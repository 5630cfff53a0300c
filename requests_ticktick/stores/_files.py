"""Reading and replacing one small private file."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat

from ._sharing import persist

#: No token file is this large; what is larger is not read.
MAX_BYTES = 1_048_576

#: A temporary file older than this was left by a writer that was killed.
_STALE_SECONDS = 60.0

NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
NONBLOCK = getattr(os, "O_NONBLOCK", 0)
NOCTTY = getattr(os, "O_NOCTTY", 0)
CLOEXEC = getattr(os, "O_CLOEXEC", 0)
BINARY = getattr(os, "O_BINARY", 0)


def read(path: str) -> tuple[bytes, os.stat_result]:
    """Return the content, one byte over the limit at most, and its stat.

    :raises OSError: It cannot be read.
    """
    # O_NONBLOCK: a FIFO planted at the path must not block the reader.
    flags = os.O_RDONLY | NONBLOCK | NOCTTY | CLOEXEC | BINARY
    fd = persist(os.open, path, flags)
    try:
        status = os.fstat(fd)
        require_regular(status)
    except OSError:
        os.close(fd)
        raise
    with open(fd, "rb", buffering=0) as file:
        content = b""
        while len(content) <= MAX_BYTES:
            chunk = file.read(MAX_BYTES + 1 - len(content))
            if not chunk:
                break
            content += chunk
        return content, status


def make_private_folder(folder: str) -> bool:
    """Create a folder and those above it, for nobody else to enter.

    :returns: Whether it was not there.
    :raises OSError: It cannot be created.
    """
    above = os.path.dirname(folder)
    if os.path.isdir(folder) or above == folder:
        return False
    make_private_folder(above)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o700)
        if os.stat(folder).st_mode & 0o700 != 0o700:
            os.chmod(folder, 0o700)  # the umask has taken bits away
    return True


def make_lock_file(path: str) -> None:
    """Create a lock file, unless it is there, and make sure that it is one.

    What locks it will open it by its name, and empty it.

    :raises OSError: It cannot be opened, or is something else.
    """
    flags = os.O_RDWR | os.O_CREAT | NOFOLLOW | NONBLOCK | CLOEXEC
    fd = os.open(path, flags, 0o600)
    try:
        status = os.fstat(fd)
        require_regular(status)
        if status.st_nlink > 1 and status.st_size:
            raise OSError(errno.EEXIST, "it is another name of a file in use")
        if status.st_mode & 0o600 != 0o600:
            make_private(fd)  # the umask has taken bits away
    finally:
        os.close(fd)


def replace(path: str, content: bytes, *, durable: bool = True) -> bool:
    """Put new content in the file's place, wholly or not at all.

    :param path: Not a symbolic link; resolve it first.
    :param durable: Whether it has to survive a power failure.
    :returns: Whether the file system keeps it from others.
    :raises OSError: It cannot be written; what was there still is.
    """
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{secrets.token_hex(8)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOFOLLOW | CLOEXEC | BINARY
    fd = os.open(temporary, flags, 0o600)
    try:
        try:
            is_private = make_private(fd)
            write(fd, content)
            if durable:
                os.fsync(fd)
            born = os.fstat(fd).st_mtime
        finally:
            os.close(fd)  # before it is renamed: Windows asks for that
        persist(os.replace, temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    if durable:
        _sync_folder(folder)
        _sweep(folder, name, born)
    return is_private


def set_aside(path: str, version: object) -> str | None:
    """Rename the unreadable file that was found at this version.

    :returns: Its new path; ``None`` where it is gone, or cannot be renamed.
    """
    aside = f"{path}.corrupt-{secrets.token_hex(4)}"
    try:
        persist(os.rename, path, aside)
        if identity(aside) == version:
            return aside
        # Somebody saved a good one between our reading and our renaming.
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
        persist(os.unlink, aside)
    except OSError:
        pass
    return None


def remove_set_aside(path: str) -> None:
    """Remove what :func:`set_aside` has left of a file.

    :raises OSError: It cannot be removed.
    """
    folder, name = os.path.split(path)
    pattern = re.escape(name) + r"\.corrupt-[0-9a-f]{8}"
    with os.scandir(folder) as entries:
        for entry in entries:
            if re.fullmatch(pattern, entry.name) and not entry.is_dir():
                persist(os.unlink, entry.path)


def identity(path: str) -> tuple[int, int, int] | None:
    """Return what changes whenever the file is written or replaced."""
    try:
        return identity_of(os.stat(path))
    except OSError:
        return None


def identity_of(status: os.stat_result) -> tuple[int, int, int]:
    """Return the identity of a file that was opened."""
    return status.st_ino, status.st_mtime_ns, status.st_size


def require_regular(status: os.stat_result) -> None:
    """Refuse a folder, a FIFO, a socket or a device.

    :raises OSError: It is one of these.
    """
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(
            errno.EISDIR, "it is a folder, as Docker makes for a mount without a file"
        )
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")


def make_private(fd: int) -> bool:
    """Let only the owner read a file, and say whether that is so."""
    if os.name != "posix":
        return True  # it has the permissions that its folder passes on
    try:
        os.fchmod(fd, 0o600)
    except OSError:
        return False
    return not os.fstat(fd).st_mode & 0o077


def write(fd: int, content: bytes) -> None:
    """Write all of the content, however small the steps.

    :raises OSError: Not all of it could be written.
    """
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]


def _sync_folder(folder: str) -> None:
    with contextlib.suppress(OSError):  # some file systems cannot
        fd = os.open(folder, os.O_RDONLY | CLOEXEC)
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
