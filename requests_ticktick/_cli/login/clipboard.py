"""Putting a token on the clipboard."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable

from ..output import CommandError

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

_NEXT_STEP = "Use --print, or --format env, and copy it by hand."

#: Takes a text, puts it on the clipboard, and returns what a person is told.
Clipboard = Callable[[str], str]


def find_clipboard() -> Clipboard:
    """Return what writes the clipboard of the person at this terminal.

    :raises CommandError: No tool is installed and has its display, and there
        is no terminal that could do it.
    """
    tool = _find_tool()
    if tool is not None:
        return functools.partial(_copy_by_tool, tool)
    if _terminal_may_copy():
        return _copy_by_terminal
    raise CommandError(
        f"No clipboard can be reached: {', '.join(tool[0] for tool in _TOOLS)} are "
        f"not installed, or have no display. {_NEXT_STEP}"
    )


def _find_tool() -> tuple[str, ...] | None:
    is_remote = bool(os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"))
    for tool in _TOOLS:
        variable = _DISPLAY_VARIABLES.get(tool[0])
        if not os.environ.get(variable) if variable is not None else is_remote:
            continue  # over SSH, it would write the clipboard of that machine
        path = shutil.which(tool[0])
        if path is not None:
            return (path, *tool[1:])
    return None


def _terminal_may_copy() -> bool:
    known = os.environ.get("TERM", "") not in ("", "dumb", "linux")
    return known and sys.stderr is not None and sys.stderr.isatty()


def _copy_by_terminal(text: str) -> str:
    """Have the terminal do it (OSC 52), on whichever machine it is."""
    import base64

    encoded = base64.b64encode(text.encode()).decode()
    try:
        sys.stderr.write(f"\x1b]52;c;{encoded}\x07")
        sys.stderr.flush()
    except (OSError, ValueError):
        raise CommandError(f"The terminal cannot be written. {_NEXT_STEP}") from None
    return (
        "Copied, if your terminal lets programs copy (OSC 52). If pasting brings "
        f"something else: {_NEXT_STEP[0].lower()}{_NEXT_STEP[1:]}"
    )


def _copy_by_tool(tool: tuple[str, ...], text: str) -> str:
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
    return f"Copied to the clipboard, by {name}."
