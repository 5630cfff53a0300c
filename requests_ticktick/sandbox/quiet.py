"""Keeping what oauthlib's server logs at DEBUG (codes, tokens) out of logs.

A test turns DEBUG on to see what its own client does. The client's records
of the same loggers are none of the sandbox's business and stay.
"""

from __future__ import annotations

import logging
import sys
import threading

_serving = threading.local()


class _NotWhileServing(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return not getattr(_serving, "here", False)


_FILTER = _NotWhileServing()


def serve_quietly() -> None:
    """Mark the calling thread as the sandbox's, for as long as it lives."""
    _serving.here = True


def quieten_oauthlib() -> None:
    """Put the filter on every logger that oauthlib's modules have.

    Loggers ask their own filters only, not those of their parents, hence one
    for each; adding it again does nothing.
    """
    for name in list(sys.modules):
        if name == "oauthlib" or name.startswith("oauthlib."):
            logging.getLogger(name).addFilter(_FILTER)
