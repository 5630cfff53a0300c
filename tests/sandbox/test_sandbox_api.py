"""The API of the sandbox: tokens, lists, tasks and the echo."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from sandbox_app import SECONDS, call

from requests_ticktick.sandbox import Sandbox

Call = Callable[..., requests.Response]


@pytest.fixture
def api(sandbox: Sandbox) -> Call:
    """Calls the API with a valid token: ``api("GET", "/project")``."""
    token = sandbox.issue_token()

    def send(method: str, path: str, **options: Any) -> requests.Response:
        return call(sandbox, token, method, path, **options)

    return send


def project_named(api: Call, name: str) -> dict[str, Any]:
    found = [p for p in api("GET", "/project").json() if p["name"] == name]
    assert len(found) == 1
    return found[0]


def tasks_of(api: Call, project: dict[str, Any]) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = api("GET", f"/project/{project['id']}/data").json()[
        "tasks"
    ]
    return tasks


# -- Authorization -----------------------------------------------------------


@pytest.mark.parametrize("path", ["/project", "/task", "/echo", "/nothing/here"])
def test_every_path_needs_a_token(sandbox: Sandbox, path: str) -> None:
    """The response is a 401 with a challenge (RFC 6750 3)."""
    response = call(sandbox, None, path=path)

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer ")
    assert response.json()["error"] == "unauthorized"


@pytest.mark.parametrize(
    "authorization", ["Bearer unknown", "Bearer", "Bearer a b", "Basic abcd", ""]
)
def test_an_invalid_token_is_refused_and_not_quoted(
    sandbox: Sandbox, authorization: str
) -> None:
    """The response is a 401 with ``invalid_token``."""
    response = call(sandbox, None, headers={"Authorization": authorization})

    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]
    assert response.json()["error"] == "invalid_token"
    assert "unknown" not in response.text


def test_a_token_in_the_query_or_the_form_is_ignored(sandbox: Sandbox) -> None:
    """TickTick accepts neither (RFC 6750 2.2 and 2.3)."""
    token = sandbox.issue_token()

    connection = HTTPConnection(urlsplit(sandbox.url()).netloc, timeout=SECONDS)
    connection.request("GET", f"/open/v1/project?access_token={token}")
    assert connection.getresponse().status == 401
    connection.close()
    response = call(sandbox, None, "POST", "/task", data={"access_token": token})
    assert response.status_code == 401


@pytest.mark.parametrize(
    ("scope", "reads", "writes"),
    [
        ("tasks:read", 200, 403),
        ("tasks:write", 403, 200),
        ("tasks:read tasks:write", 200, 200),
    ],
)
def test_a_token_allows_what_its_scopes_say(
    sandbox: Sandbox, scope: str, reads: int, writes: int
) -> None:
    """Anything else is a 403. The echo needs no particular scope."""
    token = sandbox.issue_token(scope=scope)

    read = call(sandbox, token)
    write = call(sandbox, token, "POST", "/project", json={"name": "New"})

    assert (read.status_code, write.status_code) == (reads, writes)
    refused = [answer for answer in (read, write) if answer.status_code == 403]
    assert {answer.json()["error"] for answer in refused} <= {"insufficient_scope"}
    assert call(sandbox, token, path="/echo").status_code == 200
    assert call(sandbox, token, "POST", "/echo").status_code == 200


def test_a_token_can_be_issued_without_a_sign_on(sandbox: Sandbox) -> None:
    """Like TickTick's personal API tokens, or a value of the caller's choice."""
    tokens = [sandbox.issue_token(), sandbox.issue_token("chosen")]

    assert tokens[0].startswith("tp_")
    assert tokens[1] == "chosen"
    assert [call(sandbox, token).status_code for token in tokens] == [200, 200]
    assert sandbox.sign_ons == 0


# -- Lists -------------------------------------------------------------------


def test_a_list_can_be_read_with_its_tasks(api: Call) -> None:
    """The sample lists exist from the start."""
    project = project_named(api, "Groceries")

    data = api("GET", f"/project/{project['id']}/data").json()

    assert api("GET", f"/project/{project['id']}").json() == project
    assert data["project"] == project
    assert [task["title"] for task in data["tasks"]] == [
        "Oat milk",
        "Coffee beans",
        "Lemons",
    ]
    assert data["columns"] == []


def test_a_list_can_be_created_changed_and_deleted(api: Call) -> None:
    """The server chooses the id. Deleting a list deletes its tasks."""
    created = api("POST", "/project", json={"name": "Trip", "id": "mine"}).json()
    path = f"/project/{created['id']}"
    task = api(
        "POST", "/task", json={"title": "Pack", "projectId": created["id"]}
    ).json()

    changed = api("POST", path, json={"color": "#F18181", "id": "mine"}).json()

    assert created["id"] != "mine"
    assert created["viewMode"] == "list"
    assert changed == {**created, "color": "#F18181"}
    assert project_named(api, "Trip") == changed
    deleted = api("DELETE", path)
    assert (deleted.status_code, deleted.content) == (200, b"")
    assert api("GET", path).content == b""
    assert api("POST", path, json={}).status_code == 404
    assert task["id"] not in api("POST", "/task/filter", json={}).text
    assert len(tasks_of(api, project_named(api, "Groceries"))) == 3


def test_a_task_without_a_list_goes_to_the_inbox(api: Call) -> None:
    """It is not among the lists. Its id is not its name, and both lead to it."""
    bodies = [{}, {"projectId": ""}, {"projectId": "inbox"}, {"projectId": "none"}]
    tasks = [
        api("POST", "/task", json={"title": "Loose end", **body}).json()
        for body in bodies
    ]

    (inbox,) = {task["projectId"] for task in tasks}
    assert re.fullmatch(r"inbox\d{9}", inbox)
    assert tasks_of(api, {"id": "inbox"}) == tasks_of(api, {"id": inbox}) == tasks
    assert api("GET", "/project/inbox").json()["id"] == inbox
    assert "Inbox" not in [p["name"] for p in api("GET", "/project").json()]


@pytest.mark.parametrize("path", ["/project/inbox", "/project/{id}"])
def test_the_inbox_stays_what_it_is(api: Call, path: str) -> None:
    """By either name."""
    inbox = api("GET", "/project/inbox").json()
    path = path.format(**inbox)

    assert api("DELETE", path).status_code == 404
    assert api("POST", path, json={"name": "Mine"}).status_code == 404
    assert api("GET", path).json() == inbox


# -- Tasks -------------------------------------------------------------------


def test_a_task_can_be_created_read_changed_and_deleted(api: Call) -> None:
    """It keeps the fields that the client gave it, and stays in its list."""
    project = project_named(api, "Work")
    body = {"title": "Ship", "projectId": project["id"], "priority": 5, "tags": ["x"]}

    created = api("POST", "/task", json=body).json()
    path = f"/project/{project['id']}/task/{created['id']}"
    changed = api(
        "POST", f"/task/{created['id']}", json={"content": "now", "projectId": "other"}
    ).json()

    assert {**created, **body} == created
    assert created["status"] == 0
    stamps = {name: changed[name] for name in ("etag", "modifiedTime")}
    assert changed == {**created, "content": "now", **stamps}
    assert changed["etag"] != created["etag"]
    assert api("GET", path).json() == changed
    deleted = api("DELETE", path)
    assert (deleted.status_code, deleted.content) == (200, b"")
    assert changed not in tasks_of(api, project)


def test_a_deleted_task_can_still_be_read_and_changed(api: Call) -> None:
    """It is in no list any more. To delete it again is no error."""
    task = tasks_of(api, project_named(api, "Work"))[0]
    path = f"/project/{task['projectId']}/task/{task['id']}"

    gone = [api("DELETE", path) for _ in range(2)]
    changed = api("POST", f"/task/{task['id']}", json={"title": "Late"})

    assert [answer.status_code for answer in gone] == [200, 200]
    assert api("GET", path).json() == changed.json()
    assert changed.json()["title"] == "Late"
    listed = api("POST", "/task/filter", json={}).json()
    assert task["id"] not in [each["id"] for each in listed]
    assert len(tasks_of(api, {"id": task["projectId"]})) == 1


def test_a_completed_task_leaves_its_lists_data(api: Call) -> None:
    """It can still be read."""
    project = project_named(api, "Reading")
    task = tasks_of(api, project)[0]
    path = f"/project/{project['id']}/task/{task['id']}"

    response = api("POST", f"{path}/complete")

    assert (response.status_code, response.content) == (200, b"")
    assert tasks_of(api, project) == []
    done = api("GET", path).json()
    stamps = {name: done[name] for name in ("etag", "modifiedTime", "completedTime")}
    assert done == {**task, "status": 2, **stamps}
    reopened = api("POST", f"/task/{task['id']}", json={"status": 0}).json()
    assert "completedTime" not in reopened
    assert tasks_of(api, project) == [reopened]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/project/none", b""),
        ("/project/none/data", b"{}"),
        ("/project/inbox/task/none", b""),
    ],
)
def test_reading_what_does_not_exist_is_a_200(
    api: Call, path: str, body: bytes
) -> None:
    """With nothing in it, as clients saw it: the document has a 404."""
    answer = api("GET", path)

    assert answer.status_code == 200
    assert answer.content.strip() == body


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/project/none/members"),
        ("GET", "/project/none/column"),
        ("POST", "/project/none/column"),
        ("POST", "/project/inbox/column/none"),
        ("POST", "/project/none"),
        ("DELETE", "/project/none"),
        ("POST", "/project/group/none"),
        ("DELETE", "/project/group/none"),
        ("GET", "/project/inbox/task/none/comments"),
        ("POST", "/project/inbox/task/none/comment"),
        ("DELETE", "/project/inbox/task/none/comment/none"),
        ("POST", "/task/none"),
        ("POST", "/project/inbox/task/none/complete"),
        ("DELETE", "/project/inbox/task/none"),
    ],
)
def test_an_unknown_list_or_task_is_a_404(api: Call, method: str, path: str) -> None:
    """For every method, with an error in TickTick's format."""
    response = api(method, path, json={"title": "x", "name": "x"})

    assert response.status_code == 404
    assert response.json()["errorCode"] == "not_found"


