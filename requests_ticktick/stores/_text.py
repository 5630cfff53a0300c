"""One token as one piece of text, wherever that is kept."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TypeVar

from .._errors import TickTickAuthError, TokenStoreError
from .._token import Token
from .._value import discreet
from ._base import TokenStore, check_stamp
from ._file_lock import FileLock
from ._payload import Content, dump, parse
from ._warn_once import Once

T = TypeVar("T")


class TextStore(TokenStore):
    """Keeps the token as one piece of text: a row, a key, a secret of a vault.

    A subclass defines :meth:`read`, :meth:`write` and
    :meth:`~TokenStore.lock`, and should set :attr:`location`.

    The text is JSON, and the keys in it that are not ours are kept. Another
    program's text, and another client's token, are refused and stay as they
    are. What a crash has left of a token gives way to the next one.

    Whatever :meth:`read` and :meth:`write` raise leaves the store as a
    :exc:`~requests_ticktick.TokenStoreError` that names the error's type and
    does not quote it: a database may repeat what it was given. To say more,
    raise a ``TokenStoreError`` there.
    """

    #: What errors call the place: a path, a table, a key. Nothing secret.
    location: str = ""

    #: What :meth:`~TokenStore.lock` takes, where it is a :class:`FileLock`.
    #: Those who wait for it then learn that a renewal has failed. A store for
    #: several machines overrides :meth:`failure` and :meth:`record_failure`.
    file_lock: FileLock | None = None

    @abstractmethod
    def read(self) -> str | None:
        """Return the text, or ``None`` where there is none.

        To return ``None`` while the place cannot be reached is wrong: a
        person would be asked to sign on again.
        """

    @abstractmethod
    def write(self, text: str | None) -> None:
        """Put a text in the place of the one before, wholly or not at all.

        :param text: ``None``: keep no text.
        """

    def set_aside(self, text: str) -> None:
        """Keep what a crash has left of a token, before another is written.

        Without an override it is lost: no token can be read from it.
        """
        del text  # optional: there is one place here

    @discreet
    def load(self) -> Token | None:
        """Return the token; ``None`` where there is none, or its remains.

        :raises TokenStoreError: The text cannot be read, or is another
            program's.
        """
        found = self._found()
        return None if found is None else self._token_of(found)

    @discreet
    def save(self, token: Token) -> None:
        """Write this token in place of the one before.

        :raises TokenStoreError: The text cannot be read or written; or what is
            there is another program's, or another client's token.
        """
        text = self._text()
        existing = self._replaced(token, None if text is None else parse(text))
        new = dump(token, existing, self._place)
        if text is not None and existing is None:
            self._try("write", partial(self.set_aside, text))
        self._try("write", partial(self.write, new))

    @discreet
    def delete(self) -> None:
        """Remove the text.

        :raises TokenStoreError: It cannot be removed, or is another program's.
        """
        found = self._found()
        if found is not None:
            found.replaced_at(self._place)
        self._try("delete", partial(self.write, None))

    @discreet
    def reserve(self, token: Token) -> AbstractContextManager[None]:
        """See that a token could be saved, as far as reading tells.

        :raises TokenStoreError: As :meth:`save` does.
        """
        self._replaced(token, self._found())
        return nullcontext()

    @discreet
    def version(self) -> object:
        """Return a hash of the text, and of the failure on record."""
        try:
            return hash((self._text(), self.failure()))
        except TokenStoreError:
            return None  # whoever loads will say so

    def failure(self) -> str | None:
        """Return the failure that the lock's last holder recorded."""
        return None if self.file_lock is None else self.file_lock.failure()

    def record_failure(self, failure: str | None) -> None:
        """Record a failure for those who wait for the lock."""
        if self.file_lock is not None:
            self.file_lock.record_failure(failure)

    def _found(self) -> Content | None:
        text = self._text()
        return None if text is None else parse(text)

    def _token_of(self, found: Content) -> Token | None:
        token = found.read_at(self._place)
        if token is None:
            self._once.warn(
                f"{self._place} holds {found.what} where a token should be. A sign-on "
                "will write it anew."
            )
            return None
        return self._as_found(token)

    def _as_found(self, token: Token) -> Token:
        """Say where a token was found, if no program has named that place."""
        return token

    def _replaced(self, token: Token, found: Content | None) -> Token | None:
        """Return whose place a token is to take."""
        existing = None if found is None else found.replaced_at(self._place)
        if existing is not None:
            check_stamp(self._as_found(existing), token, self._place)
        return existing

    def _text(self) -> str | None:
        text: object = self._try("read", self.read)
        if text is None or isinstance(text, str):
            return text
        raise TokenStoreError(
            f"{self._place} was read as {type(text).__name__}, which is no text: have "
            f"{type(self).__name__}.read return str or None.",
            location=self._place,
        )

    def _try(self, verb: str, act: Callable[[], T]) -> T:
        try:
            return act()
        except TickTickAuthError:
            raise
        except Exception as error:
            problem = getattr(error, "strerror", None) or type(error).__name__
        raise TokenStoreError(
            f"Cannot {verb} {self._place}: {problem}. See that it can be reached and "
            "written, or choose another place for the token.",
            location=self._place,
        )

    @property
    def _place(self) -> str:
        return self.location or repr(self)

    @property
    def _once(self) -> Once:
        # A subclass need not call a constructor, as TokenStore has none.
        once: Once = vars(self).setdefault("_said", Once())
        return once

    def __repr__(self) -> str:
        shown = repr(self.location) if self.location else ""
        return f"{type(self).__name__}({shown})"
