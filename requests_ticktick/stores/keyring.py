"""A token in the operating system's keychain.

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
    from ._keychain import Keychain, KeychainError, delete, password
except ImportError as error:
    raise ImportError(
        "KeyringStore needs keyring: pip install 'requests-ticktick[keyring]'"
    ) from error

from .._errors import TokenStoreError
from .._token import Token
from . import _files
from ._base import NoPlaceError, TokenStore
from ._file_lock import FileLock
from ._place import absolute, default, prepare, require_absolute
from ._replacing import replace
from ._text import TextStore

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

logger = logging.getLogger("requests_ticktick")

#: The default service name in the keychain.
_OWN_NAME = "requests-ticktick"

#: Characters. Windows' Credential Manager accepts 2,560 bytes of UTF-16.
_MAX_WINDOWS_CHARACTERS = 1280


class KeyringStore(TextStore):
    """Keeps the token in the keychain, as a password.

    Keychains have no locks, so the lock is a file beside the default token
    file.

    :param service: The password's service name.
    :param profile: The password's user name; one for each account.
    :param timeout: How long to wait for the keychain, in seconds. It may ask a
        person for permission.
    :param lock_timeout: How long to wait for another process's sign-on, in
        seconds.
    :param lock_path: Lock ``<lock_path>.lock`` instead of the default file.
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
        self.location = f"{service}/{profile} in the keychain"
        self._keychain = Keychain(timeout)

    def read(self) -> str | None:
        """Return the password, or ``None`` if there is none."""
        names = self.service, self.profile
        return self._ask("read", lambda backend: password(backend, *names))

    def write(self, text: str | None) -> None:
        """Set the password. ``None`` deletes it and what was set aside."""
        if text is not None:
            self._set(self.profile, text)
        else:
            names = self.profile, self._aside
            self._ask("delete", lambda backend: delete(backend, self.service, *names))
        self._touch()

    def set_aside(self, text: str) -> None:
        """Preserve a torn token as the password of ``<profile>:corrupt``."""
        self._set(self._aside, text)
        logger.info("%s was set aside as %s.", self.location, self._aside)

    def lock(self, timeout: float | None = None) -> AbstractContextManager[None]:
        """Hold the lock against all processes of this machine."""
        return self._lock.acquire(self.lock_timeout if timeout is None else timeout)

    def version(self) -> object:
        """Return the identity of two files: asking the keychain is slow."""
        return _files.identity(f"{self._path}.saved"), self._lock.version()

    def failure(self) -> str | None:
        """Return the recorded failure, or ``None``."""
        return self._lock.failure()

    def record_failure(self, failure: str | None) -> None:
        """Record a failure for processes that wait for the lock."""
        self._lock.record_failure(failure)

    def _as_found(self, token: Token) -> Token:
        if self.service != _OWN_NAME:
            return token
        return token.in_default_place(self.location)

    def _set(self, profile: str, text: str) -> None:
        hint = ""
        if len(text) > _MAX_WINDOWS_CHARACTERS:
            hint = (
                f" It was given {len(text)} characters; on Windows it takes "
                f"{_MAX_WINDOWS_CHARACTERS}."
            )
        self._ask("write", lambda b: b.set_password(self.service, profile, text), hint)

    def _ask(
        self, what: str, question: Callable[[KeyringBackend], T], hint: str = ""
    ) -> T:
        try:
            return self._keychain.ask(question)
        except KeychainError as error:
            problem = str(error)
        name = f"{self.service}/{self.profile}"
        raise TokenStoreError(
            f"The keychain cannot {what} {name}. {problem}{hint}", location=name
        )

    def _touch(self) -> None:
        """Tell waiting processes that the keychain has changed."""
        path = f"{self._path}.saved"
        with contextlib.suppress(OSError):  # they then ask ten times a second
            if os.path.isabs(path) and prepare(path) is None:
                replace(path, secrets.token_bytes(8), durable=False)

    @property
    def _aside(self) -> str:
        return f"{self.profile}:corrupt"

    @property
    def _path(self) -> str:
        """The path of the lock; a bare name if no path can be determined."""
        names = ("keyring", self.service, self.profile)
        name = "=".join(quote(name, safe="") for name in names)
        with contextlib.suppress(NoPlaceError):
            if self._lock_path is not None:
                return require_absolute(self._lock_path)
            return os.path.join(os.path.dirname(default("default")), name)
        return name

    @property
    def _lock(self) -> FileLock:
        path = self._path
        return FileLock(path) if os.path.isabs(path) else FileLock.named(path)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k != "_keychain"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._keychain = Keychain(self.timeout)

    def __repr__(self) -> str:
        return f"KeyringStore({self.service!r}, {self.profile!r})"
