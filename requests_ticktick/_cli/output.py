"""What a command prints: where it goes, in which colour, in which words."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

import click

from .._grant.error_text import clean
from .._token import Token

#: TickTick's 180 days are a second short of 180 days.
_ROUNDING_FACTOR = 1.0001

_SECONDS_PER_UNIT = {"days": 86_400, "hours": 3600, "minutes": 60}


class CommandError(click.ClickException):
    """Ends the command with one line, in red, and exit status 1."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line."""
        say(f"Error: {self.message}", fg="red")


# -- Standard error: for a person ---------------------------------------------


def say(text: str, **style: Any) -> None:
    """Tell a person something on standard error.

    If standard error is closed or full, the command goes on without it.
    """
    if sys.stderr is None:
        return
    try:
        # None: click asks the terminal.
        colour = False if os.environ.get("NO_COLOR") else None
        click.secho(text, err=True, color=colour, **style)
    except (OSError, ValueError):
        discard(sys.stderr)


def warn(text: str) -> None:
    """Warn a person on standard error."""
    say(f"Warning: {text}", fg="yellow")


class _LogPrinter(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            from .plain_words import in_plain_words

            warn(in_plain_words(record.getMessage()))
        else:
            say(record.getMessage())


@contextmanager
def log_shown(name: str, level: int) -> Iterator[None]:
    """Show on standard error what a logger says, within a ``with`` block."""
    logger, handler = logging.getLogger(name), _LogPrinter(level)
    level_before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(level_before)
        logger.removeHandler(handler)


@contextmanager
def log_hidden() -> Iterator[None]:
    """Show nothing of what the library warns of, within a ``with`` block."""
    logger = logging.getLogger("requests_ticktick")
    was_disabled, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = was_disabled


# -- Standard output: for a program -------------------------------------------


def answer(text: str) -> None:
    """Print what the command was asked for.

    :raises CommandError: Standard output is closed or full, or its reader has
        gone.
    """
    require_output()
    try:
        click.echo(_encodable(text))
    except (OSError, ValueError) as error:
        raise unwritable(error) from None


def require_output() -> None:
    """Make sure that there is a standard output.

    :raises CommandError: It is closed.
    """
    if sys.stdout is None:
        raise CommandError(
            "Standard output is closed. Run the command where it is open."
        )


def output_is_broken() -> bool:
    """Whether standard output refuses even an empty line."""
    try:
        print(flush=True)
    except (AttributeError, OSError, ValueError):
        return True
    return False


def unwritable(error: Exception) -> CommandError:
    """Return the error for an answer that standard output did not take."""
    discard(sys.stdout)
    reason = getattr(error, "strerror", None) or "it is closed"
    return CommandError(
        f"Standard output cannot be written: {reason}. Run the command again where "
        "it can."
    )


def _encodable(text: str) -> str:
    """Escape the characters that standard output cannot encode.

    A path may hold bytes that are not text, or letters that the encoding of a
    pipe on Windows lacks.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def discard(stream: Any) -> None:
    """Discard what a stream has buffered.

    Otherwise Python would write it once more at exit, and report the failure.
    """
    with suppress(AttributeError, OSError, ValueError):
        descriptor = stream.fileno()
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, descriptor)
        os.close(devnull)


# -- Words --------------------------------------------------------------------


def examples(*lines: str) -> str:
    """Return the end of a command's help. click does not rewrap its lines."""
    return "\n  ".join(["\b\nExamples:", *lines])


def date(epoch_seconds: float) -> str:
    """Return a date and a time of day in this machine's time zone."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(epoch_seconds))
    except (OverflowError, OSError, ValueError):
        return "a day that this machine's calendar does not have"


def left(seconds: float) -> str:
    """Return a length of time, rounded down, in a unit that it holds twice."""
    seconds *= _ROUNDING_FACTOR
    for unit, length in _SECONDS_PER_UNIT.items():
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} seconds"


def rows(token: Token, *, now: float) -> list[tuple[str, str]]:
    """Return what a person is told about a token, but never the token itself.

    :param now: Epoch seconds.
    """
    if token.expires_at is None:
        validity = "the API refuses it: no expiry is stated"
    else:
        validity = f"{date(token.expires_at)}, {left(token.expires_at - now)} left"
    return [
        ("Fingerprint", token.fingerprint),
        ("Scopes", clean(token.scope or "not stated")),
        ("Valid until", validity),
    ]


def lines(pairs: list[tuple[str, str]]) -> str:
    """Return names and values in two columns."""
    width = max(len(name) for name, _ in pairs)
    return "\n".join(f"  {name:{width}}  {value}" for name, value in pairs)


def as_json(token: Token) -> str:
    """Return a token as one line of JSON, which every store can read."""
    return json.dumps(token.to_dict())
