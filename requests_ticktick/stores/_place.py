"""Where a token's file is, and who else could put another in its place."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator

from .._pasted import unwrapped
from . import _files
from ._base import NoPlaceError

#: What a shell would have made something of: a home, a variable, quotes.
_TO_BE_READ = r"""[~"'\u201c\u2018]|\$[\w{(]|%\w+%|file:"""

#: As many links as Linux follows.
_MOST_LINKS = 40


def absolute(path: str | os.PathLike[str]) -> str:
    """Return the path as it is seen from here and now.

    It stays as it is where that cannot be told: without a home, with a
    variable or quotes that a shell should have taken away, or in a working
    directory that was removed. See :func:`require_absolute`.

    :raises ValueError: No file can have such a name.
    """
    text = os.fsdecode(path)
    if b"\0" in os.fsencode(text):
        raise ValueError("A path holds no NUL")
    expanded = os.path.expanduser(text)
    try:
        # A home's file is never one of the working directory's.
        return text if _is_lost(text, expanded) else os.path.abspath(expanded)
    except OSError:
        return text


def _is_lost(text: str, expanded: str) -> bool:
    return re.match(_TO_BE_READ, text) is not None and not os.path.isabs(expanded)


def require_absolute(path: str) -> str:
    """Return the path that :func:`absolute` has found.

    :raises NoPlaceError: It has found none.
    """
    if os.path.isabs(path):
        return path
    raise NoPlaceError(
        f"There is no place for the token: {path!r} leads nowhere. There is no such "
        "home (see HOME), nobody has read the variable or the quotes in it, or the "
        "working directory was removed. Write the path out from the root."
    )


def default(profile: str | None) -> str:
    """Return the file of a profile, or the one that a variable names.

    :raises NoPlaceError: There is none. The working directory never is.
    """
    named = unwrapped(os.environ.get("TICKTICK_TOKEN_FILE", ""))
    if named and profile is None:
        return _named(named)
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
    """Make the folders that a file needs, for its owner alone.

    :returns: Why nothing is to be written there, as :func:`doubt` does.
    :raises OSError: A folder cannot be made.
    """
    doubtful = doubt(path)
    folder = os.path.dirname(os.path.realpath(path))
    if doubtful is None and _files.make_private_folder(folder):
        # Somebody else's may have been quicker.
        return doubt(path)
    return doubtful


def doubt(path: str) -> str | None:
    """Say how another user could put a file there, or has put it there.

    As OpenSSH's StrictModes has it: all that leads to a file, links included,
    belongs to this user or to root, and nobody else can write to its folders.
    In a sticky folder others can write, and leave alone what is not theirs.

    :returns: A sentence without a full stop; ``None`` where nobody could.
    """
    # Android's apps have a user each, below folders of the system's.
    if not hasattr(os, "geteuid") or hasattr(sys, "getandroidapilevel"):
        return None
    me = os.geteuid()
    for step, status in _steps(path):
        is_folder = stat.S_ISDIR(status.st_mode)
        if status.st_uid not in (0, me) and not (is_folder and _is_unmapped(status)):
            return (
                f"{step} belongs to another user (uid {status.st_uid}): act as that "
                "user, or choose another place"
            )
        if is_folder and not status.st_mode & stat.S_ISVTX and _is_open(status):
            return f"Others may replace files in {step}: chmod go-w {step}"
    return None


def _steps(path: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield what a path leads through, up to what is not there."""
    here, names, links = "/", _names(path), 0
    while links < _MOST_LINKS:
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
    """Whether others than its owner can write to a folder."""
    if status.st_mode & stat.S_IWOTH:
        return True
    return bool(status.st_mode & stat.S_IWGRP) and not _is_private(status.st_gid)


def _is_private(gid: int) -> bool:
    """Whether nobody but this user, and root, is in a group.

    Debian gives each user such a group, of the same name, and umask 002.
    Containers have groups that are numbers alone.
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


def _is_unmapped(status: os.stat_result) -> bool:
    """Whether it belongs to a user that this namespace does not know.

    In the user namespace of Flatpak or bubblewrap root's folders look like
    that. Where users are not mapped, "nobody" is a user as any other.
    """
    try:
        with open("/proc/sys/kernel/overflowuid") as overflow:
            if int(overflow.read()) != status.st_uid:
                return False
        with open("/proc/self/uid_map") as ranges:
            return not any(line.split()[0] == "0" for line in ranges)
    except (OSError, ValueError):
        return False
