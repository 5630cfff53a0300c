"""A token that somebody put into the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import InvalidTokenError, TokenStoreError
from ..token import Token
from .base import TokenStore

#: Read where a program names no store: whose token it holds, it has to say.
DEFAULT_VARIABLE = "TICKTICK_TOKEN"

#: Far more than any token; Linux itself stops at 128 KiB a variable.
_MAX_CHARACTERS = 131_072


class EnvStore(TokenStore):
    """Reads a token from an environment variable, and never writes one.

    Accepted are a Python dict literal as ticktick-py wants it, with or without
    a pair of quotes around the whole; the same as JSON; and a bare token.

    :param name: The variable's name.
    """

    writable = False

    def __init__(self, name: str) -> None:
        self.name = name

    def load(self) -> Token | None:
        """Return the variable's token; ``None`` where it is unset or empty.

        :raises TokenStoreError: It holds something that is no token. The
            error names the variable and does not quote it.
        """
        value = os.environ.get(self.name, "").strip()
        if not value:
            return None
        token, problem = _parse(value)
        del value
        if token is None:
            raise TokenStoreError(
                f"The environment variable {self.name} holds no token: {problem} "
                "Expected a dict literal or JSON with an 'access_token', or the "
                "bare token.",
                location=self.name,
            )
        if self.name.upper() == DEFAULT_VARIABLE:
            return token.in_default_place(self.name)
        return token

    def save(self, token: Token) -> None:
        """Refuse: an environment variable is not written back.

        :raises TokenStoreError: Always.
        """
        raise TokenStoreError(
            f"The environment variable {self.name} is read-only. Put a store that "
            "can be written behind it: ChainStore([EnvStore(...), FileStore()]).",
            location=self.name,
        )

    def delete(self) -> None:
        """Refuse, as :meth:`save` does.

        :raises TokenStoreError: Always.
        """
        raise TokenStoreError(
            f"The environment variable {self.name} is read-only: unset it where "
            "it was set.",
            location=self.name,
        )

    @contextmanager
    def lock(self, timeout: float | None = None) -> Iterator[None]:
        """Hold nothing: nobody can write here."""
        yield

    def version(self) -> object:
        """Return the fingerprint of the variable's text."""
        return hash(os.environ.get(self.name))

    def __repr__(self) -> str:
        return f"EnvStore({self.name!r})"


def _parse(value: str) -> tuple[Token | None, str]:
    """Return the token, or ``None`` and what is wrong.

    Nothing is raised from here: a traceback would show the value.
    """
    if len(value) > _MAX_CHARACTERS:
        return None, "it is too long."
    if value[0] == value[-1] and value[0] in "'\"" and len(value) > 1:
        value = value[1:-1].strip()
    try:
        if value.startswith("{"):
            return Token.from_dict(_literal(value)), ""
        return Token(value), ""
    except InvalidTokenError as error:
        return None, str(error)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None, "it starts like a dict and does not read as one."


def _literal(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        from ast import literal_eval

        return literal_eval(value)
