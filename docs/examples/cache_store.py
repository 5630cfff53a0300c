"""A token store of one's own: a cache with Django's methods."""

import contextlib
import secrets
import threading
import time

from requests_ticktick import (
    InvalidTokenError,
    LockTimeoutError,
    Token,
    TokenStore,
)
from requests_ticktick.stores.base import check_owner


class CacheStore(TokenStore):
    """Keeps the token in a cache: ``CacheStore(django.core.cache.cache)``.

    The lock is a key that only one can add. It has its owner's name on it, so
    that nobody removes another's, and it expires, since its owner may die.

    :param cache: Has ``get``, ``set``, ``add`` and ``delete``, as Django's.
    :param key: One for each account.
    :param lock_expiry: Seconds until the lock of a holder that died is free:
        more than a sign-on may take.
    """

    def __init__(self, cache, key="requests-ticktick", *, lock_expiry=330.0):
        self._cache = cache
        self._key = key
        self._lock_expiry = lock_expiry

    def load(self):
        """Return the token kept here, or ``None``."""
        try:
            fields = self._cache.get(self._key)
            return None if fields is None else Token.from_dict(fields)
        except InvalidTokenError:
            return None  # spoilt: the next sign-on writes it anew

    def save(self, token):
        """Keep this token in place of the one before."""
        check_owner(self.load(), token, self._key)
        # One key and one value: a reader gets the old token or the new one.
        self._cache.set(self._key, token.to_dict(), timeout=None)

    def delete(self):
        """Keep no token."""
        self._cache.delete(self._key)

    @contextlib.contextmanager
    def lock(self, timeout=None):
        """Hold the right to renew, against everybody who shares the cache."""
        seconds = self.lock_timeout if timeout is None else timeout
        name, mine = f"{self._key}:lock", secrets.token_hex(16)
        deadline = time.monotonic() + seconds
        while not self._cache.add(name, mine, timeout=self._lock_expiry):
            if time.monotonic() >= deadline:
                raise LockTimeoutError(
                    f"Another process holds the lock {name}: finish or stop its "
                    "sign-on, then try again."
                )
            time.sleep(0.05)
        try:
            yield
        finally:
            if self._cache.get(name) == mine:
                self._cache.delete(name)

    def failure(self):
        """Return what :meth:`record_failure` was last given, or ``None``."""
        return self._cache.get(f"{self._key}:failure")

    def record_failure(self, failure):
        """Tell those who wait for the lock that the renewal failed."""
        if failure is None:
            self._cache.delete(f"{self._key}:failure")
        else:
            self._cache.set(f"{self._key}:failure", failure, timeout=24 * 3600)

    def __repr__(self):
        return f"CacheStore(..., {self._key!r})"


class DictCache:
    """What the store needs of a cache, over a plain dict: for one process."""

    _dicts: dict[str, dict] = {}
    _mutex = threading.Lock()

    def __init__(self, name="default"):
        self._name = name

    def get(self, key):
        """Return the value, or ``None`` where there is none or it expired."""
        value, expiry = self._dict.get(key, (None, 0.0))
        return value if expiry > time.monotonic() else None

    def set(self, key, value, timeout=None):
        """Put a value there, for so many seconds."""
        expiry = float("inf") if timeout is None else time.monotonic() + timeout
        self._dict[key] = (value, expiry)

    def add(self, key, value, timeout=None):
        """Put a value where there is none; return whether there was none."""
        with self._mutex:
            if self.get(key) is not None:
                return False
            self.set(key, value, timeout)
            return True

    def delete(self, key):
        """Remove the value, if there is one."""
        self._dict.pop(key, None)

    @property
    def _dict(self):
        return self._dicts.setdefault(self._name, {})
