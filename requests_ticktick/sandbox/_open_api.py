"""The API under ``/open/v1``: lists, tasks and an echo."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Blueprint, Response, jsonify, request

from ._board import Board, Item

PREFIX = "/open/v1"
ECHO = f"{PREFIX}/echo"

_ANY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class OpenAPI:
    """The views of TickTick's Open API, as far as the sandbox has it.

    :param board: The lists and tasks.
    """

    def __init__(self, board: Board) -> None:
        self._board = board

    def blueprint(self) -> Blueprint:
        """Make the routes, in the order of TickTick's documentation."""
        routes = Blueprint("api", __name__, url_prefix=PREFIX)
        project, task = "/project/<project_id>", "/project/<project_id>/task/<task_id>"
        for rule, method, view in (
            (task, "GET", self.get_task),
            ("/task", "POST", self.create_task),
            ("/task/<task_id>", "POST", self.update_task),
            (f"{task}/complete", "POST", self.complete_task),
            (task, "DELETE", self.delete_task),
            ("/project", "GET", self.list_projects),
            (project, "GET", self.get_project),
            (f"{project}/data", "GET", self.get_project_data),
            (f"{project}/members", "GET", self.list_members),
            ("/project", "POST", self.create_project),
            (project, "POST", self.update_project),
            (project, "DELETE", self.delete_project),
        ):
            routes.add_url_rule(rule, view_func=view, methods=[method])
        routes.add_url_rule("/echo", view_func=self.echo, methods=_ANY_METHOD)
        routes.register_error_handler(KeyError, _not_found)
        routes.register_error_handler(ValueError, _invalid)
        return routes

    def list_projects(self) -> Response:
        """``GET /project``."""
        return jsonify(self._board.projects())

    def get_project(self, project_id: str) -> Response:
        """``GET /project/{id}``."""
        return jsonify(self._board.project(project_id))

    def get_project_data(self, project_id: str) -> Response:
        """``GET /project/{id}/data``."""
        return jsonify(self._board.contents(project_id))

    def list_members(self, project_id: str) -> Response:
        """``GET /project/{id}/members``, of which everybody has an inbox."""
        if project_id != "inbox":
            self._board.project(project_id)
        me = {"username": "you@example.com", "displayName": "You", "self": True}
        return jsonify([me])

    def create_project(self) -> Response:
        """``POST /project``."""
        return jsonify(self._board.add_project(_fields()))

    def update_project(self, project_id: str) -> Response:
        """``POST /project/{id}``."""
        return jsonify(self._board.update_project(project_id, _fields()))

    def delete_project(self, project_id: str) -> Response:
        """``DELETE /project/{id}``."""
        self._board.delete_project(project_id)
        return Response()

    def get_task(self, project_id: str, task_id: str) -> Response:
        """``GET /project/{id}/task/{id}``."""
        return jsonify(self._board.task(project_id, task_id))

    def create_task(self) -> Response:
        """``POST /task``."""
        return jsonify(self._board.add_task(_fields()))

    def update_task(self, task_id: str) -> Response:
        """``POST /task/{id}``."""
        return jsonify(self._board.update_task(task_id, _fields()))

    def complete_task(self, project_id: str, task_id: str) -> Response:
        """``POST /project/{id}/task/{id}/complete``."""
        self._board.complete_task(project_id, task_id)
        return Response()

    def delete_task(self, project_id: str, task_id: str) -> Response:
        """``DELETE /project/{id}/task/{id}``."""
        self._board.delete_task(project_id, task_id)
        return Response()

    def echo(self) -> Response:
        """Return the request, as tests want it. TickTick has no echo."""
        body = request.get_data()
        return jsonify(
            method=request.method,
            headers=dict(request.headers.items()),
            length=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
        )


def _fields() -> Item:
    try:
        fields = request.get_json(force=True, silent=True)
    except RecursionError:
        fields = None
    if not isinstance(fields, dict):
        raise ValueError("the body is not a JSON object")
    return fields


def _not_found(error: KeyError) -> tuple[Response, int]:
    return _error("not_found", f"There is no {error.args[0]}"), 404


def _invalid(error: ValueError) -> tuple[Response, int]:
    return _error("invalid_request", str(error)), 400


def _error(code: str, message: str) -> Response:
    fields: dict[str, Any] = {"errorId": "sandbox", "errorCode": code}
    return jsonify({**fields, "errorMessage": message, "data": None})
