"""What a person sees while the command waits: for them, or for a process."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import threading
import time
from collections.abc import Iterator

#: Seconds after which a person may need a hint.
HINT_SECONDS = 20.0

#: Seconds between two looks at the clock.
TICK_SECONDS = 1.0

#: For a terminal that does not say how wide it is.
_USUAL_COLUMNS = 80


class Waiting:
    """Standard error with a countdown on its last line, and a hint in time.

    It is the ``output`` of a sign-on, which writes whole lines. The countdown
    is drawn at a terminal alone, and taken away before anything else is
    written. What a person types stays where it is.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._is_drawn = False

    # -- What a sign-on writes to --

    def write(self, text: str) -> int:
        """Write text, where the countdown was."""
        with self._lock:
            self._clear()
            self._put(text)
        return len(text)

    def flush(self) -> None:
        """Do nothing: each text is written at once."""

    def fileno(self) -> int:
        """Return standard error's descriptor."""
        return sys.stderr.fileno()

    # -- The waits --

    @contextlib.contextmanager
    def until(self, seconds: float, what: str, hint: str) -> Iterator[None]:
        """Count down within a ``with`` block.

        :param seconds: How long the wait lasts at most.
        :param what: Follows the time that is left, as in ``4:59 left, ...``.
        :param hint: What is said after a while, once.
        """
        ended = threading.Event()
        thread = threading.Thread(
            target=self._count, args=(ended, seconds, what, hint), daemon=True
        )
        # Where no thread can be started, nothing is shown.
        with contextlib.suppress(RuntimeError):
            thread.start()
        try:
            yield
        finally:
            ended.set()
            with contextlib.suppress(RuntimeError):
                thread.join()
            with self._lock:
                self._clear()

    def _count(
        self, ended: threading.Event, seconds: float, what: str, hint: str
    ) -> None:
        began, hinted = time.monotonic(), False
        while not ended.wait(TICK_SECONDS):
            waited = time.monotonic() - began
            if not hinted and waited >= HINT_SECONDS:
                hinted = True
                self.write(f"{_wrapped(hint)}\n")
            with self._lock:
                self._draw(f"{_clock(seconds - waited)} left{what}")

    def _draw(self, text: str) -> None:
        columns = _columns()
        if columns is None:
            return
        text = text[: columns - 1]
        if self._is_drawn:
            # The cursor goes back to what a person may have begun to type.
            self._put(f"\x1b7\r{text}\x1b8")
        else:
            self._put(f"\r{text}")
        self._is_drawn = True

    def _clear(self) -> None:
        if self._is_drawn:
            self._put("\r\x1b[K")
        self._is_drawn = False

    def _put(self, text: str) -> None:
        # Without standard error, the wait goes on.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            sys.stderr.write(text)
            sys.stderr.flush()


def _wrapped(text: str) -> str:
    """Return a text in lines that fit the terminal, if there is one."""
    columns = _columns()
    if columns is None:
        return text
    import textwrap

    return textwrap.fill(
        text, columns - 1, break_long_words=False, break_on_hyphens=False
    )


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(max(0, math.ceil(seconds)), 60)
    return f"{minutes:2}:{seconds:02}"


def _columns() -> int | None:
    """Return the terminal's width; ``None`` where no line can be redrawn."""
    if os.name != "posix" or os.environ.get("TERM", "") in ("", "dumb"):
        return None
    try:
        descriptor = sys.stderr.fileno()
        if not os.isatty(descriptor):
            return None
        return os.get_terminal_size(descriptor).columns or _USUAL_COLUMNS
    except (AttributeError, OSError, ValueError):
        return None
