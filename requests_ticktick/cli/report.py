"""What a token is called, and until when it is good."""

from __future__ import annotations

import json
import shlex
import time

from ..grant.words import clean
from ..token import Token


def date(epoch_seconds: float) -> str:
    """Return a date and a time of day, where this machine is."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(epoch_seconds))
    except (OverflowError, OSError, ValueError):
        return "a day that this machine's calendar does not have"


def left(seconds: float) -> str:
    """Return a length of time, rounded down: two of a unit at least."""
    seconds *= 1.0001  # TickTick's 180 days are a second short of them
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} seconds"


def validity(token: Token, *, now: float) -> str:
    """Return until when a token is valid.

    :param now: Epoch seconds.
    """
    if token.expires_at is None:
        return "the API refuses it: no expiry is stated"
    return f"{date(token.expires_at)}, {left(token.expires_at - now)} left"


def rows(token: Token, *, now: float) -> list[tuple[str, str]]:
    """Return what a person is told of a token. It is not shown itself."""
    return [
        ("Fingerprint", token.fingerprint),
        ("Scopes", clean(token.scope or "not stated")),
        ("Valid until", validity(token, now=now)),
    ]


def lines(pairs: list[tuple[str, str]]) -> str:
    """Align names and values."""
    width = max(len(name) for name, _ in pairs)
    return "\n".join(f"  {name:{width}}  {value}" for name, value in pairs)


def as_json(token: Token) -> str:
    """Return a token, on one line, as every store reads it."""
    return json.dumps(token.to_dict())


def as_shell_line(token: Token) -> str:
    """Return a token as a line for a POSIX shell."""
    return f"export TICKTICK_TOKEN={shlex.quote(as_json(token))}"
