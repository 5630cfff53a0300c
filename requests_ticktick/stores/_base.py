"""What a token store is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

from .._errors import TokenStoreError
from .._stamp import Stamp
from .._token import Token


class NoPlaceError(TokenStoreError):
    """There is no place for a token, and so none in it.

    Raised by stores of this package alone. A person can sign on all the same:
    the token then works from memory.
    """


class UnwritableError(TokenStoreError):
    """There can be no lock, as the store can take nothing now, nor a token.

    Raised by :meth:`TokenStore.lock`. Whoever shares the store would find the
    same and go on in turn: so nobody is asked, and no refresh token is used.
    """


class AwayError(UnwritableError):
    """The store's server does not answer: those who wait already wait on."""


class UnsavedError(TokenStoreError):
    """Somebody else has a token, and could not save it for those who wait.

    Made by those alone: the one who has the token uses it from memory.
    """


class TokenStore(ABC):
    """A place where one token is kept.

    A store answers what it is asked and never asks back: it knows nothing of
    sign-ons. It may be called from any thread. Subclass it, or more simply
    :class:`~requests_ticktick.TextStore`, then run
    :class:`requests_ticktick.testing.TokenStoreContract` over the subclass.
    """

    #: Whether :meth:`save` can work at all.
    writable: bool = True

    #: How long somebody may wait for :meth:`lock`, in seconds. A person signs
    #: on while the lock is held, so it exceeds the sign-on's own time-out.
    lock_timeout: float = 330.0

    @abstractmethod
    def load(self) -> Token | None:
        """Return the token kept here, or ``None``.

        :raises TokenStoreError: The store cannot be read.
        """

    @abstractmethod
    def save(self, token: Token) -> None:
        """Keep this token in place of the one before, wholly or not at all.

        :raises TokenStoreError: The store cannot be written, or holds another
            client's token (see :func:`check_stamp`).
        """

    @abstractmethod
    def delete(self) -> None:
        """Keep no token. Nothing happens where there is none.

        :raises TokenStoreError: The store cannot be written.
        """

    @abstractmethod
    def lock(self, timeout: float | None = None) -> AbstractContextManager[None]:
        """Hold the right to renew, against everybody who shares the store.

        It is not reentrant, and ends with the process that holds it.

        :param timeout: Seconds to wait; 0 tries once; ``None`` is
            :attr:`lock_timeout`.
        :raises LockTimeoutError: Somebody else held it all the while.
        :raises TokenStoreError: There can be no lock here.
        """

    def reserve(self, token: Token) -> AbstractContextManager[None]:
        """Take room for a token, before anybody is asked for one.

        Called by the lock's holder, who saves within. A store that can take
        no room sees whose token it holds.

        :param token: One with the same stamp; its text means nothing.
        :raises TokenStoreError: Such a token could not be saved now.
        """
        existing = self.load()
        check_stamp(existing, token, repr(self))
        return nullcontext()

    def candidates(self) -> Iterator[Token]:
        """Yield every token found, the preferred one first."""
        token = self.load()
        if token is not None:
            yield token

    def members(self) -> Iterator[TokenStore]:
        """Yield the stores that this one consists of."""
        yield self

    def version(self) -> object:
        """Return a value that changes when :meth:`load` may answer anew.

        Those who wait for the lock compare it many times a second.
        ``None``: this store has nothing cheaper to offer than a load.
        """
        return None

    def failure(self) -> str | None:
        """Return what :meth:`record_failure` was last given, or ``None``.

        :raises TokenStoreError: The store cannot be read.
        """
        return None

    def record_failure(self, failure: str | None) -> None:
        """Tell those who wait for the lock that the renewal failed.

        Called by the lock's holder. A store that keeps no record lets each of
        them try in turn.
        """
        del failure  # optional: there is nothing to keep it in here


def check_stamp(existing: Token | None, token: Token, location: str) -> None:
    """Refuse to put a token in the place of another client's.

    :raises TokenStoreError: The two belong to different clients, services or
        sets of scopes.
    """
    if existing is not None and not Stamp.of(token).fits(existing):
        raise TokenStoreError(
            f"{location} holds a token of another client, service or set of "
            "scopes, which is not overwritten. Choose another place, such as "
            "FileStore(profile='...').",
            location=location,
        )
