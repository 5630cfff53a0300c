"""Where the tokens of many people are kept, and their sign-ons under way."""

from __future__ import annotations

import contextlib
import os
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import TypeVar

from .._errors import TokenStoreError
from .._value import discreet
from ..stores import FileStore, TokenStore, _files, _replacing
from ..stores import _place as paths
from ..stores._windows import persist

T = TypeVar("T")


class Place(ABC):
    """One place for all that a vault keeps."""

    @abstractmethod
    def store(self, name: str) -> TokenStore:
        """Return the store of one person."""

    @abstractmethod
    def names(self) -> Iterator[str]:
        """Yield the names under which there is a token."""

    @abstractmethod
    def put(self, state: str, text: str, seconds: float) -> None:
        """Keep a sign-on under way, for so many seconds at least."""

    @abstractmethod
    def take(self, state: str) -> str | None:
        """Return what was put there, to one caller alone."""


class Stores(Place):
    """Stores of the program's own; sign-ons are this process's."""

    def __init__(self, make: Callable[[str], TokenStore]) -> None:
        self._make = make
        self._begun: dict[str, tuple[str | None, float]] = {}

    def __str__(self) -> str:
        return "of your own stores"

    def store(self, name: str) -> TokenStore:
        return self._make(name)

    def names(self) -> Iterator[str]:
        raise TypeError("A vault of your own stores cannot tell whose tokens it has")

    def put(self, state: str, text: str, seconds: float) -> None:
        now = time.monotonic()
        for old, (_, until) in list(self._begun.items()):
            if until < now:
                self._begun.pop(old, None)
        self._begun[state] = text, now + seconds

    def take(self, state: str) -> str | None:
        text, _ = self._begun.pop(state, (None, 0.0))
        return text


class Folder(Place):
    """Files in a folder of the vault's own."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = paths.absolute(folder)

    def __str__(self) -> str:
        return self._folder

    def store(self, name: str) -> TokenStore:
        return FileStore(os.path.join(self._folder, f"token-{name}.json"))

    def names(self) -> Iterator[str]:
        for found in self._try("read", self._list):
            name = re.fullmatch(r"token-(.+)\.json", found)
            if name is not None:
                yield name[1]

    def put(self, state: str, text: str, seconds: float) -> None:
        self._try("write", lambda: self._put(self._path(state), text, seconds))

    def take(self, state: str) -> str | None:
        return self._try("read", lambda: self._take(self._path(state)))

    def _list(self) -> list[str]:
        try:
            return os.listdir(paths.require_absolute(self._folder))
        except FileNotFoundError:
            return []

    def _path(self, state: str) -> str:
        return os.path.join(paths.require_absolute(self._folder), "sign-ons", state)

    def _put(self, path: str, text: str, seconds: float) -> None:
        doubtful = paths.prepare(path)
        if doubtful is not None:
            raise TokenStoreError(f"Cannot write {path}: {doubtful}.", location=path)
        _replacing.replace(path, text.encode(), durable=False)
        # By the file system's own time, so that no clock can be wrong.
        oldest = os.stat(path).st_mtime - seconds
        with os.scandir(os.path.dirname(path)) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    if entry.stat().st_mtime < oldest:
                        persist(os.unlink, entry.path)

    def _take(self, path: str) -> str | None:
        try:
            content, _ = _files.read(path)
            persist(os.unlink, path)  # of two callers, one is told that it is gone
        except FileNotFoundError:
            return None
        return content.decode(errors="replace")

    @discreet
    def _try(self, verb: str, act: Callable[[], T]) -> T:
        try:
            return act()
        except TokenStoreError:  # which is an OSError, too
            raise
        except OSError as error:
            problem = error.strerror
        raise TokenStoreError(
            f"Cannot {verb} {self._folder}: {problem}. Make it a folder that this user "
            "can write to, or choose another.",
            location=self._folder,
        )
