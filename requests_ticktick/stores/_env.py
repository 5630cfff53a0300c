"""A token that somebody put into the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from .._errors import TokenStoreError
from .._token import Token
from . import _payload
from ._base import TokenStore

#: Read where a program names no store: whose token it holds, it has to say.
DEFAULT_VARIABLE = "TICKTICK_TOKEN"


class EnvStore(TokenStore):
    """Reads a token from an environment variable, and never writes one.

    Accepted are a Python dict literal as ticktick-py wants it, the same as
    JSON, and a bare token. Quotes around the whole, line ends and a byte order
    mark are taken off. ``null``, ``None`` and ``${TICKTICK_TOKEN}`` are no
    tokens.

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
        found = _payload.parse(value)
        del value
        if found.token is None:
            raise TokenStoreError(
                f"The environment variable {self.name} holds no token: it holds "
                f"{found.what}. Set it to JSON or a dict literal with an "
                "'access_token', or to the bare token.",
                location=self.name,
            )
        if self.name.upper() == DEFAULT_VARIABLE:
            return found.token.in_default_place(self.name)
        return found.token

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
