"""The person's screen: whether there is one, and the browser on it."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import sys

#: Browsers that ``webbrowser`` would start inside the terminal, over what is
#: shown there; and the authorization page needs scripts.
_TEXT_BROWSERS = frozenset(
    {"browsh", "cha", "edbrowse", "elinks", "links", "links2", "lynx", "netrik"}
    | {"w3m", "www-browser"}
)

#: What people set BROWSER to so that none is opened.
_NO_BROWSERS = frozenset({"cat", "echo", "false", "none", "printf", "true"})

#: Consoles that a person sits at, though they are made of pipes: those of
#: PyCharm, and the shells of MSYS2 and Git for Windows.
_CONSOLES_OF_PIPES = ("MSYSTEM", "PYCHARM_HOSTED")

#: Seconds for a display on another machine.
_PATIENCE = 2.0


def display_is_here() -> bool:
    """Whether a browser that is opened here would be seen by somebody."""
    named = [each for each in os.environ.get("BROWSER", "").split(os.pathsep) if each]
    if named:
        return not _shows_nothing(named[0])  # whether it is there, opening it tells
    if sys.platform in ("darwin", "win32"):
        # Over SSH the windows would open on somebody else's desk.
        return not os.environ.get("SSH_CONNECTION")
    return _wayland_answers(os.environ.get("WAYLAND_DISPLAY", "")) or _x_answers(
        os.environ.get("DISPLAY", "")
    )


def open_browser(url: str) -> bool:
    """Open a browser, where somebody would see it.

    :returns: Whether that was done, as far as :mod:`webbrowser` knows.
    """
    if not display_is_here():
        return False
    import webbrowser

    # Not webbrowser.open(): it tries all there are, the terminal's in the end.
    browser = webbrowser.get()
    name = getattr(browser, "name", "")
    return not _shows_nothing(name) and browser.open(url)


def is_driven() -> bool:
    """Whether another program talks to this one, and nobody looks at it.

    Standard input is a pipe or a socket, and standard error no terminal: that
    is how MCP clients, editors and other hosts start their servers. A program
    that a desktop starts has neither.
    """
    if any(name in os.environ for name in _CONSOLES_OF_PIPES):
        return False
    try:
        # The descriptor's: a server may have put something else in sys.stdin.
        mode = os.fstat(0).st_mode
        seen = os.isatty(2)
    except OSError:
        return False  # closed, as that of a windowed program
    return not seen and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode))


def _shows_nothing(command: str) -> bool:
    """Whether a browser opens no window."""
    import shlex

    try:
        program = shlex.split(command)[0]
    except (IndexError, ValueError):
        program = command
    found = shutil.which(program) or program
    names = {os.path.basename(path) for path in (program, os.path.realpath(found))}
    return not names.isdisjoint(_TEXT_BROWSERS | _NO_BROWSERS)


def _x_answers(display: str) -> bool:
    """Whether an X server answers at ``[host]:number[.screen]`` (X(7))."""
    host, _, number = display.rpartition(":")
    number = number.partition(".")[0]
    if not number.isdecimal():
        return False
    if host in ("", "unix") or host.endswith("/unix"):
        path = f"/tmp/.X11-unix/X{number}"  # noqa: S108 - X's own place
        # Linux has it twice, under a name without a file as well.
        if _answers(f"\0{path}") or _answers(path):
            return True
        host = "127.0.0.1"
    return _answers((host.strip("[]"), 6000 + int(number)))


def _wayland_answers(display: str) -> bool:
    """Whether a compositor answers, at a path or in the runtime folder."""
    if not display:
        return False
    return _answers(os.path.join(os.environ.get("XDG_RUNTIME_DIR", ""), display))


def _answers(address: str | tuple[str, int]) -> bool:
    try:
        if isinstance(address, tuple):
            socket.create_connection(address, _PATIENCE).close()
            return True
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_PATIENCE)
            connection.connect(address)
            return True
    except (OSError, OverflowError, ValueError):
        return False
