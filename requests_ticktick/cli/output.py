"""What is answered, what is told beside it, and in which colour."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

import click


def colour() -> bool | None:
    """Return ``False`` where none is wanted, else leave it to the terminal."""
    return False if os.environ.get("NO_COLOR") else None


def say(text: str, **style: Any) -> None:
    """Tell a person, beside what the command answers on standard output.

    Where standard error is closed or full, the command goes on without it.
    """
    if sys.stderr is None:
        return
    try:
        click.secho(text, err=True, color=colour(), **style)
    except (OSError, ValueError):
        _give_up(sys.stderr)


def answer(text: str) -> None:
    """Print what the command was asked for.

    :raises Failure: Standard output is closed or full, or nobody reads it.
    """
    require_output()
    try:
        click.echo(_printable(text))
    except (OSError, ValueError) as error:
        raise unwritable(error) from None


def _printable(text: str) -> str:
    """Return text that standard output has the letters for.

    A path may hold bytes that are no text, or letters that a pipe's encoding
    on Windows lacks.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def require_output() -> None:
    """Make sure that there is a standard output.

    :raises Failure: It is closed.
    """
    if sys.stdout is None:
        raise Failure("Standard output is closed. Run the command where it is open.")


def output_is_broken() -> bool:
    """Whether standard output takes no more, not even an empty line."""
    try:
        print(flush=True)
    except (AttributeError, OSError, ValueError):
        return True
    return False


def unwritable(error: Exception) -> Failure:
    """Return what the command ends with where its answer cannot be written."""
    _give_up(sys.stdout)
    reason = getattr(error, "strerror", None) or "it is closed"
    return Failure(
        f"Standard output cannot be written: {reason}. Run the command again where "
        "it can."
    )


def _give_up(stream: Any) -> None:
    """Let what a stream still holds go nowhere.

    Python would try to write it once more at the end, and say that it failed.
    """
    with suppress(AttributeError, OSError, ValueError):
        descriptor = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


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
