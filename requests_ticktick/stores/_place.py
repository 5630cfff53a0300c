"""Where the token file is, and whether other users could replace it."""

from __future__ import annotations

import contextlib
import os
import re
import sys

from .._pasted import unwrapped
from . import _files
from ._base import NoPlaceError
from ._doubts import doubts

#: A home, a variable or quotes at the start, which a shell would have
#: expanded.
_UNEXPANDED = r"""[~"'\u201c\u2018]|\$[\w{(]|%\w+%|file:"""

#: Such as a line end of Windows. No name is meant to have one.
_CONTROLS = frozenset(map(chr, [*range(0x20), 0x7F]))


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
    return not os.path.isabs(expanded) and re.match(_UNEXPANDED, text) is not None


def require_absolute(path: str) -> str:
    """Return the path that :func:`absolute` returned.

    :raises NoPlaceError: The path is not absolute, or has a line end in it.
    """
    if os.path.isabs(path) and _CONTROLS.isdisjoint(path):
        return path
    raise NoPlaceError(
        f"There is no place for the token: {path!r} leads nowhere. There is no such "
        "home (see HOME), nobody has read the variable or the quotes in it, it has a "
        "line end in it, or the working directory was removed. Write the path out "
        "from the root."
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
    folder = _state_folder()
    advice = (
        "Set TICKTICK_TOKEN_FILE, XDG_STATE_HOME or HOME to a whole path; or "
        "TICKTICK_TOKEN to a token."
    )
    if not os.path.isabs(folder):
        raise NoPlaceError(
            "There is no place for the token: HOME is not set, and this user has no "
            f"home. {advice}"
        )
    if not _is_meant(folder):
        raise NoPlaceError(
            f"There is no place for the token: {folder!r} has a line end in it, or a "
            f"variable that nobody has read. {advice}"
        )
    return os.path.join(folder, f"{profile or 'default'}.json")


def _is_meant(folder: str) -> bool:
    """Whether a variable's value has no line end and no variable in it."""
    has_variable = "$" in folder and re.search(r"\$[\w{(]", folder)
    return not has_variable and _CONTROLS.isdisjoint(folder)


def _state_folder() -> str:
    """Return our folder for state; no absolute path if there is none."""
    if sys.platform == "linux" and "ANDROID_ROOT" not in os.environ:
        # As platformdirs has it, whose import takes longer than all of ours.
        home = os.path.join(os.environ.get("HOME", ""), ".local", "state")
        for folder in (os.environ.get("XDG_STATE_HOME", ""), home):
            if os.path.isabs(folder):
                return os.path.join(folder, "requests-ticktick")
    from platformdirs import user_state_dir

    try:
        return user_state_dir("requests-ticktick", appauthor=False)
    except (RuntimeError, OSError):
        return ""


def profile_of_environment() -> str | None:
    """Return the profile that ``TICKTICK_PROFILE`` names, if it is set.

    :raises ValueError: No profile can have that name.
    """
    profile = unwrapped(os.environ.get("TICKTICK_PROFILE", ""))
    if profile:
        require_profile(profile, where=" in TICKTICK_PROFILE")
    return profile or None


def require_profile(profile: str, *, where: str = "") -> None:
    """Require that a profile has a name that is safe as a file's name.

    :param where: What named it, as the end of a sentence.
    :raises ValueError: It has not.
    """
    if not re.fullmatch(r"\w[\w.@+-]*", profile):
        raise ValueError(
            f"A profile is letters, digits and . _ @ + - alone, not {profile!r}{where}"
        )


def _named(path: str) -> str:
    expanded = os.path.expanduser(os.path.expandvars(path))
    if os.path.isabs(expanded) and _is_meant(expanded):
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
    :raises OSError: A folder cannot be created, or more links lead on than
        the system follows, so that nobody could read what was written.
    """
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        os.stat(path)
    doubtful = doubt(path)
    folder = os.path.dirname(os.path.realpath(path))
    if doubtful is None and _files.make_private_folder(folder):
        # Another user may have created the folder first.
        return doubt(path)
    return doubtful


def doubt(path: str) -> str | None:
    """Return how another user could replace a file, or ``None``.

    :returns: A sentence without a full stop; ``None`` if nobody could.
    """
    found = next(doubts(path), None)
    return None if found is None else found.text


def stranger(path: str) -> str | None:
    """Return which step of the path is another user's, or ``None``.

    :returns: A sentence without a full stop.
    """
    return next((found.text for found in doubts(path) if found.is_owner), None)
