"""The person's terminal: whether there is one, and the lines typed there.

``input()`` is not used at a terminal, because it cannot be interrupted. A
thread that waits in it would take the next line that the person types for the
program.
"""

from __future__ import annotations

import importlib
import os
import select
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol, TextIO, TypeAlias

from . import prompt

#: Seconds between two checks of an event that cannot be waited for.
POLL_SECONDS = 0.05

#: Characters of a line. No redirect is longer, and a pipe may send no line
#: break.
_MAX_LINE_LENGTH = 65_536

WINDOWS = os.name == "nt"

#: A source of lines: a stream, or a function like ``input``.
Input: TypeAlias = "TextIO | Callable[[], str] | None"


class Lines(Protocol):
    """A source of lines.

    :ivar typed: Whether lines arrive at the speed of typing and pasting.
    """

    typed: bool

    def read(self, timeout: float) -> str | None:
        """Return a line, ``""`` at the end, ``None`` if none came in time."""


def terminal_is_here(input: TextIO | None = None, output: TextIO | None = None) -> bool:
    """Whether a person can read the output and type an answer.

    :param input: Default: standard input.
    :param output: Default: standard error.
    """
    return (
        _terminal(input if input is not None else sys.stdin) is not None
        and _terminal(output if output is not None else sys.stderr) is not None
    )


def lines_from(input: Input) -> Lines:
    """Return the reader for a stream or a function.

    :param input: Default: the notebook, if any, else standard input.
    """
    if callable(input):
        return prompt.PromptLines(input)
    if input is None and prompt.notebook_is_here():
        return prompt.PromptLines()
    stream = input if input is not None else sys.stdin
    terminal = _terminal(stream)
    if terminal is None:
        return StreamLines(stream)
    return _WindowsLines() if WINDOWS else _TerminalLines(terminal)


def say(text: str, output: TextIO | None = None) -> None:
    """Write a line. Standard output is not used: it belongs to the program.

    :param output: Default: standard error. If it is missing, closed or full,
        the sign-on goes on without it.
    """
    stream = output if output is not None else sys.stderr
    try:
        stream.write(text + "\n")
        stream.flush()
    except (AttributeError, OSError, ValueError):
        return


class StreamLines:
    """Reads a pipe, a file or a file-like object by its own ``readline``."""

    typed = False

    def __init__(self, stream: TextIO | None) -> None:
        self._stream: Any = stream

    def read(self, timeout: float) -> str | None:
        """Return a line, ``""`` at the end, ``None`` if none came in time."""
        try:
            if not self._is_ready(timeout):
                return None
            line: str = self._stream.readline(_MAX_LINE_LENGTH)
        except UnicodeDecodeError:
            return "\ufffd\n"
        except (AttributeError, OSError, ValueError):
            return ""  # None, closed, or hung up
        return line

    def _is_ready(self, timeout: float) -> bool:
        if WINDOWS:
            return True  # Windows cannot poll a pipe
        try:
            descriptor = self._stream.fileno()
        except OSError:
            return True  # no descriptor, as in a StringIO
        return _can_be_read(descriptor, timeout)


class _TerminalLines:
    """Reads a POSIX terminal by its descriptor, so that a wait can end."""

    typed = True

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._typed = b""

    def read(self, timeout: float) -> str | None:
        if b"\n" not in self._typed and not self._receive(timeout):
            return None
        line, newline, self._typed = self._typed.partition(b"\n")
        return (line + newline).decode("utf-8", "replace")

    def _receive(self, timeout: float) -> bool:
        """Whether a line is complete, or the input has ended."""
        if not _in_foreground(self._descriptor):
            # The system stops a process that reads from the background.
            time.sleep(min(timeout, POLL_SECONDS))
            return False
        try:
            if not _can_be_read(self._descriptor, timeout):
                return False
            typed = os.read(self._descriptor, _MAX_LINE_LENGTH)
        except OSError:
            typed = b""  # hung up
        self._typed += typed
        return not typed or b"\n" in typed or len(self._typed) >= _MAX_LINE_LENGTH


class _WindowsLines:
    """Reads a Windows console key by key, so that a wait can end."""

    typed = True

    def __init__(self) -> None:
        self._keys: Any = importlib.import_module("msvcrt")
        self._typed = ""

    def read(self, timeout: float) -> str | None:
        deadline = time.monotonic() + timeout
        while True:
            while self._keys.kbhit():
                line = self._press(self._keys.getwche())
                if line is not None:
                    return line
            if time.monotonic() >= deadline:
                return None
            time.sleep(POLL_SECONDS)

    def _press(self, key: str) -> str | None:
        if key == "\x03":
            raise KeyboardInterrupt
        if key == "\x1a":
            return ""
        if key in "\r\n":
            self._keys.putwch("\n")
            line, self._typed = self._typed + "\n", ""
            return line
        if key in "\x00\xe0":
            self._keys.getwch()  # the second half of an arrow or function key
        elif key == "\b":
            self._typed = self._typed[:-1]
        else:
            self._typed += key
        return None


def _terminal(stream: Any) -> int | None:
    try:
        descriptor: int = stream.fileno()
    except (AttributeError, OSError, ValueError):
        return None  # None, not a file, or closed
    return descriptor if os.isatty(descriptor) else None


def _can_be_read(descriptor: int, timeout: float) -> bool:
    """Wait until there is something to read. ``OSError`` if it is closed."""
    # eventlet removes poll(). Some versions of macOS report a terminal as an
    # invalid descriptor (POLLNVAL).
    poll = getattr(select, "poll", None)
    if poll is not None:
        waiting = poll()
        waiting.register(descriptor, select.POLLIN)
        ready = waiting.poll(timeout * 1000)
        if not any(event & select.POLLNVAL for _, event in ready):
            return bool(ready)
    try:
        return bool(select.select([descriptor], [], [], timeout)[0])
    except PermissionError:
        return True  # a file, which epoll refuses (eventlet uses epoll)
    except ValueError:
        # select() supports descriptors below 1024. Reading could block for
        # ever.
        time.sleep(min(timeout, POLL_SECONDS))
        return False


def _in_foreground(descriptor: int) -> bool:
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return True  # not this process's controlling terminal
