"""The person's display: whether there is one, and the browser on it."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import sys

#: Browsers that ``webbrowser`` would start inside the terminal, over the text
#: shown there. The authorization page needs scripts, which they lack.
_TEXT_BROWSERS = frozenset(
    {"browsh", "cha", "edbrowse", "elinks", "links", "links2", "lynx", "netrik"}
    | {"w3m", "www-browser"}
)

#: Commands that people set BROWSER to so that no browser opens.
_NO_BROWSERS = frozenset({"cat", "echo", "false", "none", "printf", "true"})

#: Variables set by consoles that use pipes although a person sits at them:
#: PyCharm, MSYS2 and Git for Windows.
_PIPE_CONSOLE_VARIABLES = ("MSYSTEM", "PYCHARM_HOSTED")

#: Seconds to wait for a display on another machine.
_CONNECT_SECONDS = 2.0


def display_is_here() -> bool:
    """Whether a person would see a browser that is opened here."""
    named = [each for each in os.environ.get("BROWSER", "").split(os.pathsep) if each]
    if named:
        return not _opens_no_window(named[0])  # open_browser() sees if it exists
    if sys.platform in ("darwin", "win32"):
        # Over SSH, a window would open on another person's desk.
        return not os.environ.get("SSH_CONNECTION")
    return _wayland_answers(os.environ.get("WAYLAND_DISPLAY", "")) or _x_answers(
        os.environ.get("DISPLAY", "")
    )


def open_browser(url: str) -> bool:
    """Open a browser if a person would see it.

    :returns: Whether a browser was opened, as far as :mod:`webbrowser` knows.
    """
    if not display_is_here():
        return False
    import webbrowser

    # webbrowser.open() would also try the browsers inside the terminal.
    browser = webbrowser.get()
    name = getattr(browser, "name", "")
    return not _opens_no_window(name) and browser.open(url)


def is_driven() -> bool:
    """Whether another program drives this one, and no person sees its output.

    Then standard input is a pipe or a socket, and standard error is not a
    terminal. MCP clients, editors and other hosts start their servers so. A
    desktop starts programs without pipes.
    """
    if any(name in os.environ for name in _PIPE_CONSOLE_VARIABLES):
        return False
    try:
        # The descriptor is checked because a server may replace sys.stdin.
        mode = os.fstat(0).st_mode
        is_visible = os.isatty(2)
    except OSError:
        return False  # closed, as in a windowed program
    return not is_visible and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode))


def _opens_no_window(command: str) -> bool:
    """Whether a browser command opens no window."""
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
        path = f"/tmp/.X11-unix/X{number}"  # noqa: S108 - X's own path
        # Linux also has an abstract socket of this name.
        if _answers(f"\0{path}") or _answers(path):
            return True
        host = "127.0.0.1"
    return _answers((host.strip("[]"), 6000 + int(number)))


def _wayland_answers(display: str) -> bool:
    """Whether a compositor answers at a path or in the runtime folder."""
    if not display:
        return False
    return _answers(os.path.join(os.environ.get("XDG_RUNTIME_DIR", ""), display))


def _answers(address: str | tuple[str, int]) -> bool:
    try:
        if isinstance(address, tuple):
            socket.create_connection(address, _CONNECT_SECONDS).close()
            return True
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_CONNECT_SECONDS)
            connection.connect(address)
            return True
    except (OSError, OverflowError, ValueError):
        return False
