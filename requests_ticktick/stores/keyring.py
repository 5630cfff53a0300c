"""One token in the operating system's keychain.

::

    session.auth = TickTickAuth(store=KeyringStore())
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

try:
    from keyring.errors import PasswordDeleteError

    from ._keychain import Keychain, KeychainError
except ImportError as error:
    raise ImportError(
        "KeyringStore needs keyring: pip install 'requests-ticktick[keyring]'"
    ) from error

from .._value import discreet
from ..errors import TokenStoreError
from ..token import Token
from . import _files
from ._file_lock import FileLock
from ._payload import dump, parse
from .base import TokenStore, check_owner
from .file import FileStore, absolute

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

logger = logging.getLogger("requests_ticktick")

T = TypeVar("T")

#: Under this the keychain shows what no program has given a name.
_OWN_NAME = "requests-ticktick"

#: Windows' Credential Manager takes 2,560 bytes, and keyring writes UTF-16.
_WINDOWS_TAKES = 1280


class KeyringStore(TokenStore):
    """Keeps the token in the keychain: as the password of a user of a service.

    The lock is a file beside the default token file: keychains have none.

    :param service: Under which name the keychain shows it.
    :param profile: One for each account.
    :param timeout: How long an answer is waited for, in seconds; the keychain
        may ask a person first.
    :param lock_timeout: How long to wait for another process's sign-on, in
        seconds.
    :param lock_path: Where else ``<lock_path>.lock`` is to be.
    :raises ValueError: A name is empty.
    """

    def __init__(
        self,
        service: str = _OWN_NAME,
        profile: str = "default",
        *,
        timeout: float = 60.0,
        lock_timeout: float = TokenStore.lock_timeout,
        lock_path: str | os.PathLike[str] | None = None,
    ) -> None:
        if not service or not profile:
            raise ValueError("KeyringStore needs a service and a profile, not ''")
        self.service = service
        self.profile = profile
        self.timeout = timeout
        self.lock_timeout = lock_timeout
        self._lock_path = None if lock_path is None else absolute(lock_path)
        self._keychain = Keychain(timeout)
        self._has_warned = False

    def load(self) -> Token | None:
        """Return the token kept here, or ``None``.

        What is no token is left there until the next is saved, with a warning.

        :raises TokenStoreError: The keychain cannot be used.
        """
        text = self._get()
        token = self._parsed(text)
        if text is not None and token is None and not self._has_warned:
            self._has_warned = True
            logger.warning(
                "%s in the keychain is no token. A sign-on will set it aside as %s and "
                "write it anew.",
                self._location,
                self._aside,
            )
        return token

    @discreet
    def save(self, token: Token) -> None:
        """Keep this token in place of the one before.

        :raises TokenStoreError: The keychain cannot be used, or holds a token
            of another client, service or set of scopes.
        """
        text = self._get()
        existing = self._parsed(text)
        check_owner(existing, token, f"{self._location} in the keychain")
        if text is not None and existing is None:
            self._set(self._aside, text)
        self._set(self.profile, dump(token, existing, self._location))
        self._touch()

    def delete(self) -> None:
        """Keep no token.

        :raises TokenStoreError: The keychain cannot be used.
        """

        def delete(backend: KeyringBackend) -> None:
            try:
                backend.delete_password(self.service, self.profile)
            except PasswordDeleteError:  # as well where there was none
                if backend.get_password(self.service, self.profile) is not None:
                    raise

        self._ask("delete", delete)
        self._touch()

    def lock(self, timeout: float | None = None) -> AbstractContextManager[None]:
        """Hold the right to renew, against all processes of this machine."""
        return self._lock.acquire(self.lock_timeout if timeout is None else timeout)

    def version(self) -> object:
        """Return the identity of two files: the keychain is slow to ask."""
        return _files.identity(f"{self._path}.saved"), self._lock.version()

    def failure(self) -> str | None:
        """Return the failure that the lock's last holder recorded."""
        return self._lock.failure()

    def record_failure(self, failure: str | None) -> None:
        """Record a failure for those who wait for the lock."""
        self._lock.record_failure(failure)

    def _get(self) -> str | None:
        return self._ask("read", lambda b: b.get_password(self.service, self.profile))

    def _parsed(self, text: str | None) -> Token | None:
        token = None if text is None else parse(text)
        if token is None or self.service != _OWN_NAME:
            return token
        return token.in_default_place(f"{self._location} in the keychain")

    def _set(self, profile: str, text: str) -> None:
        hint = ""
        if len(text) > _WINDOWS_TAKES:
            hint = (
                f" It was given {len(text)} characters; on Windows it takes "
                f"{_WINDOWS_TAKES}."
            )
        self._ask("write", lambda b: b.set_password(self.service, profile, text), hint)

    def _ask(
        self, what: str, question: Callable[[KeyringBackend], T], hint: str = ""
    ) -> T:
        try:
            return self._keychain.ask(question)
        except KeychainError as error:
            problem = str(error)
        raise TokenStoreError(
            f"The keychain cannot {what} {self._location}. {problem}{hint}",
            location=self._location,
        )

    def _touch(self) -> None:
        """Let those who wait know that there is something new to read."""
        path = f"{self._path}.saved"
        with contextlib.suppress(OSError):  # then they look twenty times a second
            _files.make_private_folder(os.path.dirname(path))
            _files.replace(path, secrets.token_bytes(8), durable=False)

    @property
    def _location(self) -> str:
        return f"{self.service}/{self.profile}"

    @property
    def _aside(self) -> str:
        return f"{self.profile}:corrupt"

    @property
    def _path(self) -> str:
        if self._lock_path is not None:
            return self._lock_path
        folder = os.path.dirname(FileStore(profile="default").path)
        names = (quote(name, safe="") for name in (self.service, self.profile))
        return os.path.join(folder, "=".join(("keyring", *names)))

    @property
    def _lock(self) -> FileLock:
        return FileLock(self._path)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k != "_keychain"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._keychain = Keychain(self.timeout)

    def __repr__(self) -> str:
        return f"KeyringStore({self.service!r}, {self.profile!r})"
