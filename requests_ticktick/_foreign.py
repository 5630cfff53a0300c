"""What somebody else wrote, made fit to be shown.

Whoever can write to the place of a token can write anything beside it: escape
sequences for a terminal, forged lines for a log, numbers where text belongs.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

#: RFC 1123 2.1, and the underscores and letters that some systems allow.
_HOST = r"[\w.-]{1,253}"

#: The year 3000, in epoch seconds. Windows' calendar ends there.
_FAR_AWAY = 32_503_680_000.0


def one_line(text: object, limit: int = 200) -> str | None:
    """Return the beginning of a text, printable; ``None`` where there is none.

    :param limit: In characters.
    """
    if not isinstance(text, str):
        return None
    shown = "".join(c if c.isprintable() else " " for c in text[:limit])
    return shown.strip() or None


def seconds(value: object, most: float) -> float | None:
    """Return a number from 0 to ``most``; ``None`` where it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if 0 <= value <= most else None


def holder_of(note: Mapping[str, object]) -> str | None:
    """Say who holds a lock, by the note that its holder should have left.

    :param note: ``pid``, ``host``, and ``since`` in epoch seconds.
    :returns: ``None`` where it names no process.
    """
    pid, host = note.get("pid"), note.get("host")
    if isinstance(pid, bool) or not isinstance(pid, int) or not 0 < pid < 1 << 32:
        return None
    said = f"process {pid}"
    if isinstance(host, str) and re.fullmatch(_HOST, host):
        said += f" on {host}"
    since = seconds(note.get("since"), _FAR_AWAY)
    if since is not None:
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(since))
        said += f" since {moment}"
    return said


def held_by(holder: str | None, lock: str, waited: float) -> str:
    """Say that a lock is held, and how long it was waited for, if it was.

    :param waited: In seconds.
    """
    name = holder or "an unknown process"
    if waited <= 0:
        return f"The lock {lock} is held by {name}."
    return f"Waited {waited:g} s for the lock {lock}, held by {name}."
