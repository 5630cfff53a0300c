"""Signals that end a command as Ctrl-C does."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn


@contextlib.contextmanager
def ended_as_by_ctrl_c() -> Iterator[None]:
    """Let SIGTERM and a terminal that closes do what Ctrl-C does.

    What was opened is then closed. ``nohup`` has the terminal's end ignored.
    """

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        if number != signal.SIGTERM:
            # The shell and the system each tell of the terminal's end. The
            # second must not interrupt the clearing up after the first.
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    numbers = [signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)]
    before = {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
