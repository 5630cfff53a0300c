"""One token in a private JSON file, shared by parallel processes."""

from __future__ import annotations

import logging
import os
import re
from contextlib import AbstractContextManager

from .._value import discreet
from ..errors import TokenStoreError
from ..token import Token
from . import _files, _payload
from ._file_lock import FileLock
from .base import TokenStore, check_owner

logger = logging.getLogger("requests_ticktick")


class FileStore(TokenStore):
    """Keeps the token in a JSON file that only its owner can read.

    It reads and writes ticktick-py's ``.token-oauth``, and keeps the keys of a
    file that it does not know. Beside the file stand ``<path>.lock`` and
    ``<path>.lock-info``. A symbolic link is followed, not replaced.

    :param path: The file, which stays the same when the working directory
        changes; by default ``$TICKTICK_TOKEN_FILE``, else
        ``<user state dir>/requests-ticktick/<profile>.json``.
    :param profile: One for each account. It chooses the default file, and
        cannot be given together with ``path``.
    :param lock_timeout: How long to wait for another process's sign-on, in
        seconds.
    :raises ValueError: Both ``path`` and ``profile`` are given, or the profile
        is not a plain name.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        profile: str | None = None,
        lock_timeout: float = TokenStore.lock_timeout,
    ) -> None:
        if profile is not None and path is not None:
            raise ValueError("FileStore takes a path or a profile, not both")
        if profile is not None and not re.fullmatch(r"\w[\w.@+-]*", profile):
            raise ValueError(
                f"A profile is letters, digits and . _ @ + - alone, not {profile!r}"
            )
        self._given = absolute(path) if path else None
        self._profile = profile
        self.lock_timeout = lock_timeout
        self._reported: set[str] = set()

    @property
    def path(self) -> str:
        """The file's path, as it stands; a link is not yet followed."""
        if self._given is not None:
            return self._given
        named = os.environ.get("TICKTICK_TOKEN_FILE")
        if named and self._profile is None:
            return absolute(named)
        from platformdirs import user_state_dir

        return os.path.join(
            user_state_dir("requests-ticktick", appauthor=False),
            f"{self._profile or 'default'}.json",
        )

    @discreet
    def load(self) -> Token | None:
        """Return the file's token; ``None`` where there is none.

        A file that holds no token is set aside, with one warning.

        :raises TokenStoreError: The file exists and cannot be read.
        """
        path = self.path
        try:
            content, status = _files.read(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            problem = error.strerror or "not a regular file"
            raise TokenStoreError(
                f"Cannot read {path}: {problem}. Make it readable, or choose another "
                "place for the token.",
                location=path,
            ) from None
        self._report_loose(path, status)
        token = _payload.parse(content)
        if token is None:
            aside = _files.set_aside(os.path.realpath(path), status)
            logger.warning(
                "%s holds no token and was set aside%s. A sign-on will write it anew.",
                path,
                f" as {aside}" if aside else "",
            )
        elif self._given is None:
            return token.in_default_place(path)
        return token

    @discreet
    def save(self, token: Token) -> None:
        """Put this token in the file's place, wholly or not at all.

        :raises TokenStoreError: It cannot be written, or holds a token of
            another client, service or set of scopes.
        """
        path = os.path.realpath(self.path)
        existing = self.load()
        check_owner(existing, token, path)
        content = _payload.dump(token, existing, path).encode()
        try:
            _files.make_private_folder(os.path.dirname(path))
            _files.replace(path, content)
            return
        except OSError as error:
            problem = error.strerror
        raise TokenStoreError(
            f"Cannot write {path}: {problem}. Free some space or make its folder "
            "writable, or choose another place for the token.",
            location=path,
        )

    def delete(self) -> None:
        """Remove the file. Its lock file stays: others may hold it.

        :raises TokenStoreError: It cannot be removed.
        """
        path = os.path.realpath(self.path)
        try:
            os.unlink(path)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            raise TokenStoreError(
                f"Cannot remove {path}: {error.strerror}.", location=path
            ) from None

    def lock(self, timeout: float | None = None) -> AbstractContextManager[None]:
        """Hold the right to renew, against all processes of this machine."""
        return self._lock.acquire(self.lock_timeout if timeout is None else timeout)

    def version(self) -> object:
        """Return the identity of the file, and of the note beside its lock."""
        return _files.identity(self.path), self._lock.version()

    def failure(self) -> str | None:
        """Return the failure that the lock's last holder recorded."""
        return self._lock.failure()

    def record_failure(self, failure: str | None) -> None:
        """Record a failure for those who wait for the lock."""
        self._lock.record_failure(failure)

    @property
    def _lock(self) -> FileLock:
        return FileLock(os.path.realpath(self.path))

    def _report_loose(self, path: str, status: os.stat_result) -> None:
        if os.name != "posix" or path in self._reported:
            return
        folder = os.path.dirname(os.path.realpath(path))
        try:
            folder_mode = os.stat(folder).st_mode
        except OSError:
            return  # gone since it was read
        sticky = folder_mode & 0o1000
        if status.st_mode & 0o077:
            advice = f"Others may read {path}: chmod 600 {path}"
        elif folder_mode & 0o022 and not sticky:
            advice = f"Others may replace files in {folder}: chmod go-w {folder}"
        else:
            return
        self._reported.add(path)
        logger.warning("%s", advice)

    def __repr__(self) -> str:
        return f"FileStore({self.path!r})"


def absolute(path: str | os.PathLike[str]) -> str:
    """Return the path as it is seen from here and now."""
    return os.path.abspath(os.path.expanduser(path))
