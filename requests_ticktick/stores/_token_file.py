"""A file with one token, which other programs may read and write as well."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from typing import NamedTuple

from .._token import Token
from . import _files, _payload, _place, _replacing
from ._base import check_stamp
from ._warn_once import Once

logger = logging.getLogger("requests_ticktick")

#: How often, and after how many seconds, what is no token is looked at again:
#: since it was last written, and in all.
_LOOKS, _MOST_LOOKS, _PAUSE = 20, 200, 0.005

#: What a token takes, in bytes; the rest of a file is kept beside it.
_ROOM_BYTES = 4096


class Room(NamedTuple):
    """Room for a token, and what was in its place when it was taken.

    :param temporary: The file that takes the room; ``None`` where there can be
        none, and the token is written in place.
    :param existing: The token that was there.
    :param version: The identity of the file that it was in.
    """

    temporary: str | None
    existing: Token | None
    version: _files.Identity | None


class TokenFile:
    """Looks at such files and writes them, and tells once what is odd.

    :param is_default: Whether no program names the file.
    """

    def __init__(self, *, is_default: bool) -> None:
        self._is_default = is_default
        self._once = Once()
        self._seen: set[str] = set()
        self._settled: object = None

    def look(self, path: str) -> tuple[_payload.Content, os.stat_result]:
        """Return what a file holds, once nobody seems to be writing it.

        :raises OSError: It cannot be read.
        """
        content, status = _files.read(path)
        found, version = _payload.parse(content), _files.identity_of(status)
        looks = 0
        for _ in range(_MOST_LOOKS):
            if found.token is not None or version == self._settled:
                break
            if looks == _LOOKS:
                self._settled = version
                break
            # Other clients empty the file, and then write it, bit by bit.
            time.sleep(_PAUSE)
            content, status = _files.read(path)
            looks += 1
            if _files.identity_of(status) != version:
                found, version = _payload.parse(content), _files.identity_of(status)
                looks = 0
        return found, status

    def token_of(self, found: _payload.Content, path: str) -> Token | None:
        """Return the token; ``None`` in place of what is left of one.

        :raises TokenStoreError: It is another program's text.
        """
        token = found.read_at(path)
        if token is None:
            self._once.warn(
                f"{path} holds {found.what} where a token should be. A sign-on will "
                "write it anew, and what was there is set aside."
            )
        elif self._is_default:
            return token.in_default_place(path)
        return token

    def take_room(self, token: Token, path: str) -> Room:
        """Take room for a token like this one.

        :raises OSError: There is none.
        :raises TokenStoreError: It would take another's place.
        """
        existing, version = self._replaced(token, path, None)
        size = _ROOM_BYTES + (0 if version is None else version[2])
        try:
            return Room(_replacing.take_room(path, size), existing, version)
        except OSError as error:
            from . import _in_place

            if not _in_place.is_fixed(path, error):
                raise
            _in_place.take_room(path, _ROOM_BYTES)
        return Room(None, existing, _files.identity(path))

    def put(self, token: Token, path: str, room: Room | None = None) -> None:
        """Put a token in the place of the one before.

        :param room: What :meth:`take_room` has returned.
        :raises OSError: It cannot be written.
        :raises TokenStoreError: It would take another's place.
        """
        existing, version = self._replaced(token, path, room)
        torn = version if existing is None else None
        content = _payload.dump(token, existing, path).encode()
        if torn is not None:
            aside = _files.set_aside(path, torn)
            if aside is not None:
                logger.info("%s was set aside as %s.", path, aside)
        if not self._write(path, content, room and room.temporary):
            self._once.warn(
                f"The file system of {path} does not let permissions be set: see who "
                "else can read the token, or choose another place for it."
            )

    def remove(self, path: str) -> None:
        """Remove a token, or what is left of one.

        :raises OSError: It cannot be removed, or is not there.
        :raises TokenStoreError: It is another program's text.
        """
        found, _ = self.look(path)
        found.replaced_at(path)
        from . import _in_place

        _in_place.remove(path)

    def tell_who_else(self, path: str, status: os.stat_result) -> None:
        """Say what other users can do to a file; once for each path."""
        if path in self._seen:
            return
        self._seen.add(path)
        doubtful = _place.doubt(path)
        if doubtful is not None:
            self._once.warn(f"{doubtful}.")
        elif os.name == "posix" and status.st_mode & 0o077:
            self._once.warn(f"Others may read {path}: chmod 600 {path}")

    def _replaced(
        self, token: Token, path: str, room: Room | None
    ) -> tuple[Token | None, _files.Identity | None]:
        """Return the token whose place another is to take, and its version."""
        existing, version = None, None
        if room is not None and room.version == _files.identity(path):
            existing, version = room.existing, room.version
        else:
            with contextlib.suppress(FileNotFoundError):
                found, status = self.look(path)
                found.replaced_at(path)
                existing = self.token_of(found, path)
                version = _files.identity_of(status)
        check_stamp(existing, token, path)
        return existing, version

    def _write(self, path: str, content: bytes, room: str | None) -> bool:
        try:
            return _replacing.replace(path, content, room=room)
        except OSError as error:
            from . import _in_place

            if not _in_place.is_fixed(path, error):
                raise
            is_private = _in_place.overwrite(path, content)
            problem = error.strerror
        self._once.warn(
            f"{path} cannot be replaced ({problem}) and is written in place, where a "
            "crash can tear it. Mount its folder instead."
        )
        return is_private
