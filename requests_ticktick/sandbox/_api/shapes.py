"""How TickTick reads the JSON that it is sent, and writes what it keeps.

It never writes a ``null``, and takes one for a field that was not sent, so
that a client cannot clear a date. Fields that it does not know are dropped
here; whether TickTick does that is not documented.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .dates import date
from .storage import Item

#: The zone of the sandbox's account, the one of TickTick's examples.
TIME_ZONE = "America/Los_Angeles"

#: The distance of two tasks, lists or columns that follow each other.
ORDER_STEP = 2**40

#: What ``status`` says of a task.
ABANDONED, OPEN, COMPLETED = -1, 0, 2

Readers = Mapping[str, Callable[[Any], Any]]


def read(sent: Item, readers: Readers) -> Item:
    """Return the known fields of what was sent, as TickTick writes them.

    :raises ValueError: A field has a type that it cannot have.
    """
    known = {}
    for name, reader in readers.items():
        value = sent.get(name)
        try:
            value = None if value is None else reader(value)
        except ValueError as error:
            raise ValueError(f"{name} {error}") from None
        if value is not None:
            known[name] = value
    return known


def text(value: object) -> str:
    """Read a text. A number becomes one, as was seen of a title."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise ValueError("is not a string")
    return value


def integer(value: object) -> int:
    """Read a number of 64 bits."""
    if not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise ValueError("is not an integer")
    return int(value)  # True is 1: pyticktick sends an item's status so


def flag(value: object) -> bool:
    """Read ``true`` or ``false``."""
    if not isinstance(value, bool):
        raise ValueError("is not a boolean")
    return value


def list_of(reader: Callable[[Any], Any]) -> Callable[[object], list[Any]]:
    """Make a reader of lists. Anything else was seen to be refused."""

    def read_list(values: object) -> list[Any]:
        if not isinstance(values, list):
            raise ValueError("is not a list")
        return [reader(value) for value in values if value is not None]

    return read_list


def record(value: object) -> Item:
    """Read a JSON object."""
    if not isinstance(value, dict):
        raise ValueError("is not an object")
    return value


_ITEM: Readers = {
    "id": text,
    "title": text,
    "status": integer,
    "startDate": date,
    "completedTime": date,
    "isAllDay": flag,
    "sortOrder": integer,
    "timeZone": text,
}

#: In the document ``status`` is a field of a task, and not of an update. It is
#: heeded in one all the same, so that a test can make abandoned tasks.
TASK: Readers = {
    "title": text,
    "content": text,
    "desc": text,
    "isAllDay": flag,
    "startDate": date,
    "dueDate": date,
    "timeZone": text,
    "reminders": list_of(text),
    "tags": list_of(text),
    "repeatFlag": text,
    "repeatFrom": text,
    "priority": integer,
    "sortOrder": integer,
    "items": list_of(record),
    "kind": text,
    "parentId": text,
    "columnId": text,
    "status": integer,
}

#: ``groupId``, ``closed`` and ``permission`` are in answers alone.
PROJECT: Readers = {
    "name": text,
    "color": text,
    "sortOrder": integer,
    "viewMode": text,
    "kind": lambda value: text(value).upper(),  # the document's example has "task"
}


def project(project_id: str, fields: Item) -> Item:
    """Make a list of what a client said of it."""
    defaults = {"sortOrder": 0, "viewMode": "list", "permission": "write"}
    return {"id": project_id, "closed": False, **defaults, "kind": "TASK", **fields}


def task(task_id: str, project_id: str, fields: Item, order: int, now: str) -> Item:
    """Make a task of what a client said of it."""
    defaults = {"timeZone": TIME_ZONE, "isAllDay": False, "priority": 0, "tags": []}
    fixed = {"id": task_id, "projectId": project_id, "status": OPEN, "createdTime": now}
    made = {**fixed, "sortOrder": order, **defaults, "kind": "TEXT"}
    return changed(made, {**fields, "status": OPEN}, now)


def changed(task: Item, fields: Item, now: str) -> Item:
    """Return a task with some of its fields changed."""
    after = {**task, **fields, "modifiedTime": now, "etag": new_etag()}
    if "items" in fields:
        after["items"] = _items(fields["items"], after["timeZone"])
        if "kind" not in fields and after["items"]:
            after["kind"] = "CHECKLIST"
    if "dueDate" in after:
        # Seen of a task that has a due date alone. The two were once seen to
        # become one where both are sent, against the document's examples.
        after.setdefault("startDate", after["dueDate"])
    if after["status"] != COMPLETED:
        after.pop("completedTime", None)
    else:
        after.setdefault("completedTime", now)
    return after


def _items(sent: Iterable[Item], zone: str) -> list[Item]:
    defaults = {"status": 0, "isAllDay": False, "timeZone": zone}
    items = []
    for number, each in enumerate(sent):
        known = {"title": "", **defaults, **read(each, _ITEM)}
        items.append({"id": new_id(), "sortOrder": number * ORDER_STEP, **known})
    return items


def named(field: str, fields: Item, longest: int | None = None) -> Item:
    """Return the fields, which have to have this one.

    :raises ValueError: It is missing, or longer than so many characters.
    """
    name = fields.get(field, "").strip()
    if not name or (longest is not None and len(name) > longest):
        raise ValueError(f"{field} is missing or too long")
    return fields


def new_id() -> str:
    """Make up an id."""
    return secrets.token_hex(12)


def new_etag() -> str:
    """Make up what stands for one state of a task."""
    return secrets.token_hex(4)