def test_a_task_is_found_only_in_its_own_list(api: Call) -> None:
    """Nor is it completed or deleted in another."""
    task = tasks_of(api, project_named(api, "Work"))[0]
    path = f"/project/inbox/task/{task['id']}"

    assert api("GET", path).content == b""
    assert api("POST", f"{path}/complete").status_code == 404
    assert api("DELETE", path).status_code == 404
    assert task in tasks_of(api, {"id": task["projectId"]})


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/task", b""),
        ("/task", b"not JSON"),
        ("/task", b"[1]"),
        ("/task", b'{"content": "no title"}'),
        ("/task", b'{"title": " "}'),
        ("/task", b'{"title": ["a"]}'),
        ("/task", b'{"title": "a", "priority": "high"}'),
        ("/task", b'{"title": "a", "priority": 9223372036854775808}'),
        ("/task", b'{"title": "a", "isAllDay": "yes"}'),
        ("/task", b'{"title": "a", "items": ["b"]}'),
        ("/task", b'{"title": "a", "items": [{"title": {}}]}'),
        ("/project", b'{"name": ""}'),
        ("/project", b'{"name": "a", "sortOrder": 1.5}'),
        ("/task/filter", b'{"status": 0}'),
        ("/task/filter", b""),
        ("/task/move", b"{}"),
        ("/task/move", b'[{"taskId": "a"}]'),
        ("/task/completeTasks", b'{"taskIds": "a"}'),
        ("/task/batch", b'{"add": [{}]}'),
    ],
)
def test_a_body_that_is_refused_is_a_500(api: Call, path: str, body: bytes) -> None:
    """So TickTick answers it; it changes nothing."""
    before = [
        api("GET", "/project").json(),
        api("POST", "/task/filter", json={}).json(),
    ]

    response = api("POST", path, data=body)

    assert response.status_code == 500
    assert set(response.json()) == {"errorId", "errorCode", "errorMessage", "data"}
    after = [api("GET", "/project").json(), api("POST", "/task/filter", json={}).json()]
    assert after == before


# -- The echo ----------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_the_echo_describes_the_request(api: Call, method: str) -> None:
    """Its method, its headers, and the length and SHA-256 of its body."""
    body = bytes(range(256)) * 400

    answer = api(method, "/echo", data=body, headers={"X-Test": "yes"}).json()

    assert answer["method"] == method
    assert answer["headers"]["X-Test"] == "yes"
    assert answer["headers"]["Authorization"].startswith("Bearer tp_")
    assert answer["length"] == len(body)
    assert answer["sha256"] == hashlib.sha256(body).hexdigest()


def test_the_echo_answers_head_requests(api: Call) -> None:
    """With headers only."""
    response = api("HEAD", "/echo")

    assert response.status_code == 200
    assert response.content == b""
    assert int(response.headers["Content-Length"]) > 0
