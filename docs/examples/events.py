"""Counts what becomes of the token, and warns before a person is needed."""

from __future__ import annotations

import logging
from collections import Counter

from requests_ticktick import Event, TickTickAuth

#: What happened how often: the labels of a prometheus_client.Counter would do.
counted: Counter[str] = Counter()


def on_event(event: Event) -> None:
    """Count each event; have somebody read of the end."""
    counted[event.kind] += 1
    if event.kind == "expiring":
        days = (event.seconds or 0.0) / 86_400
        warn(f"The token in {event.place} expires in {days:.0f} days: sign on again.")


def warn(text: str) -> None:
    """Send a mail, or what your people read."""
    logging.getLogger("my_app").error(text)


auth = TickTickAuth(on_event=on_event)
