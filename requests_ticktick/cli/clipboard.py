"""Putting a token where it can be pasted from."""

from __future__ import annotations

import os
import shutil
import subprocess

from .output import Failure

_TOOLS = (
    ("pbcopy",),
    ("wl-copy",),
    ("xclip", "-selection", "clipboard"),
    ("xsel", "--clipboard", "--input"),
    ("clip.exe",),
)

#: A display that they need, and fail without.
_NEEDS = {"wl-copy": "WAYLAND_DISPLAY", "xclip": "DISPLAY", "xsel": "DISPLAY"}

_INSTEAD = "Use --print, or --env, and copy it by hand."


def find_tool() -> tuple[str, ...]:
    """Return the command of this machine's clipboard.

    :raises Failure: It has none that could work.
    """
    for tool in _TOOLS:
        needed = _NEEDS.get(tool[0])
        if needed is not None and not os.environ.get(needed):
            continue
        path = shutil.which(tool[0])
        if path is not None:
            return (path, *tool[1:])
    raise Failure(
        f"No clipboard can be reached: {', '.join(tool[0] for tool in _TOOLS)} are "
        f"not installed, or have no display. {_INSTEAD}"
    )


def copy(text: str, tool: tuple[str, ...]) -> None:
    """Put a text on the clipboard.

    :raises Failure: The tool failed.
    """
    name = os.path.basename(tool[0])
    try:
        # xclip stays behind to serve the clipboard: a pipe from it has no end.
        done = subprocess.run(  # noqa: S603 - a fixed command
            tool,
            input=text.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Failure(f"{name} failed: {type(error).__name__}. {_INSTEAD}") from None
    if done.returncode:
        raise Failure(f"{name} failed with status {done.returncode}. {_INSTEAD}")
