"""A token store of one's own: a cache with Django's methods."""

import contextlib
import secrets
import threading
import time

from requests_ticktick import LockTimeoutError, TextStore, TokenStoreError


class CacheStore(TextStore):
    """Keeps the token in a cache: ``CacheStore(django.core.cache.cache)``.

    The lock is a key that only one can add. It has its owner's name on it, so
    that nobody removes another's, and it expires, since its owner may die.

    :param cache: Has ``get``, ``set``, ``add`` and ``delete``, as Django's.
    :param key: One for each account.
    :param lock_expiry: Seconds until the lock of a holder that died is free:
        more than a sign-on may take.
    """

    def __init__(self, cache, key="requests-ticktick", *, lock_expiry=330.0):
        self.cache = cache
        self._lock_expiry = lock_expiry
        self.location = key

    def read(self):
        return self._ask("get", self.location)

    def write(self, text):
        self._put(self.location, text, timeout=None)

    @contextlib.contextmanager
    def lock(self, timeout=None):
        seconds = self.lock_timeout if timeout is None else timeout
        name, mine = f"{self.location}:lock", secrets.token_hex(16)
        deadline = time.monotonic() + seconds
        while not self._ask("add", name, mine, timeout=self._lock_expiry):
            if time.monotonic() >= deadline:
                raise LockTimeoutError(
                    f"Another process holds the lock {name}: finish or stop its "
                    "sign-on, then try again."
                )
            time.sleep(0.05)
        try:
            yield
        finally:
            with contextlib.suppress(TokenStoreError):  # it expires as well
                if self._ask("get", name) == mine:
                    self._ask("delete", name)

    def failure(self):
        return self._ask("get", f"{self.location}:failure")

    def record_failure(self, failure):
        self._put(f"{self.location}:failure", failure, timeout=24 * 3600)

    def _put(self, key, value, timeout):
        if value is None:
            self._ask("delete", key)
        else:
            self._ask("set", key, value, timeout=timeout)

    def _ask(self, method, *args, **options):
        try:
            return getattr(self.cache, method)(*args, **options)
        except Exception as error:
            problem = type(error).__name__
        raise TokenStoreError(f"The cache cannot {method} {self.location}: {problem}.")


class DictCache:
    """What the store needs of a cache, over a plain dict: for one process."""

    _dicts: dict[str, dict] = {}
    _mutex = threading.Lock()
    is_down = False

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
        if self.is_down:
            raise ConnectionError("no answer")
        return self._dicts.setdefault(self._name, {})
