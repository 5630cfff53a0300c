"""Warnings that are logged once."""

from __future__ import annotations

import logging

logger = logging.getLogger("requests_ticktick")


class Once:
    """Logs each warning once."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def warn(self, message: str, *, about: str | None = None) -> None:
        """Log a warning, unless it was logged before.

        :param about: Identifies the warning if its wording may vary.
        """
        if (about or message) not in self._said:
            self._said.add(about or message)
            logger.warning("%s", message)
