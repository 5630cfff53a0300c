"""Lists, and what belongs to them: groups, columns, members; and tags."""

from __future__ import annotations

import secrets
from itertools import count

from . import shapes
from .storage import Item, Storage

#: By this name everybody can ask for their inbox. It is not among the lists.
#: Its id, which its tasks have, is longer: ``inbox115781412``.
INBOX = "inbox"

ME: Item = {"username": "you@example.com", "displayName": "You", "self": True}

_LIMIT = 200
_LONGEST_NAME, _LONGEST_COLUMN = 64, 1000


class Projects:
    """Lists, groups of lists, columns and tags.

    All methods raise ``KeyError`` for what does not exist, and ``ValueError``
    for what TickTick refuses.

    :param storage: Where they are kept.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._orders = count()
        self.inbox = f"{INBOX}{100_000_000 + secrets.randbelow(900_000_000)}"
        self._inbox = shapes.project(self.inbox, {"name": "Inbox"})

    def id_of(self, project_id: str | None) -> str:
        """Return the id of a list that may go by another name."""
        return self.inbox if project_id in (None, "", INBOX) else str(project_id)

    def exists(self, project_id: str) -> bool:
        """Whether there is such a list, or it is the inbox."""
        return project_id == self.inbox or self._storage.has("project", project_id)

    def all(self, offset: str | None, limit: str | None) -> list[Item]:
        """List the lists, all of them if no parameter is given."""
        projects = self._storage.all("project")
        if offset is None and limit is None:
            return projects
        start = _number(offset, 0)
        return projects[start : start + _number(limit, _LIMIT)]

    def get(self, project_id: str) -> Item:
        """Return one list."""
        key = self.id_of(project_id)
        return self._inbox if key == self.inbox else self._storage.get("project", key)

    def add(self, sent: Item) -> Item:
        """Add a list."""
        fields = shapes.named("name", shapes.read(sent, shapes.PROJECT))
        key = shapes.new_id()
        return self._storage.put("project", key, shapes.project(key, fields))

    def update(self, project_id: str, sent: Item) -> Item:
        """Change some of a list's fields."""
        fields = shapes.read(sent, shapes.PROJECT)
        with self._storage.lock:
            project = {**self._storage.get("project", project_id), **fields}
            return self._storage.put("project", project_id, project)

    def drop(self, project_id: str) -> None:
        """Delete a list and its columns, but not its tasks."""
        with self._storage.lock:
            self._storage.drop("project", project_id)
            for column in self.columns_of(project_id):
                self._storage.drop("column", column["id"])

    def members(self, project_id: str) -> list[Item]:
        """List the members of a list: you alone."""
        self.get(project_id)
        return [ME]

    def groups(self) -> list[Item]:
        """List the groups of lists."""
        return self._storage.all("group")

    def add_group(self, sent: Item) -> Item:
        """Add a group, without any list: no endpoint puts one into it."""
        fields = shapes.named("name", _name_of(sent), _LONGEST_NAME)
        defaults = {"sortOrder": 0, "showAll": True, "viewMode": "list"}
        group = {"id": shapes.new_id(), **fields, **defaults}
        return self._storage.put("group", group["id"], group)

    def update_group(self, group_id: str, sent: Item) -> Item:
        """Rename a group."""
        return self._rename("group", group_id, _name_of(sent), _LONGEST_NAME)

    def drop_group(self, group_id: str) -> None:
        """Delete a group."""
        self._storage.drop("group", group_id)

    def columns(self, project_id: str) -> list[Item]:
        """List the columns of a list."""
        return self.columns_of(self.get(project_id)["id"])

    def columns_of(self, key: str) -> list[Item]:
        """List the columns of the list that has this id, if there is one."""
        return [c for c in self._storage.all("column") if c["projectId"] == key]

    def add_column(self, project_id: str, sent: Item) -> Item:
        """Add a column to a list."""
        fields = shapes.named("name", _name_of(sent), _LONGEST_COLUMN)
        with self._storage.lock:
            key, order = self.get(project_id)["id"], next(self._orders)
            column = {"id": shapes.new_id(), "projectId": key, **fields}
            column["sortOrder"] = order * shapes.ORDER_STEP
            return self._storage.put("column", column["id"], column)

    def update_column(self, project_id: str, column_id: str, sent: Item) -> Item:
        """Rename a column."""
        with self._storage.lock:
            if column_id not in [c["id"] for c in self.columns(project_id)]:
                raise KeyError(column_id)
            return self._rename("column", column_id, _name_of(sent), _LONGEST_COLUMN)

    def _rename(self, kind: str, key: str, fields: Item, longest: int) -> Item:
        with self._storage.lock:
            item = self._storage.get(kind, key)
            after = shapes.named("name", {**item, **fields}, longest)
            return self._storage.put(kind, key, after)

    def tags(self) -> list[Item]:
        """List the tags that were created. Tasks may have others."""
        return self._storage.all("tag")

    def add_tag(self, sent: Item) -> Item:
        """Add a tag.

        One that exists is returned. What TickTick does then is not known.
        """
        readers = {"name": shapes.text, "label": shapes.text}
        fields = shapes.read(sent, readers)
        name = shapes.named("name", fields, _LONGEST_NAME)["name"].strip()
        label = shapes.named("label", fields, _LONGEST_NAME)["label"].strip()
        if name != name.lower() or label.lower() != name:
            raise ValueError("name has to be the label in lower case")
        with self._storage.lock:
            if self._storage.has("tag", name):
                return self._storage.get("tag", name)
            order = next(self._orders) * shapes.ORDER_STEP
            tag = {"name": name, "label": label, "sortOrder": order, "type": 1}
            return self._storage.put("tag", name, tag)


def _name_of(sent: Item) -> Item:
    return shapes.read(sent, {"name": shapes.text})


def _number(value: str | None, default: int) -> int:
    """Return a parameter of a query; the default for one that is no number."""
    is_number = value is not None and value.isdecimal() and len(value) < 10
    return int(value) if is_number and value is not None else default
