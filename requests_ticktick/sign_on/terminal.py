"""The person's terminal: whether there is one, and what is typed there.

``input()`` is not used where there is one. It cannot be abandoned: a thread
that waits in it would swallow what the person types into the program after the
sign-on.
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

#: Seconds between two looks at what cannot be waited for.
TICK = 0.05

#: Characters: no redirect is longer, and a pipe may never send a line break.
_LONGEST_LINE = 65_536

_WINDOWS = os.name == "nt"

#: What a person's lines are read from: a stream, or a function like ``input``.
Input: TypeAlias = "TextIO | Callable[[], str] | None"


class Lines(Protocol):
    """Where lines come from.

    :ivar typed: Whether they come as fast as a person types or pastes them.
    """

    typed: bool

    def read(self, timeout: float) -> str | None:
        """Return a line, ``""`` at the end, ``None`` if there is none yet."""


def terminal_is_here(input: TextIO | None = None, output: TextIO | None = None) -> bool:
    """Whether a person can read what is shown and answer it.

    :param input: By default standard input.
    :param output: By default standard error.
    """
    return (
        _terminal(input if input is not None else sys.stdin) is not None
        and _terminal(output if output is not None else sys.stderr) is not None
    )


def lines_from(input: Input) -> Lines:
    """Read the lines of a stream, whatever it is.

    :param input: By default the notebook, where there is one, else standard
        input, which may be missing or closed.
    """
    if callable(input):
        return prompt.PromptLines(input)
    if input is None and prompt.notebook_is_here():
        return prompt.PromptLines()
    stream = input if input is not None else sys.stdin
    terminal = _terminal(stream)
    if terminal is None:
        return StreamLines(stream)
    return _WindowsLines() if _WINDOWS else _TerminalLines(terminal)


def say(text: str, output: TextIO | None = None) -> None:
    """Show a line, never on standard output: that is the program's own.

    :param output: By default standard error. Where it is missing, closed or
        full, the sign-on goes on without it.
    """
    stream = output if output is not None else sys.stderr
    try:
        stream.write(text + "\n")
        stream.flush()
    except (AttributeError, OSError, ValueError):
        return


class StreamLines:
    """A pipe, a file, an object: read as the stream reads itself."""

    typed = False

    def __init__(self, stream: TextIO | None) -> None:
        self._stream: Any = stream

    def read(self, timeout: float) -> str | None:
        """Return a line, ``""`` at the end, ``None`` if there is none yet."""
        try:
            if not self._is_ready(timeout):
                return None
            line: str = self._stream.readline(_LONGEST_LINE)
        except UnicodeDecodeError:
            return "\ufffd\n"
        except (AttributeError, OSError, ValueError):
            return ""  # None, closed, or hung up
        return line

    def _is_ready(self, timeout: float) -> bool:
        if _WINDOWS:
            return True  # there a pipe can only be asked by reading it
        try:
            descriptor = self._stream.fileno()
        except OSError:
            return True  # not a file: it has no one to wait for
        return _can_be_read(descriptor, timeout)


class _TerminalLines:
    """A POSIX terminal, read past its stream, so that a wait can end."""

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
        """Whether there is a whole line now, or the end of all lines."""
        if not _in_foreground(self._descriptor):
            # To read a terminal from the background stops the whole process.
            time.sleep(min(timeout, TICK))
            return False
        try:
            if not _can_be_read(self._descriptor, timeout):
                return False
            typed = os.read(self._descriptor, _LONGEST_LINE)
        except OSError:
            typed = b""  # hung up
        self._typed += typed
        return not typed or b"\n" in typed or len(self._typed) >= _LONGEST_LINE


class _WindowsLines:
    """A Windows console, key by key: nothing else there can be waited for."""

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
            time.sleep(TICK)

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
    """Wait for something to read; an ``OSError`` says that it is closed."""
    # eventlet takes poll away. macOS has had terminals that it does not know,
    # of which it says at once that they are no descriptors.
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
        return True  # a file, which never waits; eventlet asks epoll
    except ValueError:
        # Beyond the 1024 that select knows: to read it could take for ever.
        time.sleep(min(timeout, TICK))
        return False


def _in_foreground(descriptor: int) -> bool:
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return True  # not the terminal that controls this process
