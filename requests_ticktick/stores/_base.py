"""What a token store is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

from .._errors import TokenStoreError
from .._stamp import Stamp
from .._token import Token
from .._value import public


class NoPlaceError(TokenStoreError):
    """No place for the token could be determined, so none is kept.

    Only stores of this package raise it. A person can still sign on: the token
    is then used from memory.
    """


class UnwritableError(TokenStoreError):
    """The lock cannot be taken because the store cannot be written now.

    :meth:`TokenStore.lock` raises it. Every process that shares the store
    would fail in the same way, one after the other. So no person is asked, and
    no refresh token is used.
    """


class AwayError(UnwritableError):
    """The store's server does not answer.

    Callers that already wait for the lock go on waiting.
    """

    #: Whether the store has warned of that, once for the whole outage, and
    #: reads from memory meanwhile.
    is_told = False


class UnsavedError(TokenStoreError):
    """Another process obtained a token and could not save it.

    The processes that waited for the token raise it. The process that obtained
    the token uses it from memory.
    """


@public
class TokenStore(ABC):
    """A place where one token is kept.

    A store never calls its caller: it knows nothing of sign-ons. Any thread
    may call it. To write a store, subclass it, or more simply
    :class:`~requests_ticktick.TextStore`, and run
    :class:`requests_ticktick.testing.TokenStoreContract` over the subclass.
    """

    #: Whether :meth:`save` can succeed at all.
    writable: bool = True

    #: The longest wait for :meth:`lock`, in seconds. The lock is held while a
    #: person signs on, so this exceeds the sign-on's own time-out.
    lock_timeout: float = 330.0

    @abstractmethod
    def load(self) -> Token | None:
        """Return the token, or ``None`` if there is none.

        :raises TokenStoreError: The store cannot be read.
        """

    @abstractmethod
    def save(self, token: Token) -> None:
        """Replace the stored token, atomically.

        :raises TokenStoreError: The store cannot be written, or holds another
            client's token (see :func:`check_stamp`).
        """

    @abstractmethod
    def delete(self) -> None:
        """Delete the token. Do nothing if there is none.

        :raises TokenStoreError: The store cannot be written.
        """

    @abstractmethod
    def lock(self, timeout: float | None = None) -> AbstractContextManager[None]:
        """Hold the lock that whoever renews the token must hold.

        It excludes every thread and process that shares the store. It is not
        reentrant. The death of its holder releases it.

        :param timeout: Seconds to wait; 0 tries once; ``None`` means
            :attr:`lock_timeout`.
        :raises LockTimeoutError: Another holder kept it until the time-out.
        :raises TokenStoreError: The lock cannot be taken here.
        """

    def reserve(self, token: Token) -> AbstractContextManager[None]:
        """Make sure that a token can be saved, before one is requested.

        The lock's holder calls it, and saves inside the context. A store that
        cannot reserve space at least checks whose token it holds.

        :param token: A placeholder with the stamp of the token to come.
        :raises TokenStoreError: Such a token could not be saved now.
        """
        existing = self.load()
        check_stamp(existing, token, repr(self))
        return nullcontext()

    def candidates(self) -> Iterator[Token]:
        """Yield every stored token, the preferred one first."""
        token = self.load()
        if token is not None:
            yield token

    def is_torn(self) -> bool:
        """Whether there is something that :meth:`load` counts as no token.

        :raises TokenStoreError: The store cannot be read.
        """
        return False

    def members(self) -> Iterator[TokenStore]:
        """Yield the stores that this store consists of."""
        yield self

    def origin_of(self, token: Token) -> TokenStore | None:
        """Return the member that a token was read from, if it is known.

        Nothing is read for it.
        """
        del token  # a store that is no chain has one place
        return self

    def version(self) -> object:
        """Return a value that changes when :meth:`load` may return another.

        Callers that wait for the lock compare it many times a second.
        ``None`` means that nothing is cheaper than a load.
        """
        return None

    def failure(self) -> str | None:
        """Return the failure that was last recorded, or ``None``.

        :raises TokenStoreError: The store cannot be read.
        """
        return None

    def record_failure(self, failure: str | None) -> None:
        """Record why the renewal failed, for callers that wait for the lock.

        The lock's holder calls it. If a store keeps no record, each waiting
        caller tries for itself.

        :param failure: A text to keep; ``None`` removes the record.
        """
        del failure  # overriding this method is optional


def check_stamp(existing: Token | None, token: Token, location: str) -> None:
    """Refuse to overwrite a token that belongs to another client.

    :param existing: The token that would be overwritten, if any.
    :param location: The store, for the error message.
    :raises TokenStoreError: The tokens belong to different clients, services
        or sets of scopes.
    """
    if existing is not None and not Stamp.of(token).fits(existing):
        raise TokenStoreError(
            f"{location} holds a token of another client, service or set of "
            "scopes, which is not overwritten. Choose another place, such as "
            "FileStore(profile='...').",
            location=location,
        )
