"""What to type where an extra is not installed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

#: The commands that need more than ``cli``.
_OF_COMMAND = {"demo": {"sandbox"}, "sandbox": {"sandbox"}}

#: Folders of uv's cache, where uvx makes its environments.
_UV_CACHE = re.compile(r"(archive|builds|environments)-v\d+")


def with_extra(extra: str) -> str:
    """Return the command that installs this with an extra, or runs it so.

    It is that of the tool that made this environment. ``pip`` would install
    into one that uvx and pipx make anew.

    :param extra: Named beside those that the typed command needs as well, so
        that nobody is told twice.
    """
    # The name of a command alone: what follows may be anything.
    typed = [word for word in sys.argv[1:2] if word.isalpha()]
    extras = {"cli", extra}.union(*(_OF_COMMAND.get(word, ()) for word in typed))
    what = f"'requests-ticktick[{','.join(sorted(extras))}]'"
    again = " ".join(["requests-ticktick", *typed])
    place = Path(sys.prefix)
    if (place / "uv-receipt.toml").exists():
        return f"uv tool install --force {what}"
    if any(map(_UV_CACHE.fullmatch, place.parts)):
        return f"uvx --from {what} {again}"
    if "pipx" in place.parts and place.parent.name == "venvs":
        return f"pipx install --force {what}"
    if "pipx" in place.parts:
        return f"pipx run --spec {what} {again}"
    return f"python -m pip install {what}"


def missing(error: ImportError) -> str:
    """Return the text of an error, with such advice for this environment."""
    advice = r"pip install 'requests-ticktick\[(\w+)\]'"
    return re.sub(advice, lambda found: with_extra(found[1]), str(error))
