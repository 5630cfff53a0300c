"""The tasks of the lists, and their comments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count

from . import shapes
from .dates import date_at
from .projects import Projects
from .storage import DELETED, Item, Storage

_SAMPLES: Mapping[str, tuple[str, ...]] = {
    "Groceries": ("Oat milk", "Coffee beans", "Lemons"),
    "Work": ("Send the invoice", "Prepare Monday's meeting"),
    "Reading": ("RFC 6749",),
}

#: How many tasks one request completes, adds or updates. It ignores others.
_BATCH = 50

_SENT: shapes.Readers = {"id": shapes.text, "projectId": shapes.text, **shapes.TASK}


class Tasks:
    """Tasks, those of three sample lists to begin with.

    All methods raise ``KeyError`` for what does not exist, and ``ValueError``
    for what TickTick refuses. A deleted task is in no list any more. It can be
    read and changed all the same, as was seen, until its room is needed.

    :param storage: Where they are kept.
    :param projects: The lists.
    :param clock: Returns epoch seconds.
    """

    def __init__(
        self, storage: Storage, projects: Projects, clock: Callable[[], float]
    ) -> None:
        self._storage = storage
        self._projects = projects
        self._clock = clock
        self._orders = count(1)
        for name, titles in _SAMPLES.items():
            project = projects.add({"name": name})
            for title in titles:
                self.add({"projectId": project["id"], "title": title})

    def all(self) -> list[Item]:
        """List the tasks of all lists, whatever their status."""
        return self._storage.all("task")

    def of(self, project_id: str) -> list[Item]:
        """List the tasks of the list that has this id."""
        return [task for task in self.all() if task["projectId"] == project_id]

    def contents(self, project_id: str) -> Item:
        """Return a list, its open tasks and its columns, if there is one."""
        key = self._projects.id_of(project_id)
        with self._storage.lock:
            if not self._projects.exists(key):
                return {}
            tasks = [t for t in self.of(key) if t["status"] == shapes.OPEN]
            columns = self._projects.columns_of(key)
            return {
                "project": self._projects.get(key),
                "tasks": tasks,
                "columns": columns,
            }

    def drop_project(self, project_id: str) -> None:
        """Delete a list, and its tasks: whether TickTick does is unknown."""
        with self._storage.lock:
            self._projects.drop(project_id)
            for task in self.of(project_id):
                self._discard(task["id"])

    def get(self, project_id: str, task_id: str) -> Item:
        """Return one task of a list."""
        return self._find(project_id, task_id)[1]

    def add(self, sent: Item) -> Item:
        """Add a task, to the inbox if it names no list or an unknown one.

        Such a task was seen to be added. To which list is not known.
        """
        fields = shapes.read(sent, _SENT)
        fields.pop("id", None)
        shapes.named("title", fields)
        key, order = shapes.new_id(), -next(self._orders) * shapes.ORDER_STEP
        with self._storage.lock:
            project_id = self._projects.id_of(fields.pop("projectId", None))
            if not self._projects.exists(project_id):
                project_id = self._projects.inbox
            task = shapes.task(key, project_id, fields, order, self._now())
            return self._storage.put("task", key, task)

    def update(self, task_id: str, sent: Item) -> Item:
        """Change some of a task's fields. It stays in its list."""
        fields = shapes.read(sent, shapes.TASK)
        with self._storage.lock:
            return self._change(*self._lookup(task_id), fields)

    def complete(self, project_id: str, task_id: str) -> None:
        """Complete a task. One that repeats does not come again."""
        with self._storage.lock:
            found = self._find(project_id, task_id)
            self._change(*found, {"status": shapes.COMPLETED})

    def complete_all(self, sent: Item) -> list[str]:
        """Complete tasks of one list, and return the ids of those."""
        readers = {"projectId": shapes.text, "taskIds": shapes.list_of(shapes.text)}
        fields = shapes.read(sent, readers)
        completed = []
        for task_id in fields.get("taskIds", [])[:_BATCH]:
            with suppress(KeyError):
                self.complete(fields.get("projectId", ""), task_id)
                completed.append(task_id)
        return completed

    def delete(self, project_id: str, task_id: str) -> None:
        """Delete a task. To delete it again is no error."""
        with self._storage.lock:
            kind, task = self._find(project_id, task_id)
            if kind != DELETED:
                self._discard(task["id"])

    def move(self, sent: list[Item]) -> list[Item]:
        """Move tasks to other lists: all of them, or none."""
        names = ("taskId", "fromProjectId", "toProjectId")
        moves = [shapes.read(each, dict.fromkeys(names, shapes.text)) for each in sent]
        for each in moves:
            for name in names:
                shapes.named(name, each)
        with self._storage.lock:
            for each in moves:
                self._find(each["fromProjectId"], each["taskId"])
                self._projects.get(each["toProjectId"])
            moved = []
            for each in moves:
                to = self._projects.id_of(each["toProjectId"])
                found = self._lookup(each["taskId"])
                moved.append(self._change(*found, {"projectId": to}))
        return [{"id": task["id"], "etag": task["etag"]} for task in moved]

    def batch(self, sent: Item) -> Item:
        """Add and update tasks, and tell which of them cannot be updated."""
        # All of it is read first: a request that is refused changes nothing.
        many = shapes.list_of(lambda each: shapes.read(shapes.record(each), _SENT))
        fields = shapes.read(sent, {"add": many, "update": many})
        adds, updates = (fields.get(k, [])[:_BATCH] for k in ("add", "update"))
        for each in adds:
            shapes.named("title", each)
        etags, errors = {}, {}
        for each in adds:
            task = self.add(each)
            etags[task["id"]] = task["etag"]
        for each in updates:
            key = each.get("id", "")
            with self._storage.lock:
                if self._storage.has("task", key):
                    etags[key] = self.update(key, each)["etag"]
                else:
                    is_deleted = self._storage.has(DELETED, key)
                    errors[key] = "DELETED" if is_deleted else "NOT_EXISTED"
        return {"id2etag": etags, "id2error": errors}

    def comments(self, project_id: str, task_id: str) -> list[Item]:
        """List the comments on a task."""
        task = self.get(project_id, task_id)
        comments = self._storage.all("comment")
        return [c["comment"] for c in comments if c["taskId"] == task["id"]]

    def add_comment(self, project_id: str, task_id: str, sent: Item) -> Item:
        """Comment on a task."""
        fields = shapes.named("title", shapes.read(sent, {"title": shapes.text}))
        key, now = shapes.new_id(), self._now()
        comment = {"id": key, **fields, "createdTime": now, "modifiedTime": now}
        with self._storage.lock:
            task = self.get(project_id, task_id)
            kept = {"taskId": task["id"], "comment": comment}
            self._storage.put("comment", key, kept)
        return comment

    def drop_comment(self, project_id: str, task_id: str, comment_id: str) -> None:
        """Delete a comment."""
        with self._storage.lock:
            if comment_id not in [c["id"] for c in self.comments(project_id, task_id)]:
                raise KeyError(comment_id)
            self._storage.drop("comment", comment_id)

    def _find(self, project_id: str, task_id: str) -> tuple[str, Item]:
        """Return a task of this list, and of which kind it is now."""
        kind, task = self._lookup(task_id)
        if task["projectId"] != self._projects.id_of(project_id):
            raise KeyError(task_id)
        return kind, task

    def _lookup(self, task_id: str) -> tuple[str, Item]:
        with self._storage.lock:
            kind = "task" if self._storage.has("task", task_id) else DELETED
            return kind, self._storage.get(kind, task_id)

    def _change(self, kind: str, task: Item, fields: Item) -> Item:
        after = shapes.changed(task, fields, self._now())
        return self._storage.put(kind, task["id"], after)

    def _discard(self, task_id: str) -> None:
        for each in self._storage.all("comment"):
            if each["taskId"] == task_id:
                self._storage.drop("comment", each["comment"]["id"])
        self._storage.put(DELETED, task_id, self._storage.drop("task", task_id))

    def _now(self) -> str:
        return date_at(self._clock())
