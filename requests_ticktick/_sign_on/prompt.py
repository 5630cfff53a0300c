"""Notebooks and other consoles where only ``input()`` reaches a person."""

from __future__ import annotations

import builtins
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


def notebook_is_here() -> bool:
    """Whether this is a Jupyter kernel whose notebook can answer ``input()``.

    Standard input is not used there: the kernel passes ``input()`` to the
    notebook, unless a program such as nbconvert or papermill runs the cells.
    """
    # A kernel has imported IPython already.
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    kernel = getattr(get_ipython() if get_ipython else None, "kernel", None)
    return kernel is not None and bool(getattr(kernel, "_allow_stdin", True))


def prompt_is_here() -> bool:
    """Whether ``input()`` reaches a person without a terminal.

    That is so in a notebook, and in consoles such as IDLE's, whose standard
    input claims to be a terminal but has no descriptor.
    """
    if notebook_is_here():
        return True
    stream: Any = sys.stdin
    try:
        claims_terminal = bool(stream.isatty())
    except (AttributeError, OSError, ValueError):
        return False  # None, or closed
    try:
        stream.fileno()
    except (AttributeError, OSError, ValueError):
        return claims_terminal
    return False


class PromptLines:
    """Reads lines with a function like ``input``.

    On POSIX, an alarm interrupts the function in the main thread. Elsewhere
    the function ends with a line or with Ctrl-C.

    :param ask: Default: ``input``, which a notebook replaces.
    """

    typed = False

    def __init__(self, ask: Callable[[], str] | None = None) -> None:
        self._ask = ask if ask is not None else builtins.input

    def read(self, timeout: float) -> str | None:
        """Return a line, ``""`` at the end, ``None`` if none came in time."""
        rang: list[int] = []
        try:
            with _alarm(timeout, rang):
                return f"{self._ask()}\n"
        except KeyboardInterrupt:
            if rang:
                return None
            raise
        except Exception:
            return ""  # the function cannot ask anybody


@contextmanager
def _alarm(seconds: float, rang: list[int]) -> Iterator[None]:
    """Raise ``KeyboardInterrupt`` in the main thread after some seconds.

    Kernels treat any other exception as a broken message, and go on waiting.

    :param rang: Gets an item when the alarm rings.
    """
    import signal

    if not hasattr(signal, "setitimer") or (
        threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        rang.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, ring)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, before or signal.SIG_DFL)
