"""Where ``import`` looks for the tokens of other clients."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from ..._sign_on.terminal import terminal_is_here
from ..output import CommandError, say
from . import foreign_tokens as foreign
from .foreign_tokens import Offer

SOURCES = ("ticktick-py", "pyticktick", "ticktick-cli", "env", "dotenv", "mcp", "-")

_ALL_VARIABLES = (*foreign.VARIABLES, foreign.PYTICKTICK)


def offers_of(
    source: str, path: str | None, variable: str | None, *, must_be: bool = True
) -> Iterator[Offer]:
    """Yield the tokens that a source has.

    :param must_be: Whether a file that cannot be read is an error.
    :raises CommandError: It cannot be read.
    """
    if source == "-":
        token = foreign.token_in(_standard_input())
        if token is not None:
            yield Offer(source, "standard input", token)
        return
    names = _names(source, variable)
    if source in ("env", "pyticktick") and path is None:
        yield from foreign.of_environment(os.environ, names, source)
    if source == "env":
        return
    given = None if path is None else os.path.abspath(os.path.expanduser(path))
    is_dotenv = source in ("dotenv", "pyticktick")
    usual = [os.path.abspath(".env")] if is_dotenv else foreign.config_files()[source]
    for place in usual if given is None else [given]:
        try:
            if is_dotenv:
                yield from foreign.of_dotenv(place, names, source)
            if not is_dotenv or (source == "pyticktick" and given is not None):
                yield from foreign.of_file(place, source)
        except OSError as error:
            if must_be and (
                given is not None or not isinstance(error, FileNotFoundError)
            ):
                raise CommandError(
                    f"{place} cannot be read: {error.strerror}. Correct --path."
                ) from None


def _names(source: str, variable: str | None) -> tuple[str, ...]:
    """Return the variables that a source is looked for in."""
    if variable is not None:
        return (variable,)
    if source == "pyticktick":
        return (foreign.PYTICKTICK,)
    return _ALL_VARIABLES if source == "dotenv" else foreign.VARIABLES


def _standard_input() -> bytes:
    """Read a token that is piped in.

    :raises CommandError: Nobody pipes anything in.
    """
    if terminal_is_here():
        say("Paste the token, press Enter, then Ctrl-D:")
    try:
        return sys.stdin.buffer.read(foreign.MAX_BYTES)
    except (OSError, ValueError, AttributeError):
        raise CommandError(
            "Standard input cannot be read. Pipe the token in."
        ) from None
