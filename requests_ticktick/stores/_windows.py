"""Repeats what Windows denies while another program has a file open.

On Windows, a file that a reader, a virus scanner or a backup has open cannot
be replaced, renamed or removed. A file that is being replaced cannot be
opened. Either is over in a moment.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

#: How long a denied operation is repeated, and the pause in between.
_RETRY_SECONDS, _PAUSE_SECONDS = 1.0, 0.01


def persist(act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call ``act``, again and again while Windows denies it, for a second.

    On other systems, a denied operation lacks permissions, which no retry
    changes.

    :returns: The return value of ``act``.
    :raises OSError: ``act`` failed for another reason, or was denied too long.
    """
    if os.name != "nt":
        return act(*args, **kwargs)
    deadline = time.monotonic() + _RETRY_SECONDS
    while True:
        try:
            return act(*args, **kwargs)
        except PermissionError:
            # os.open() does not tell a sharing violation from missing rights.
            if time.monotonic() >= deadline:
                raise
        time.sleep(_PAUSE_SECONDS)
