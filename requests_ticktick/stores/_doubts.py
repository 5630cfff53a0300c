"""How other users could replace a file of ours."""

from __future__ import annotations

import os
import stat
import struct
import sys
from collections.abc import Iterator

from .._value import Value

#: Linux follows as many symbolic links.
_MAX_LINKS = 40

#: The entries of an access control list that name a user or a group, and the
#: right to write (linux/posix_acl_xattr.h).
_ACL_USER, _ACL_GROUP, _ACL_WRITE = 0x02, 0x08, 0x02


class Doubt(Value):
    """One way in which another user could replace a file.

    :param is_owner: Whether that user owns a step of the path. Otherwise users
        other than the owner can write to it.
    :param text: The same as a sentence without a full stop.
    """

    __slots__ = ("is_owner", "text")

    is_owner: bool
    text: str

    def __init__(self, is_owner: bool, text: str) -> None:
        self._set(is_owner=is_owner, text=text)


def doubts(path: str) -> Iterator[Doubt]:
    """Yield each way in which another user could replace a file.

    The rule is that of OpenSSH's StrictModes: every folder and link on the way
    to a file, and the file, belongs to this user or to root, and no other user
    can write to the folders. A folder with the sticky bit may be writable:
    users cannot replace each other's files in it.
    """
    # On Android each app is a user, and its folder is below the system's.
    if not hasattr(os, "geteuid") or hasattr(sys, "getandroidapilevel"):
        return
    me = os.geteuid()
    for step, status in _steps(path):
        is_folder = stat.S_ISDIR(status.st_mode)
        if status.st_uid not in (0, me) and not (is_folder and is_unmapped(status)):
            yield Doubt(
                True,
                f"{step} belongs to another user (uid {status.st_uid}): act as that "
                "user, or choose another place",
            )
        elif is_folder and not status.st_mode & stat.S_ISVTX and _is_open(step, status):
            yield Doubt(False, f"Others may replace files in {step}: chmod go-w {step}")


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


def _is_open(folder: str, status: os.stat_result) -> bool:
    """Whether users other than its owner can write to a folder."""
    if status.st_mode & stat.S_IWOTH:
        return True
    if not status.st_mode & stat.S_IWGRP:
        return False  # also for all whom an access control list names
    return not _is_private(status.st_gid) or _lists_others(folder)


def _lists_others(folder: str) -> bool:
    """Whether an access control list lets other users write to a folder.

    The group's permission bits are then the most that the list grants (acl(5)
    on Linux). Other systems' lists are not seen.
    """
    try:
        access = os.getxattr(folder, "system.posix_acl_access")
        entries = [*struct.iter_unpack("<HHI", access[4:])]
    except (AttributeError, OSError, struct.error):
        return False
    return any(
        permissions & _ACL_WRITE
        and (
            (tag == _ACL_USER and number not in (0, os.geteuid()))
            or (tag == _ACL_GROUP and not _is_private(number))
        )
        for tag, permissions, number in entries
    )


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
