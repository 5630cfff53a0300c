"""A person whom ``input()`` reaches, and no terminal does: in a notebook."""

from __future__ import annotations

import builtins
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


def notebook_is_here() -> bool:
    """Whether this is a kernel of Jupyter's, run by somebody who can answer.

    Standard input is nobody's there: the kernel carries ``input()`` to the
    notebook, unless the cells are run by a program (nbconvert, papermill).
    """
    # Not imported: where there is a kernel, IPython is there already.
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    kernel = getattr(get_ipython() if get_ipython else None, "kernel", None)
    return kernel is not None and bool(getattr(kernel, "_allow_stdin", True))


def prompt_is_here() -> bool:
    """Whether ``input()`` reaches somebody without a terminal.

    In a notebook; and in consoles such as IDLE's, whose standard input says
    that it is a terminal, and has no descriptor.
    """
    if notebook_is_here():
        return True
    stream: Any = sys.stdin
    try:
        claims = bool(stream.isatty())
    except (AttributeError, OSError, ValueError):
        return False  # None, or closed
    try:
        stream.fileno()
    except (AttributeError, OSError, ValueError):
        return claims
    return False


class PromptLines:
    """What a function like ``input`` returns.

    It is abandoned where the system has an alarm for the main thread.
    Elsewhere it ends with an answer, or by an interruption.

    :param ask: By default ``input``, as the notebook has replaced it.
    """

    typed = False

    def __init__(self, ask: Callable[[], str] | None = None) -> None:
        self._ask = ask if ask is not None else builtins.input

    def read(self, timeout: float) -> str | None:
        """Return a line, ``""`` at the end, ``None`` if there is none yet."""
        rang: list[int] = []
        try:
            with _alarm(timeout, rang):
                return f"{self._ask()}\n"
        except KeyboardInterrupt:
            if rang:
                return None
            raise
        except Exception:
            return ""  # whatever it says, nobody answers


@contextmanager
def _alarm(seconds: float, rang: list[int]) -> Iterator[None]:
    """Interrupt the main thread after some time.

    By a ``KeyboardInterrupt``: kernels take every other exception for a broken
    message, and go on waiting.
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
