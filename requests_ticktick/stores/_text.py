"""A base class for stores that keep one piece of text."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TypeVar

from .._errors import TickTickAuthError, TokenStoreError
from .._token import Token
from .._value import Once, discreet, public
from ._base import TokenStore, check_stamp
from ._file_lock import FileLock
from ._payload import Content, dump, parse

T = TypeVar("T")


@public
class TextStore(TokenStore):
    """Keeps the token as one piece of text, such as a database row or a key.

    A subclass defines :meth:`read`, :meth:`write` and
    :meth:`~TokenStore.lock`, and should set :attr:`location`.

    The text is JSON. Keys that this package does not know are preserved.
    Another program's text and another client's token are never overwritten. A
    torn token, which a crash left behind, is replaced by the next one.

    Any exception of :meth:`read` or :meth:`write` leaves the store as a
    :exc:`~requests_ticktick.TokenStoreError` that names the exception's type
    without its text: a database's message may contain the token. To say more,
    raise a ``TokenStoreError`` yourself.
    """

    #: The place as error messages name it: a path, table or key. Not secret.
    location: str = ""

    #: The lock that :meth:`~TokenStore.lock` acquires, if it is a
    #: :class:`FileLock`: failures are then recorded beside it. A store for
    #: several machines overrides :meth:`failure` and :meth:`record_failure`.
    file_lock: FileLock | None = None

    @abstractmethod
    def read(self) -> str | None:
        """Return the text, or ``None`` if there is none.

        Raise an exception if the place cannot be reached. If this returned
        ``None``, a person would be asked to sign on again.
        """

    @abstractmethod
    def write(self, text: str | None) -> None:
        """Replace the text, atomically.

        :param text: The new text; ``None`` deletes it.
        """

    def set_aside(self, text: str) -> None:
        """Preserve a torn token before the next one overwrites it.

        By default it is lost: no token can be read from it.
        """
        del text  # overriding this method is optional

    @discreet
    def load(self) -> Token | None:
        """Return the token; ``None`` if there is none, or a torn one.

        :raises TokenStoreError: The text cannot be read, or belongs to another
            program.
        """
        found = self._found()
        return None if found is None else self._token_of(found)

    @discreet
    def save(self, token: Token) -> None:
        """Replace the stored token.

        :raises TokenStoreError: The text cannot be read or written, or it
            belongs to another program or client.
        """
        text = self._text()
        existing = self._replaced(token, None if text is None else parse(text))
        new = dump(token, existing, self._place)
        if text is not None and existing is None:
            self._try("write", partial(self.set_aside, text))
        self._try("write", partial(self.write, new))

    @discreet
    def delete(self) -> None:
        """Delete the text.

        :raises TokenStoreError: The text cannot be deleted, or belongs to
            another program.
        """
        found = self._found()
        if found is not None:
            found.replaced_at(self._place)
        self._try("delete", partial(self.write, None))

    @discreet
    def reserve(self, token: Token) -> AbstractContextManager[None]:
        """Check that the present text may be overwritten.

        :raises TokenStoreError: It may not, or it cannot be read.
        """
        self._replaced(token, self._found())
        return nullcontext()

    @discreet
    def version(self) -> object:
        """Return a hash of the text and of the recorded failure."""
        try:
            return hash((self._text(), self.failure()))
        except TokenStoreError:
            return None  # load() will raise it

    def failure(self) -> str | None:
        """Return the failure that the lock's last holder recorded."""
        return None if self.file_lock is None else self.file_lock.failure()

    def record_failure(self, failure: str | None) -> None:
        """Record a failure for callers that wait for the lock."""
        if self.file_lock is not None:
            self.file_lock.record_failure(failure)

    @discreet
    def is_torn(self) -> bool:
        """Whether there is a text, and no token in it."""
        found = self._found()
        return found is not None and found.is_torn

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
        """Mark the token as found in a location that no program chose."""
        return token

    def _replaced(self, token: Token, found: Content | None) -> Token | None:
        """Return the token that ``token`` may replace, if any."""
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
        # TokenStore has no constructor, so a subclass need not call one.
        once: Once = vars(self).setdefault("_said", Once())
        return once

    def __repr__(self) -> str:
        shown = repr(self.location) if self.location else ""
        return f"{type(self).__name__}({shown})"
