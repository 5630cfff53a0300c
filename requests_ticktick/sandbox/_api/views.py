"""The API under ``/open/v1``: which function answers which request."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from . import queries, shapes
from .projects import Projects
from .storage import FullError, Item, Storage
from .tasks import Tasks

PREFIX = "/open/v1"
ECHO = f"{PREFIX}/echo"

#: What only reads, though it is a POST. That ``tasks:read`` is enough for
#: ``/task/filter`` was seen; that it is for the others is likely.
READING_POSTS = frozenset(
    f"{PREFIX}/{path}"
    for path in (
        "preference",
        "task/completed",
        "task/filter",
        "task/search",
        "task/undone",
    )
)

#: What the account has nothing of, and nobody can add here.
_EMPTY = ("countdown", "focus", "habit", "habit/checkins", "habit/sections")

_ANY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_PROJECT, _GROUP = "/project/<project_id>", "/project/group/<group_id>"
_TASK = f"{_PROJECT}/task/<task_id>"

View = Callable[..., Any]


def create_api(clock: Callable[[], float]) -> Blueprint:
    """Make the routes over sample lists and tasks.

    ``/task/filter`` is never taken for a task with that id: Werkzeug prefers
    the rule without a variable, whatever the order.

    :param clock: Returns epoch seconds.
    """
    storage = Storage()
    projects = Projects(storage)
    tasks = Tasks(storage, projects, clock)
    routes = Blueprint("api", __name__, url_prefix=PREFIX)
    nothing: list[tuple[str, str, View]] = [(f"/{p}", "GET", list) for p in _EMPTY]
    of_both = *_of_tasks(tasks, projects), *_of_projects(projects)
    for rule, method, view in (*of_both, *nothing):
        routes.add_url_rule(
            rule,
            endpoint=f"{method} {rule}",
            view_func=_answering(view),
            methods=[method],
        )
    routes.add_url_rule("/echo", view_func=echo, methods=_ANY_METHOD)
    routes.register_error_handler(KeyError, _not_found)
    routes.register_error_handler(ValueError, _refused)
    routes.register_error_handler(FullError, _full)
    return routes


def _of_tasks(tasks: Tasks, projects: Projects) -> list[tuple[str, str, View]]:
    def asked(query: Callable[[list[Item], Projects, Item], list[Item]]) -> View:
        return lambda: query(tasks.all(), projects, _object())

    return [
        (_TASK, "GET", _or_nothing(tasks.get)),
        ("/task", "POST", lambda: tasks.add(_object())),
        ("/task/<task_id>", "POST", lambda task_id: tasks.update(task_id, _object())),
        (f"{_TASK}/complete", "POST", tasks.complete),
        ("/task/completeTasks", "POST", lambda: tasks.complete_all(_object())),
        (_TASK, "DELETE", tasks.delete),
        ("/task/move", "POST", lambda: tasks.move(_array())),
        ("/task/batch", "POST", lambda: tasks.batch(_object())),
        ("/task/completed", "POST", asked(queries.completed)),
        ("/task/filter", "POST", asked(queries.filtered)),
        ("/task/undone", "POST", asked(queries.undone)),
        ("/task/search", "POST", asked(queries.searched)),
        (f"{_TASK}/comments", "GET", tasks.comments),
        (
            f"{_TASK}/comment",
            "POST",
            lambda **ids: tasks.add_comment(**ids, sent=_object()),
        ),
        (f"{_TASK}/comment/<comment_id>", "DELETE", tasks.drop_comment),
        (f"{_PROJECT}/data", "GET", tasks.contents),
        (_PROJECT, "DELETE", tasks.drop_project),
    ]


def _of_projects(projects: Projects) -> list[tuple[str, str, View]]:
    column = f"{_PROJECT}/column"
    return [
        ("/preference", "POST", lambda: {"timeZone": shapes.TIME_ZONE}),
        (
            "/project",
            "GET",
            lambda: projects.all(*map(request.args.get, ("offset", "limit"))),
        ),
        (_PROJECT, "GET", _or_nothing(projects.get)),
        (f"{_PROJECT}/members", "GET", projects.members),
        ("/project", "POST", lambda: projects.add(_object())),
        (_PROJECT, "POST", lambda project_id: projects.update(project_id, _object())),
        ("/project/group", "GET", projects.groups),
        ("/project/group", "POST", lambda: projects.add_group(_object())),
        (_GROUP, "POST", lambda group_id: projects.update_group(group_id, _object())),
        (_GROUP, "DELETE", projects.drop_group),
        (column, "GET", projects.columns),
        (column, "POST", lambda project_id: projects.add_column(project_id, _object())),
        (
            f"{column}/<column_id>",
            "POST",
            lambda **ids: projects.update_column(**ids, sent=_object()),
        ),
        ("/tag", "GET", projects.tags),
        ("/tag", "POST", lambda: projects.add_tag(_object())),
    ]


def _answering(view: View) -> View:
    """Send what a function returns as JSON, or a 200 without a body."""

    def answer(**ids: str) -> Response:
        answered = view(**ids)
        return Response() if answered is None else jsonify(answered)

    return answer


def _or_nothing(view: View) -> View:
    """Answer a 200 without a body for what does not exist.

    That is what clients saw. The document has a 404.
    """

    def answer(**ids: str) -> Any:
        try:
            return view(**ids)
        except KeyError:
            return None

    return answer


def echo() -> Response:
    """Return the request, as tests want it. TickTick has no echo."""
    body = request.get_data()
    return jsonify(
        method=request.method,
        headers=dict(request.headers.items()),
        length=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
    )


def _object() -> Item:
    return shapes.record(_body())


def _array() -> list[Item]:
    return shapes.list_of(shapes.record)(_body())


def _body() -> Any:
    try:
        return request.get_json(force=True, silent=True)
    except RecursionError:
        return None


def _not_found(error: KeyError) -> tuple[Response, int]:
    return _error("not_found", f"There is no {error.args[0]}"), 404


def _refused(error: ValueError) -> tuple[Response, int]:
    """Answer a 500: so TickTick was seen to refuse a body."""
    return _error("invalid_request", str(error)), 500


def _full(error: FullError) -> tuple[Response, int]:
    return _error("sandbox_full", str(error)), 400


def _error(code: str, message: str) -> Response:
    fields: dict[str, Any] = {"errorId": "sandbox", "errorCode": code}
    return jsonify({**fields, "errorMessage": message, "data": None})
