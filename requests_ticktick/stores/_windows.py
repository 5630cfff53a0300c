"""What Windows denies while somebody else has a file open.

There a file that is open, as by a reader, a virus scanner or a backup, cannot
be replaced, renamed or removed; one that is being replaced cannot be opened.
Both are over in a moment.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

#: Seconds until a refusal is taken for one that lasts, and between two tries.
_PATIENCE, _PAUSE = 1.0, 0.01


def persist(act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what ``act`` returns, tried again while Windows denies it.

    Elsewhere a refusal is about rights, and is final.

    :raises OSError: It failed otherwise, or was denied for a second.
    """
    if os.name != "nt":
        return act(*args, **kwargs)
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return act(*args, **kwargs)
        except PermissionError:
            # Which of Windows' refusals it was, os.open() does not say.
            if time.monotonic() >= deadline:
                raise
        time.sleep(_PAUSE)
