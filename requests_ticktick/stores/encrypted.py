"""One token in another store, encrypted there.

::

    store = EncryptedStore(FileStore(), [os.environ["TOKEN_KEY"]])
    session.auth = TickTickAuth(store=store)
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

try:
    from cryptography.fernet import Fernet, InvalidToken, MultiFernet
except ImportError as error:
    raise ImportError(
        "EncryptedStore needs cryptography: pip install 'requests-ticktick[encrypted]'"
    ) from error

from .._errors import TokenStoreError
from .._stamp import Stamp
from .._token import Token
from .._value import Secret, discreet
from ._base import TokenStore, check_stamp

#: Says whose an encrypted token is: no program's that would send it. Whatever
#: reads the store without its keys neither uses nor replaces it.
_STAMP = Stamp("encrypted", "encrypted", "encrypted")


class Seal:
    """Encrypts texts for a place, and reads them there alone.

    :param keys: Of Fernet: the first encrypts, all of them decrypt.
    :raises ValueError: There is none, or one is no such key.
    """

    def __init__(self, keys: Iterable[str | bytes]) -> None:
        # A single key would be read as many, of one letter each.
        given = [keys] if isinstance(keys, (str, bytes)) else keys
        texts = [
            key.decode("ascii", "replace") if isinstance(key, bytes) else key
            for key in given
        ]
        self._keys = [Secret(text) for text in texts]
        self._fernet = self._made()

    @discreet
    def _made(self) -> MultiFernet:
        try:
            return MultiFernet([Fernet(key) for key in self._keys])
        except (ValueError, TypeError):
            pass
        raise ValueError(
            "keys are one or more Fernet keys, 32 bytes in URL-safe base64 each: make "
            "one with cryptography.fernet.Fernet.generate_key()"
        )

    def around(self, store: TokenStore, name: str) -> EncryptedStore:
        """Return a store that is encrypted by these keys."""
        return EncryptedStore(store, self, name)

    def encrypt(self, content: object, place: str) -> str:
        """Return plain data as an encrypted text."""
        text = json.dumps([place, content])
        return self._fernet.encrypt(text.encode()).decode()

    @discreet
    def decrypt(self, text: str, place: str, location: str) -> Any:
        """Return what was encrypted.

        :param location: What errors call the place.
        :raises TokenStoreError: It was for another place, or none of the keys
            fits.
        """
        try:
            where, content = json.loads(self._fernet.decrypt(text))
        except (InvalidToken, ValueError):
            problem = "with a key that is not among those given: add it to keys"
        else:
            if where == place:
                return content
            problem = "for another place, and was moved here: put it back"
        raise TokenStoreError(
            f"What {location} holds was encrypted {problem}; or delete it, and sign on "
            "again.",
            location=location,
        )

    def __getstate__(self) -> dict[str, Any]:
        return {"_keys": self._keys}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._keys = state["_keys"]
        self._fernet = self._made()


class EncryptedStore(TokenStore):
    """Keeps the token in another store, encrypted.

    Whoever reads that store learns when the token expires, and no more. A
    token that is there in plain text is used, and encrypted by the next save.
    A pickle holds the keys.

    :param store: Where the encrypted token is kept. It saves to one place.
    :param keys: Fernet keys: the first encrypts, all of them decrypt. To
        replace one, put the new one before it.
    :param name: What the token is for, if anything. A token that was encrypted
        for another name is refused, so that nobody's is passed off as
        another's.
    :raises ValueError: There is no key, or one is no Fernet key.
    """

    def __init__(
        self, store: TokenStore, keys: Iterable[str | bytes] | Seal, name: str = ""
    ) -> None:
        self._store = store
        self._seal = keys if isinstance(keys, Seal) else Seal(keys)
        self._name = name
        self.writable = store.writable
        self.lock_timeout = store.lock_timeout

    @discreet
    def load(self) -> Token | None:
        """Return the token kept here, or ``None``.

        :raises TokenStoreError: The store cannot be read, or none of the keys
            fits.
        """
        found = self._store.load()
        return None if found is None else self._opened(found)

    @discreet
    def save(self, token: Token) -> None:
        """Keep this token, encrypted, in place of the one before.

        :raises TokenStoreError: The store cannot be written, or holds another
            client's token, or one that none of the keys fits.
        """
        if self._replaces_plain_text(token):
            self._store.delete()  # the store would keep the keys beside it
        self._store.save(self._sealed(token))

    def delete(self) -> None:
        """Keep no token, whatever it was encrypted with.

        :raises TokenStoreError: The store cannot be written.
        """
        self._store.delete()

    def lock(self, timeout: float | None = None) -> AbstractContextManager[None]:
        """Hold the lock of the store."""
        return self._store.lock(timeout)

    @discreet
    def reserve(self, token: Token) -> AbstractContextManager[None]:
        """Take room for a token.

        :raises TokenStoreError: As :meth:`save` does.
        """
        if self._replaces_plain_text(token):
            return nullcontext()
        return self._store.reserve(self._sealed(token))

    def is_torn(self) -> bool:
        """Whether the store holds what is no token."""
        return self._store.is_torn()

    def version(self) -> object:
        """Return the version of the store."""
        return self._store.version()

    def failure(self) -> str | None:
        """Return the failure that was recorded with the store."""
        return self._store.failure()

    def record_failure(self, failure: str | None) -> None:
        """Record a failure with the store."""
        self._store.record_failure(failure)

    def _replaces_plain_text(self, token: Token) -> bool:
        found = self._store.load()
        if found is None:
            return False
        check_stamp(self._opened(found), token, repr(self))
        return not _is_sealed(found)

    def _sealed(self, token: Token) -> Token:
        # Redis forgets it at its end, unless it can be renewed then.
        ends = token.expires_at if token.refresh_token is None else None
        text = self._seal.encrypt(token.to_dict(), self._name)
        return _STAMP.put_on(Token(text, expires_at=ends, issued_at=token.issued_at))

    def _opened(self, found: Token) -> Token:
        if not _is_sealed(found):
            return found
        fields = self._seal.decrypt(found.access_token, self._name, repr(self))
        return Token.from_dict(fields).in_default_place(found.found_in)

    def __repr__(self) -> str:
        return f"EncryptedStore({self._store!r})"


def _is_sealed(token: Token) -> bool:
    return Stamp.of(token) == _STAMP
