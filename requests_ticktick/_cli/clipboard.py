"""Putting a token on the clipboard."""

from __future__ import annotations

import os
import shutil
import subprocess

from .output import CommandError

_TOOLS = (
    ("pbcopy",),
    ("wl-copy",),
    ("xclip", "-selection", "clipboard"),
    ("xsel", "--clipboard", "--input"),
    ("clip.exe",),
)

#: The variable that names the display without which a tool fails.
_DISPLAY_VARIABLES = {
    "wl-copy": "WAYLAND_DISPLAY",
    "xclip": "DISPLAY",
    "xsel": "DISPLAY",
}

#: No tool takes nearly as long to read a token.
_TIMEOUT_SECONDS = 10

_NEXT_STEP = "Use --print, or --env, and copy it by hand."


def find_tool() -> tuple[str, ...]:
    """Return the command that writes this machine's clipboard.

    :raises CommandError: No such tool is installed and has its display.
    """
    for tool in _TOOLS:
        variable = _DISPLAY_VARIABLES.get(tool[0])
        if variable is not None and not os.environ.get(variable):
            continue
        path = shutil.which(tool[0])
        if path is not None:
            return (path, *tool[1:])
    raise CommandError(
        f"No clipboard can be reached: {', '.join(tool[0] for tool in _TOOLS)} are "
        f"not installed, or have no display. {_NEXT_STEP}"
    )


def copy(text: str, tool: tuple[str, ...]) -> None:
    """Put text on the clipboard.

    :raises CommandError: The tool failed.
    """
    name = os.path.basename(tool[0])
    try:
        # xclip stays behind to serve the clipboard: a pipe from it would never
        # end.
        done = subprocess.run(  # noqa: S603 - a fixed command
            tool,
            input=text.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise CommandError(
            f"{name} failed: {type(error).__name__}. {_NEXT_STEP}"
        ) from None
    if done.returncode:
        raise CommandError(f"{name} failed with status {done.returncode}. {_NEXT_STEP}")
