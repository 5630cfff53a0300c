"""The lists and tasks of the API, kept in memory."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Mapping
from typing import Any

Item = dict[str, Any]

_SAMPLES: Mapping[str, tuple[str, ...]] = {
    "Groceries": ("Oat milk", "Coffee beans", "Lemons"),
    "Work": ("Send the invoice", "Prepare Monday's meeting"),
    "Reading": ("RFC 6749",),
}

#: TickTick's inbox has the tasks without a list. It is not among the lists.
INBOX = "inbox"

#: The most lists and tasks, and the most characters of JSON, all together.
MAX_ITEMS, MAX_JSON_CHARACTERS = 10_000, 16_777_216


class Board:
    """Lists and tasks, with three sample lists and the inbox to begin with.

    All methods raise ``KeyError`` for a list or task that does not exist, and
    ``ValueError`` when the board is full.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._projects: dict[str, Item] = {INBOX: _project(INBOX, {"name": "Inbox"})}
        self._tasks: dict[str, Item] = {}
        self._sizes: dict[str, int] = {}
        for name, titles in _SAMPLES.items():
            project = self.add_project({"name": name})
            for title in titles:
                self.add_task({"projectId": project["id"], "title": title})

    def projects(self) -> list[Item]:
        """Return all lists but the inbox."""
        with self._lock:
            return [item for key, item in self._projects.items() if key != INBOX]

    def project(self, project_id: str) -> Item:
        """Return one list."""
        with self._lock:
            return self._projects[project_id]

    def contents(self, project_id: str) -> Item:
        """Return a list and its open tasks."""
        with self._lock:
            project = self.project(project_id)
            tasks = [
                task
                for task in self._tasks.values()
                if task["projectId"] == project_id and task["status"] == 0
            ]
        return {"project": project, "tasks": tasks, "columns": []}

    def add_project(self, fields: Item) -> Item:
        """Add a list.

        :raises ValueError: The list has no name.
        """
        project = _project(_new_id(), _named("name", fields))
        with self._lock:
            return self._put(self._projects, project)

    def update_project(self, project_id: str, fields: Item) -> Item:
        """Change some of a list's fields."""
        with self._lock:
            changed = {**self.project(project_id), **fields, "id": project_id}
            return self._put(self._projects, changed)

    def delete_project(self, project_id: str) -> None:
        """Delete a list and its tasks."""
        with self._lock:
            self._drop(self._projects, project_id)
            for task in list(self._tasks.values()):
                if task["projectId"] == project_id:
                    self._drop(self._tasks, task["id"])

    def task(self, project_id: str, task_id: str) -> Item:
        """Return one task of a list."""
        with self._lock:
            task = self._tasks[task_id]
        if task["projectId"] != project_id:
            raise KeyError(task_id)
        return task

    def add_task(self, fields: Item) -> Item:
        """Add a task.

        :raises ValueError: The task has no title.
        """
        task = _task(_new_id(), _named("title", fields))
        with self._lock:
            self.project(task["projectId"])
            return self._put(self._tasks, task)

    def update_task(self, task_id: str, fields: Item) -> Item:
        """Change some of a task's fields. It stays in its list."""
        with self._lock:
            task = self._tasks[task_id]
            fixed = {"id": task_id, "projectId": task["projectId"]}
            return self._put(self._tasks, {**task, **fields, **fixed})

    def complete_task(self, project_id: str, task_id: str) -> None:
        """Complete a task."""
        with self._lock:
            self.task(project_id, task_id)
            self.update_task(task_id, {"status": 2})

    def delete_task(self, project_id: str, task_id: str) -> None:
        """Delete a task."""
        with self._lock:
            self.task(project_id, task_id)
            self._drop(self._tasks, task_id)

    def _put(self, items: dict[str, Item], item: Item) -> Item:
        key, size = item["id"], len(json.dumps(item))
        total = sum(self._sizes.values()) - self._sizes.get(key, 0) + size
        is_one_more = key not in items and len(self._sizes) >= MAX_ITEMS
        if is_one_more or total > MAX_JSON_CHARACTERS:
            raise ValueError("The sandbox is full: delete something")
        items[key], self._sizes[key] = item, size
        return item

    def _drop(self, items: dict[str, Item], key: str) -> None:
        del items[key]
        self._sizes.pop(key, None)  # the inbox has no size


def _project(project_id: str, fields: Item) -> Item:
    defaults = {"viewMode": "list", "kind": "TASK", "permission": "write"}
    return {"closed": False, "sortOrder": 0, **defaults, **fields, "id": project_id}


def _task(task_id: str, fields: Item) -> Item:
    defaults = {"content": "", "isAllDay": False, "priority": 0, "sortOrder": 0}
    project_id = fields.get("projectId") or INBOX
    if not isinstance(project_id, str):
        raise ValueError("projectId is not a string")
    fixed = {"id": task_id, "projectId": project_id, "status": 0}
    return {**defaults, **fields, **fixed}


def _named(name: str, fields: Item) -> Item:
    if not isinstance(fields.get(name), str) or not fields[name]:
        raise ValueError(f"{name} is missing")
    return fields


def _new_id() -> str:
    return secrets.token_hex(12)
