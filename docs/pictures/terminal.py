"""A shell in a real terminal, and pictures of it."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import pty
import re
import select
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyte
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROWS = 60
SECONDS = 60.0

#: Where a person's files are in the pictures.
HOME = "/home/you"

#: The title that the shell gives to its window whenever it is ready.
READY = "\x1b]0;ready\x07"
SETTINGS = rf"""
PS1='\[\e]0;ready\a\]\[\e[1;32m\]$\[\e[0m\] '
stty cols $PICTURE_COLUMNS rows {ROWS}
bind 'set enable-bracketed-paste off'
requests-ticktick() {{ python -m requests_ticktick "$@"; }}
"""

THEME = TerminalTheme(
    (22, 27, 34),
    (230, 237, 243),
    [
        *((22, 27, 34), (255, 123, 114), (86, 211, 100), (227, 179, 65)),
        *((121, 192, 255), (210, 168, 255), (86, 212, 221), (230, 237, 243)),
    ],
)

#: rich's own frame, less its font, which is on another machine.
FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">
<style>
.t {{ font: {char_height}px/{line_height}px ui-monospace, SFMono-Regular, Menlo, \
Consolas, "DejaVu Sans Mono", monospace; }}
{styles}
</style>
<defs>{lines}</defs>
<rect width="{width}" height="{height}" rx="8" fill="#161b22"/>
<g fill="#484f58"><circle cx="22" cy="20" r="6"/><circle cx="42" cy="20" r="6"/>\
<circle cx="62" cy="20" r="6"/></g>
<g transform="translate({terminal_x}, {terminal_y})">{backgrounds}\
<g class="t">{matrix}</g></g>
</svg>
"""


def steady(text: str, home: Path) -> str:
    """Replace what differs from one run to the next, at the same width."""
    seen: dict[str, str] = {}

    def another(found: re.Match[str]) -> str:
        name = hashlib.sha256(b"%d" % len(seen)).hexdigest()[:8]
        return seen.setdefault(found[0], name)

    text = text.replace(str(home), HOME)
    for name in ("state", "code_challenge"):
        value = base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest())
        text = re.sub(rf"\b{name}=[\w-]{{43}}", f"{name}={value.decode()[:43]}", text)
    text = re.sub(r"127\.0\.0\.1:\d{5}", "127.0.0.1:8766", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "2027-05-26 09:30", text)
    text = re.sub(r"waiting \d\.\d s", "waiting 3.0 s", text)
    text = re.sub(r"4:5\d left", "4:59 left", text)
    return re.sub(r"\b[0-9a-f]{8}\b", another, text)


class Terminal:
    """A bash at a terminal of its own.

    :param home: Its home and working directory.
    :param columns: Its width. A telephone shows few columns best.
    :param variables: Added to its environment.
    """

    def __init__(self, home: Path, columns: int, variables: dict[str, str]) -> None:
        self._home, self._columns = home, columns
        self._shown, self._began = "", 0
        settings = home / ".settings"
        settings.write_text(SETTINGS, encoding="utf-8")
        # It does nothing: the pictures' own browser opens the address.
        browser = home / ".browser"
        browser.write_text("#!/bin/sh\n", encoding="utf-8")
        browser.chmod(0o700)
        env = {
            "HOME": str(home),
            "PATH": os.pathsep.join([os.path.dirname(sys.executable), "/usr/bin:/bin"]),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "BROWSER": f"{browser} %s",
            "PICTURE_COLUMNS": str(columns),
            **variables,
        }
        self._pid, self._descriptor = pty.fork()
        if self._pid == 0:
            os.chdir(home)
            os.execvpe("bash", ["bash", "--rcfile", str(settings), "-i"], env)

    def __enter__(self) -> Terminal:
        self.ends()
        return self

    def __exit__(self, *exc_info: object) -> None:
        os.close(self._descriptor)
        os.waitpid(self._pid, 0)

    def runs(self, command: str) -> None:
        """Type a command, and wait until it has ended."""
        self.types(command)
        self.ends()

    def types(self, command: str) -> None:
        """Type a command."""
        self._began = len(self._shown)
        os.write(self._descriptor, f"{command}\n".encode())

    def ends(self) -> None:
        """Wait until the shell is ready for the next command."""
        self._reads_until(lambda: READY in self._shown[self._began :])

    def sees(self, pattern: str) -> re.Match[str]:
        """Wait until the last command shows text that matches."""
        self._reads_until(lambda: re.search(pattern, self._shown[self._began :]))
        found = re.search(pattern, self._shown[self._began :])
        assert found
        return found

    def saves(self, path: Path, since: str = "", until: str = "") -> None:
        """Save a picture.

        :param since: The picture begins at the line of the first such text.
        :param until: The last text that is to be seen.
        """
        shown = self._shown
        if until:
            found = re.search(until, shown)
            assert found
            shown = shown[: found.end()]
        else:
            shown = shown[: shown.rindex(READY)]
        if since:
            found = re.search(since, shown)
            assert found
            shown = shown[shown.rindex("\n", 0, found.start()) + 1 :]
        svg = _svg(steady(shown, self._home), self._columns)
        path.write_text(svg, encoding="utf-8")

    def _reads_until(self, is_there: Callable[[], object]) -> None:
        deadline = time.monotonic() + SECONDS
        while not is_there():
            left = deadline - time.monotonic()
            assert left > 0, self._shown
            if select.select([self._descriptor], [], [], left)[0]:
                self._shown += os.read(self._descriptor, 65536).decode()


def _svg(shown: str, columns: int) -> str:
    screen = pyte.Screen(columns, ROWS)
    pyte.Stream(screen).feed(shown)
    lines = [_line(screen.buffer[row], columns) for row in range(ROWS)]
    while not lines[-1].plain.strip():
        lines.pop()
    console = Console(record=True, width=columns, file=io.StringIO())
    for line in lines:
        console.print(line, overflow="crop", no_wrap=True)
    svg = console.export_svg(theme=THEME, code_format=FRAME, unique_id="t")
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def _line(characters: dict[int, pyte.screens.Char], columns: int) -> Text:
    line = Text()
    for column in range(columns):
        one = characters[column]
        colour = None if one.fg == "default" else one.fg
        line.append(one.data, Style(color=colour, bold=one.bold or None))
    line.rstrip()
    return line
