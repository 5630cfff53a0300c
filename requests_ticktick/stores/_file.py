"""A token in a private JSON file that parallel processes share."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TypeVar

from .._errors import TokenStoreError
from .._token import Token
from .._value import PerProcess, discreet, public
from . import _files, _place
from ._base import NoPlaceError, TokenStore
from ._token_file import Room, TokenFile

if TYPE_CHECKING:
    from ._file_lock import FileLock

T = TypeVar("T")


@public
class FileStore(TokenStore):
    """Keeps the token in a JSON file that only its owner can read.

    It reads and writes ticktick-py's ``.token-oauth``. It preserves keys that
    it does not know, and also reads a bare token or a Python literal. Another
    program's file is never changed. ``<path>.lock`` and ``<path>.lock-info``
    are created beside the file. A symbolic link is followed, not replaced.

    :param path: The file. A relative path is resolved at once. Defaults to
        ``$TICKTICK_TOKEN_FILE``, else to
        ``<user state dir>/requests-ticktick/<profile>.json``.
    :param profile: A name for each account, instead of a ``path``. It chooses
        the default file. Defaults to ``$TICKTICK_PROFILE``, else ``default``.
    :param lock_timeout: How long to wait for another process's sign-on, in
        seconds.
    :raises ValueError: Both ``path`` and ``profile`` are given, or one of them
        or ``TICKTICK_PROFILE`` cannot name a file.
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
        if path is not None and not os.fspath(path):
            # Perhaps an unset variable: it does not mean the default file.
            raise ValueError("A path is not empty")
        if profile is not None:
            _place.require_profile(profile)
        elif path is None:
            _place.profile_of_environment()  # a wrong one is said here and now
        self._given = None if path is None else _place.absolute(path)
        #: The profile that the program chose; and whether it chose no path.
        self.profile, self.is_default = profile, path is None
        self.lock_timeout = lock_timeout
        self._file = TokenFile(is_default=path is None)
        # The lock's holder reserved it. A copy or a forked child did not.
        self._rooms: PerProcess[list[Room]] = PerProcess(list)

    @property
    def path(self) -> str:
        """The file's absolute path. Symbolic links are not resolved.

        :raises TokenStoreError: The path depends on a home directory, and
            there is none. The working directory is not used instead.
        """
        if self._given is not None:
            return _place.require_absolute(self._given)
        return _place.default(self.profile)

    @discreet
    def is_torn(self) -> bool:
        """Whether there is a file, and no token in it."""
        with contextlib.suppress(OSError):  # load() says what there is to say
            return self._file.look(self.path)[0].is_torn
        return False

    @discreet
    def load(self) -> Token | None:
        """Return the file's token; ``None`` if there is none.

        A torn token and an empty file count as none, with one warning. They
        stay there until the next token is saved.

        :raises TokenStoreError: The file cannot be read, or belongs to another
            program.
        """
        path = self.path
        try:
            found, status = self._file.look(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            problem = error.strerror
        else:
            token = self._file.token_of(found, path)
            self._file.tell_who_else(path, status)
            return token
        raise TokenStoreError(
            f"Cannot read {path}: {problem}. Make it a file that you can read, or "
            "choose another place for the token.",
            location=path,
        )

    @discreet
    def save(self, token: Token) -> None:
        """Replace the file, atomically.

        A torn token is first renamed to ``<path>.corrupt-...``. A mount point
        cannot be replaced and is written in place, with one warning.

        :raises TokenStoreError: The file cannot be written; or it belongs to
            another program or client; or other users could replace it.
        """
        rooms = self._rooms.get()
        room = rooms.pop() if rooms else None
        self._write(lambda path: self._file.put(token, path, room))

    @contextlib.contextmanager
    def reserve(self, token: Token) -> Iterator[None]:
        """Reserve space for the next token in a temporary file.

        :raises TokenStoreError: :meth:`save` would raise it.
        """
        room = self._write(lambda path: self._file.take_room(token, path))
        rooms = self._rooms.get()
        rooms.append(room)
        try:
            yield
        finally:
            rooms.clear()
            if room.temporary is not None:
                with contextlib.suppress(OSError):  # save() has renamed it
                    os.unlink(room.temporary)

    @discreet
    def delete(self) -> None:
        """Remove the file and the torn files that were set aside.

        The lock file stays: another process may hold it.

        :raises TokenStoreError: The file cannot be removed, or belongs to
            another program or user.
        """
        try:
            path = os.path.realpath(self.path)
        except NoPlaceError:
            return
        try:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                self._file.remove(path, self.path)
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                _files.remove_set_aside(path)
            return
        except TokenStoreError:
            raise
        except OSError as error:
            problem = error.strerror
        raise TokenStoreError(
            f"Cannot remove {path}: {problem}. Make its folder writable, or remove it "
            "yourself.",
            location=path,
        )

    def lock(self, timeout: float | None = None) -> AbstractContextManager[None]:
        """Hold the lock against all processes of this machine."""
        return self._lock.acquire(self.lock_timeout if timeout is None else timeout)

    def version(self) -> object:
        """Return the identity of the file and of the note beside it.

        Processes that wait look at it often, so no links are followed to the
        notes of other places. They look at these less often, with the lock.
        """
        try:
            path = self.path
        except NoPlaceError:
            return self._lock.version()
        return _files.identity(path), _files.identity(f"{path}.lock-info")

    def failure(self) -> str | None:
        """Return the recorded failure, or ``None``."""
        return self._lock.failure()

    def record_failure(self, failure: str | None) -> None:
        """Record a failure for processes that wait for the lock."""
        self._lock.record_failure(failure)

    @discreet
    def _write(self, act: Callable[[str], T]) -> T:
        path = os.path.realpath(self.path)
        try:
            problem = _place.prepare(self.path)
            if problem is None:
                return act(path)
        except TokenStoreError:
            raise
        except OSError as error:
            problem = (
                f"{error.strerror}. Free some space or make its folder writable, or "
                "choose another place for the token"
            )
        raise TokenStoreError(f"Cannot write {path}: {problem}.", location=path)

    @property
    def _lock(self) -> FileLock:
        from ._file_lock import FileLock  # reading takes no lock

        try:
            return FileLock(self.path)
        except NoPlaceError:
            return FileLock.named(f"no place for {self._given or self.profile}")

    def __repr__(self) -> str:
        try:
            return f"FileStore({self.path!r})"
        except NoPlaceError:
            return "FileStore()"
