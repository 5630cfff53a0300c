"""Where the token file is, and whether other users could replace it."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator

from .._pasted import unwrapped
from . import _files
from ._base import NoPlaceError
from ._profile import profile_of_environment

#: A home, a variable or quotes at the start, which a shell would have
#: expanded.
_UNEXPANDED = r"""[~"'\u201c\u2018]|\$[\w{(]|%\w+%|file:"""

#: Linux follows as many symbolic links.
_MAX_LINKS = 40


def absolute(path: str | os.PathLike[str]) -> str:
    """Return the path, made absolute if possible.

    A path that cannot be made absolute is returned unchanged, and
    :func:`require_absolute` will refuse it. It begins with a home that does
    not exist, or with a variable or quotes that a shell should have expanded;
    or the working directory was removed.

    :raises ValueError: No file can have such a name.
    """
    text = os.fsdecode(path)
    if b"\0" in os.fsencode(text):
        raise ValueError("A path holds no NUL")
    expanded = os.path.expanduser(text)
    try:
        # "~/x" without a home must not become a file of the working directory.
        return text if _is_lost(text, expanded) else os.path.abspath(expanded)
    except OSError:
        return text


def _is_lost(text: str, expanded: str) -> bool:
    return re.match(_UNEXPANDED, text) is not None and not os.path.isabs(expanded)


def require_absolute(path: str) -> str:
    """Return the path that :func:`absolute` returned.

    :raises NoPlaceError: The path is not absolute.
    """
    if os.path.isabs(path):
        return path
    raise NoPlaceError(
        f"There is no place for the token: {path!r} leads nowhere. There is no such "
        "home (see HOME), nobody has read the variable or the quotes in it, or the "
        "working directory was removed. Write the path out from the root."
    )


def default(profile: str | None) -> str:
    """Return the profile's file, or ``TICKTICK_TOKEN_FILE``'s.

    :raises NoPlaceError: No such path can be determined. The working directory
        is never used instead.
    """
    if profile is None:
        named = unwrapped(os.environ.get("TICKTICK_TOKEN_FILE", ""))
        if named:
            return _named(named)
        try:
            profile = profile_of_environment()
        except ValueError as error:
            raise NoPlaceError(f"There is no place for the token: {error}.") from None
    from platformdirs import user_state_dir

    try:
        folder = user_state_dir("requests-ticktick", appauthor=False)
    except (RuntimeError, OSError):
        folder = ""
    if not os.path.isabs(folder):
        raise NoPlaceError(
            "There is no place for the token: HOME is not set, and this user has no "
            "home. Set TICKTICK_TOKEN_FILE, XDG_STATE_HOME or HOME to a whole path; "
            "or TICKTICK_TOKEN to a token."
        )
    return os.path.join(folder, f"{profile or 'default'}.json")


def _named(path: str) -> str:
    expanded = os.path.expanduser(os.path.expandvars(path))
    if os.path.isabs(expanded) and not re.search(r"\$(\w|\{)", expanded):
        return os.path.abspath(expanded)
    raise NoPlaceError(
        f"There is no place for the token: TICKTICK_TOKEN_FILE is {path!r}, which is "
        "no whole path. Write it out from the root, without variables that are not "
        "set."
    )


def prepare(path: str) -> str | None:
    """Create the file's missing folders, for this user alone.

    :returns: Why nothing should be written there, or ``None``; see
        :func:`doubt`.
    :raises OSError: A folder cannot be created.
    """
    doubtful = doubt(path)
    folder = os.path.dirname(os.path.realpath(path))
    if doubtful is None and _files.make_private_folder(folder):
        # Another user may have created the folder first.
        return doubt(path)
    return doubtful


def doubt(path: str) -> str | None:
    """Return how another user could replace a file, or ``None``.

    The rule is that of OpenSSH's StrictModes: every folder and link on the way
    to a file, and the file, belongs to this user or to root, and no other user
    can write to the folders. A folder with the sticky bit may be writable:
    users cannot replace each other's files in it.

    :returns: A sentence without a full stop; ``None`` if nobody could.
    """
    # On Android each app is a user, and its folder is below the system's.
    if not hasattr(os, "geteuid") or hasattr(sys, "getandroidapilevel"):
        return None
    me = os.geteuid()
    for step, status in _steps(path):
        is_folder = stat.S_ISDIR(status.st_mode)
        if status.st_uid not in (0, me) and not (is_folder and is_unmapped(status)):
            return (
                f"{step} belongs to another user (uid {status.st_uid}): act as that "
                "user, or choose another place"
            )
        if is_folder and not status.st_mode & stat.S_ISVTX and _is_open(status):
            return f"Others may replace files in {step}: chmod go-w {step}"
    return None


def _steps(path: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield every folder, link and file on the path, up to what is missing."""
    here, names, links = "/", _names(path), 0
    while links < _MAX_LINKS:
        try:
            status = os.lstat(here)
            target = os.readlink(here) if stat.S_ISLNK(status.st_mode) else None
        except OSError:
            return
        yield here, status
        if target is not None:
            links += 1
            names += _names(target)
            here = "/" if target.startswith("/") else os.path.dirname(here)
        if not names:
            return
        here = os.path.normpath(os.path.join(here, names.pop()))


def _names(path: str) -> list[str]:
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]


def _is_open(status: os.stat_result) -> bool:
    """Whether users other than its owner can write to a folder."""
    if status.st_mode & stat.S_IWOTH:
        return True
    return bool(status.st_mode & stat.S_IWGRP) and not _is_private(status.st_gid)


def _is_private(gid: int) -> bool:
    """Whether a group has no members but this user and root.

    Debian gives each user such a group, with the user's name, and umask 002.
    In containers a group may have no name.
    """
    if gid == 0:
        return True
    import grp
    import pwd

    try:
        group = grp.getgrgid(gid)
    except KeyError:
        return gid in {os.getegid(), *os.getgroups()}
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return False
    return group.gr_name == name and set(group.gr_mem) <= {name}


def is_unmapped(status: os.stat_result) -> bool:
    """Whether the owner is unknown in this user namespace.

    Root's folders look like that inside Flatpak and bubblewrap. Outside of
    such a namespace, "nobody" is an ordinary user.
    """
    try:
        with open("/proc/sys/kernel/overflowuid") as overflow:
            if int(overflow.read()) != status.st_uid:
                return False
        with open("/proc/self/uid_map") as ranges:
            return not any(line.split()[0] == "0" for line in ranges)
    except (OSError, ValueError):
        return False
