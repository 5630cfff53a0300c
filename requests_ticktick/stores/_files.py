"""Reading and replacing one small private file."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator

from ._windows import persist

#: Inode, time of change and size: they change when a file is written or
#: replaced.
Identity = tuple[int, int, int]

#: The largest file that is read. No token file comes near it.
MAX_BYTES = 1_048_576

NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
NONBLOCK = getattr(os, "O_NONBLOCK", 0)
NOCTTY = getattr(os, "O_NOCTTY", 0)
CLOEXEC = getattr(os, "O_CLOEXEC", 0)
BINARY = getattr(os, "O_BINARY", 0)


def read(path: str) -> tuple[bytes, os.stat_result]:
    """Return a file's status and content, cut one byte over the limit.

    :raises OSError: The file cannot be read, or is not a regular file.
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


def decoded(content: bytes) -> str:
    """Return the text of a file.

    :raises UnicodeDecodeError: It is neither UTF-8 nor UTF-16.
    """
    # PowerShell's ">" writes UTF-16.
    is_utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    return content.decode("utf-16" if is_utf16 else "utf-8")


def make_private_folder(folder: str) -> bool:
    """Create a folder and its missing parents, for this user alone.

    :returns: Whether the folder was missing.
    :raises OSError: A folder cannot be created.
    """
    above = os.path.dirname(folder)
    if os.path.isdir(folder) or above == folder:
        return False
    make_private_folder(above)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o700)
        if os.stat(folder).st_mode & 0o700 != 0o700:
            os.chmod(folder, 0o700)  # the umask removed bits
    return True


@contextlib.contextmanager
def lock_file(path: str) -> Iterator[os.stat_result]:
    """Open a lock file, creating it if missing, and check that it is one.

    filelock will open it by name and truncate it. While it is open here, no
    other file gets its inode number.

    :raises OSError: The file cannot be opened, or is not a lock file.
    """
    flags = os.O_RDWR | os.O_CREAT | NOFOLLOW | NONBLOCK | CLOEXEC
    fd = os.open(path, flags, 0o600)
    try:
        status = os.fstat(fd)
        require_regular(status)
        if status.st_nlink > 1 and status.st_size:
            raise OSError(errno.EEXIST, "it is another name of a file in use")
        if status.st_mode & 0o600 != 0o600:
            make_private(fd)  # the umask removed bits
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
    """Rename a torn file, unless it has changed since it was read.

    :param version: The file's identity when it was read.
    :returns: The new path; ``None`` if the file was not renamed.
    """
    aside = f"{path}.corrupt-{os.urandom(4).hex()}"
    try:
        persist(os.rename, path, aside)
        if identity(aside) == version:
            return aside
        # Another process saved a token between our reading and our renaming.
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
        persist(os.unlink, aside)
    except OSError:
        pass
    return None


def remove_set_aside(path: str) -> None:
    """Remove the files that :func:`set_aside` made of a file.

    :raises OSError: A file cannot be removed.
    """
    folder, name = os.path.split(path)
    pattern = re.escape(name) + r"\.corrupt-[0-9a-f]{8}"
    with os.scandir(folder) as entries:
        for entry in entries:
            if re.fullmatch(pattern, entry.name) and not entry.is_dir():
                persist(os.unlink, entry.path)


def identity(path: str) -> Identity | None:
    """Return a file's identity; ``None`` if its status cannot be read."""
    try:
        return identity_of(os.stat(path))
    except OSError:
        return None


def identity_of(status: os.stat_result) -> Identity:
    """Return the identity of a file with this status."""
    return status.st_ino, status.st_mtime_ns, status.st_size


def require_regular(status: os.stat_result) -> None:
    """Refuse a folder, a FIFO, a socket or a device.

    :raises OSError: The file is one of these.
    """
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(
            errno.EISDIR, "it is a folder, as Docker makes for a mount without a file"
        )
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")


def make_private(fd: int) -> bool:
    """Let only the owner read a file; return whether that worked."""
    if os.name != "posix":
        return True  # it inherits its folder's permissions
    try:
        os.fchmod(fd, 0o600)
    except OSError:
        return False
    return not os.fstat(fd).st_mode & 0o077


def write(fd: int, content: bytes) -> None:
    """Write all of the content, in as many writes as it takes.

    :raises OSError: Some of it could not be written.
    """
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]
