"""What goes to standard error, and in which colour."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click


def colour() -> bool | None:
    """Return ``False`` where none is wanted, else leave it to the terminal."""
    return False if os.environ.get("NO_COLOR") else None


def say(text: str, **style: Any) -> None:
    """Tell a person, beside what the command answers on standard output."""
    click.secho(text, err=True, color=colour(), **style)


def warn(text: str) -> None:
    """Tell a person that something is not as it should be."""
    say(f"Warning: {text}", fg="yellow")


def examples(*lines: str) -> str:
    """Return the end of a command's help, whose lines stay as they are."""
    return "\n  ".join(["\b\nExamples:", *lines])


class Failure(click.ClickException):
    """The command ends with one line, in red, and exit status 1."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line."""
        say(f"Error: {self.message}", fg="red")


class _Shown(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            warn(record.getMessage())
        else:
            say(record.getMessage())


@contextmanager
def log_shown(name: str, level: int) -> Iterator[None]:
    """Show what a logger has to say, while this lasts."""
    logger, handler = logging.getLogger(name), _Shown(level)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)
