"""Warnings that nobody needs to read twice."""

from __future__ import annotations

import logging

logger = logging.getLogger("requests_ticktick")


class Once:
    """Logs each warning once."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def warn(self, message: str) -> None:
        """Log a warning, unless it was logged before."""
        if message not in self._said:
            self._said.add(message)
            logger.warning("%s", message)
