"""A token in an environment variable."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from .._errors import TokenStoreError
from .._token import Token
from .._value import public
from . import _payload
from ._base import TokenStore

#: The variable that is read if a program names no store. Its token is used
#: only if it says whose it is, or the client is the default one.
DEFAULT_VARIABLE = "TICKTICK_TOKEN"


@public
class EnvStore(TokenStore):
    """Reads a token from an environment variable and never writes one.

    The variable holds JSON, a Python dict literal as ticktick-py wants it, or
    a bare token. Quotes around the value, line ends and a byte order mark are
    removed. ``null``, ``None``, ``${TICKTICK_TOKEN}``, ``changeme`` and paths
    of files are not tokens.

    :param name: The variable's name.
    """

    writable = False

    def __init__(self, name: str) -> None:
        self.name = name

    def load(self) -> Token | None:
        """Return the variable's token; ``None`` if it is unset or empty.

        :raises TokenStoreError: The variable holds something that is not a
            token. The error does not quote it.
        """
        value = os.environ.get(self.name, "").strip()
        if not value:
            return None
        found = _payload.parse(value)
        del value
        if found.token is None and not found.is_torn:
            return None  # quotes or a byte order mark, and nothing in them
        if found.token is None:
            raise TokenStoreError(
                f"The environment variable {self.name} holds no token: it holds "
                f"{found.what}. Set it to JSON or a dict literal with an "
                "'access_token', or to the bare token; or unset it.",
                location=self.name,
            )
        if self.name.upper() == DEFAULT_VARIABLE:
            return found.token.in_default_place(self.name)
        return found.token

    def save(self, token: Token) -> None:
        """Refuse: an environment variable is never written.

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
        """Hold no lock: nothing is written here."""
        yield

    def version(self) -> object:
        """Return a hash of the variable's value."""
        return hash(os.environ.get(self.name))

    def __repr__(self) -> str:
        return f"EnvStore({self.name!r})"
