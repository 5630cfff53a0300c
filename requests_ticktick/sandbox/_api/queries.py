"""The lists of tasks that a client asks for by what they have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from . import shapes
from .dates import date
from .projects import Projects
from .storage import Item

#: How many tasks an answer has at most, without a word about the others. The
#: document says so of ``/task/filter`` and ``/task/completed``. For the others
#: it sets no limit, and a program should not rely on more.
LIMIT = 200

_LONGEST_RANGE = timedelta(days=14)

_TEXTS, _NUMBERS = shapes.list_of(shapes.text), shapes.list_of(shapes.integer)
_RANGE: shapes.Readers = {"startDate": date, "endDate": date}
_FILTER: shapes.Readers = {
    **_RANGE,
    "projectIds": _TEXTS,
    "priority": _NUMBERS,
    "tag": _TEXTS,
    "kind": _TEXTS,
    "status": _NUMBERS,
}
_COMPLETED: shapes.Readers = {**_RANGE, "projectIds": _TEXTS}
_UNDONE: shapes.Readers = {**_COMPLETED, "taskIds": _TEXTS}
_SEARCH: shapes.Readers = {
    "keywords": shapes.text,
    "projectIds": _TEXTS,
    "tags": _TEXTS,
    "status": _NUMBERS,
    "dueFrom": date,
    "dueTo": date,
}


def filtered(tasks: Iterable[Item], projects: Projects, sent: Item) -> list[Item]:
    """``POST /task/filter``: what was not sent does not matter.

    The range is one of start dates, which a task without one is not in.
    """
    query = shapes.read(sent, _FILTER)
    found = _common(tasks, projects, query, "startDate", "startDate", "endDate")
    for name in ("priority", "kind"):
        found = _among(found, name, query.get(name))
    return _some(_tagged(found, query.get("tag")))


def completed(tasks: Iterable[Item], projects: Projects, sent: Item) -> list[Item]:
    """``POST /task/completed``: by when they were completed.

    The latest come first here. The order is not documented.
    """
    query = {**shapes.read(sent, _COMPLETED), "status": [shapes.COMPLETED]}
    found = _common(tasks, projects, query, "completedTime", "startDate", "endDate")
    latest = sorted(found, key=lambda task: str(task["completedTime"]), reverse=True)
    return _some(latest)


def undone(tasks: Iterable[Item], projects: Projects, sent: Item) -> list[Item]:
    """``POST /task/undone``: those of a fortnight at most, or else none.

    Which of a task's dates counts is not documented. Here a task belongs to
    all the days from its start to its due date.
    """
    query = {**shapes.read(sent, _UNDONE), "status": [shapes.OPEN]}
    start, end = query.pop("startDate", None), query.pop("endDate", None)
    if start is None or end is None:
        return []
    if not timedelta() <= _moment(end) - _moment(start) <= _LONGEST_RANGE:
        return []
    found = _common(tasks, projects, query, "startDate", "startDate", "endDate")
    found = _among(found, "id", query.get("taskIds"))
    return _some(
        task
        for task in found
        if "startDate" in task
        and task["startDate"] <= end
        and task.get("dueDate", task["startDate"]) >= start
    )


def searched(tasks: Iterable[Item], projects: Projects, sent: Item) -> list[Item]:
    """``POST /task/search``: which texts are searched is not documented.

    Here it is titles, contents, descriptions and items. Each word has to be
    in one of them, in upper or lower case.
    """
    query = shapes.read(sent, _SEARCH)
    keywords = query.get("keywords")
    if keywords is not None and not keywords.strip():
        return []
    found = _common(tasks, projects, query, "dueDate", "dueFrom", "dueTo")
    words = (keywords or "").lower().split()
    return _some(
        task
        for task in _tagged(found, query.get("tags"))
        if all(word in _text_of(task) for word in words)
    )


def _common(
    tasks: Iterable[Item],
    projects: Projects,
    query: Item,
    field: str,
    first: str,
    last: str,
) -> Iterator[Item]:
    """Yield the tasks of these lists and statuses with a date in the range."""
    ids = query.get("projectIds")
    keys = None if ids is None else [projects.id_of(each) for each in ids]
    found = _among(tasks, "projectId", keys)
    found = _among(found, "status", query.get("status"))
    # The dates are all written in one way, in which texts compare as dates do.
    for task in found:
        when = task.get(field, "")
        is_late_enough = first not in query or query[first] <= when
        if is_late_enough and (last not in query or "" < when <= query[last]):
            yield task


def _among(
    tasks: Iterable[Item], field: str, values: list[Any] | None
) -> Iterator[Item]:
    """Yield the tasks with one of these values; with no values, all tasks."""
    return (task for task in tasks if not values or task[field] in values)


def _tagged(tasks: Iterable[Item], tags: list[str] | None) -> Iterator[Item]:
    return (task for task in tasks if set(tags or ()) <= set(task["tags"]))


def _some(tasks: Iterable[Item]) -> list[Item]:
    return [task for _, task in zip(range(LIMIT), tasks, strict=False)]


def _moment(written: str) -> datetime:
    return datetime.strptime(written, "%Y-%m-%dT%H:%M:%S.%f%z")


def _text_of(task: Item) -> str:
    texts = [task["title"], task.get("content", ""), task.get("desc", "")]
    return "\n".join([*texts, *(i["title"] for i in task.get("items", ()))]).lower()
