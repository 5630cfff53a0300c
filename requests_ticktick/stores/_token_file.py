"""A token file that other programs may read and write too."""

from __future__ import annotations

import contextlib
import logging
import os
import time

from .._errors import TokenStoreError
from .._token import Token
from .._value import Once, Value
from . import _files, _payload, _place
from ._base import check_stamp

logger = logging.getLogger("requests_ticktick")

#: Another program may be writing the file. It is read again until it holds a
#: token, or has not changed for so many reads, or after so many in all.
_UNCHANGED_READS, _MAX_READS = 20, 200

#: Seconds between two reads.
READ_PAUSE_SECONDS = 0.005

#: Space for a token, in bytes, in addition to the file's present size.
_ROOM_BYTES = 4096


class Room(Value):
    """Space reserved for a token, and what the file held at that time.

    :param temporary: The file that occupies the space; ``None`` if the token
        will be written in place.
    :param existing: The token in the file, if any.
    :param version: The identity of the file.
    """

    __slots__ = ("existing", "temporary", "version")

    temporary: str | None
    existing: Token | None
    version: _files.Identity | None

    def __init__(
        self,
        temporary: str | None,
        existing: Token | None,
        version: _files.Identity | None,
    ) -> None:
        self._set(temporary=temporary, existing=existing, version=version)


class TokenFile:
    """Reads and writes token files, and warns once of anything unusual.

    :param is_default: Whether the file is the default one.
    """

    def __init__(self, *, is_default: bool) -> None:
        self._is_default = is_default
        self._once = Once()
        self._looked_after: str | None = None
        self._settled: object = None

    def look(self, path: str) -> tuple[_payload.Content, os.stat_result]:
        """Return the file's content once no program seems to be writing it.

        :raises OSError: The file cannot be read.
        """
        content, status = _files.read(path)
        found, version = _payload.parse(content), _files.identity_of(status)
        unchanged = 0
        for _ in range(_MAX_READS):
            if found.token is not None or version == self._settled:
                break
            if unchanged == _UNCHANGED_READS:
                self._settled = version
                break
            # Other clients truncate the file, and then write it in parts.
            time.sleep(READ_PAUSE_SECONDS)
            content, status = _files.read(path)
            unchanged += 1
            if _files.identity_of(status) != version:
                found, version = _payload.parse(content), _files.identity_of(status)
                unchanged = 0
        return found, status

    def token_of(self, found: _payload.Content, path: str) -> Token | None:
        """Return the token; ``None`` for a torn one.

        :raises TokenStoreError: The text belongs to another program.
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
        """Reserve space for a token with this stamp.

        :raises OSError: There is no space.
        :raises TokenStoreError: The file belongs to another program or client.
        """
        from . import _replacing  # only for the holder of the lock

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
        """Replace the token in the file.

        :param room: The space that :meth:`take_room` reserved.
        :raises OSError: The file cannot be written.
        :raises TokenStoreError: The file belongs to another program or client.
        """
        existing, version = self._replaced(token, path, room)
        torn = version if existing is None else None
        content = _payload.dump(token, existing, path).encode()
        if torn is not None:
            aside = _files.set_aside(path, torn)
            if aside is not None:
                logger.info("%s was set aside as %s.", path, aside)
        if not self._write(path, content, None if room is None else room.temporary):
            self._once.warn(
                f"The file system of {path} does not let permissions be set: see who "
                "else can read the token, or choose another place for it."
            )

    def remove(self, path: str, link: str) -> None:
        """Remove a token, whole or torn.

        :param link: The path before its links were followed. One that another
            user made could lead to any token of this user.
        :raises OSError: The file cannot be removed, or does not exist.
        :raises TokenStoreError: The text belongs to another program, or the
            way to it to another user.
        """
        found, _ = self.look(path)
        found.replaced_at(path)
        strange = _place.stranger(link)
        if strange is not None:
            raise TokenStoreError(f"Cannot remove {path}: {strange}.", location=path)
        from . import _in_place

        _in_place.remove(path)

    def tell_who_else(self, path: str, status: os.stat_result) -> None:
        """Warn once of a path that other users can read or replace."""
        if path == self._looked_after:
            return
        self._looked_after = path
        doubtful = _place.doubt(path)
        if doubtful is not None:
            self._once.warn(f"{doubtful}.")
        elif os.name == "posix" and status.st_mode & 0o077:
            self._once.warn(f"Others may read {path}: chmod 600 {path}")

    def _replaced(
        self, token: Token, path: str, room: Room | None
    ) -> tuple[Token | None, _files.Identity | None]:
        """Return the token to be replaced, and the file's identity."""
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
        from . import _replacing

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
