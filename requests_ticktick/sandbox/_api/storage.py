"""What the sandbox keeps of lists and tasks: in memory, and so much of it."""

from __future__ import annotations

import json
import threading
from typing import Any

Item = dict[str, Any]

#: The most items, and the most characters of their JSON, all kinds together.
MAX_ITEMS, MAX_JSON_CHARACTERS = 10_000, 16_777_216

#: The kind whose oldest items make room where there is none.
DELETED = "deleted task"


class FullError(Exception):
    """There is no room for one more item, or for what an item is to become."""


class Storage:
    """Items by kind and id, in the order in which they came.

    Whoever does more than one thing holds :attr:`lock`. Items are replaced and
    not changed, so that one that was read may be used without it.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._items: dict[str, dict[str, Item]] = {DELETED: {}}
        self._sizes: dict[tuple[str, str], int] = {}
        self._total = 0

    def all(self, kind: str) -> list[Item]:
        """List the items of a kind."""
        with self.lock:
            return list(self._items.get(kind, {}).values())

    def get(self, kind: str, key: str) -> Item:
        """Return an item.

        :raises KeyError: There is none.
        """
        with self.lock:
            return self._items.get(kind, {})[key]

    def has(self, kind: str, key: str) -> bool:
        """Whether there is such an item."""
        with self.lock:
            return key in self._items.get(kind, {})

    def put(self, kind: str, key: str, item: Item) -> Item:
        """Keep an item, in place of the one with its id.

        :returns: The item.
        :raises FullError: There is no room for it.
        """
        size = len(json.dumps(item))
        with self.lock:
            old = self._sizes.get((kind, key), 0)
            while self._is_too_much(size - old, is_new=old == 0):
                oldest = next(iter(self._items[DELETED]), key)
                if (DELETED, oldest) not in self._sizes or oldest == key:
                    raise FullError("The sandbox is full: delete something")
                self.drop(DELETED, oldest)
            self._items.setdefault(kind, {})[key] = item
            self._sizes[kind, key] = size
            self._total += size - old
        return item

    def drop(self, kind: str, key: str) -> Item:
        """Forget an item, and return it.

        :raises KeyError: There is none.
        """
        with self.lock:
            item = self._items.get(kind, {}).pop(key)
            self._total -= self._sizes.pop((kind, key))
        return item

    def _is_too_much(self, growth: int, *, is_new: bool) -> bool:
        is_one_more = is_new and len(self._sizes) >= MAX_ITEMS
        return is_one_more or self._total + growth > MAX_JSON_CHARACTERS
