"""What a program was told of its token, and what the log says."""

from __future__ import annotations

import logging


class Told(list):
    """A callback that keeps the events."""

    def __call__(self, event):
        self.append(event)

    @property
    def kinds(self):
        return [event.kind for event in self]


def lines_of(caplog, level=logging.INFO):
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "requests_ticktick" and record.levelno >= level
    ]
