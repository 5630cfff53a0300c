"""Reading and replacing one small private file."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator

from ._windows import persist

#: What changes whenever a file is written or replaced.
Identity = tuple[int, int, int]

#: No token file is this large; what is larger is not read.
MAX_BYTES = 1_048_576

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


@contextlib.contextmanager
def lock_file(path: str) -> Iterator[os.stat_result]:
    """Open a lock file, made where it is not there, and see that it is one.

    What locks it will open it by its name, and empty it. As long as it is open
    here, no other file gets its number.

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
        yield status
    finally:
        os.close(fd)


def is_at(path: str, status: os.stat_result) -> bool:
    """Whether a path still leads to the file that was opened."""
    try:
        return os.path.samestat(os.stat(path), status)
    except OSError:
        return False


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


def identity(path: str) -> Identity | None:
    """Return what changes whenever the file is written or replaced."""
    try:
        return identity_of(os.stat(path))
    except OSError:
        return None


def identity_of(status: os.stat_result) -> Identity:
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
