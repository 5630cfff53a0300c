"""The sandbox's groups, columns, tags, members, comments; many tasks at once."""

from __future__ import annotations

from typing import Any

import pytest
from accounts import Account

from requests_ticktick.sandbox import Sandbox


@pytest.fixture
def account(sandbox: Sandbox) -> Account:
    return Account(sandbox)


@pytest.fixture
def project(account: Account) -> str:
    return str(account.post("/project", name="Trip")["id"])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "abcdef"),
        ("?limit=2", "ab"),
        ("?offset=4", "ef"),
        ("?offset=1&limit=2", "bc"),
        ("?offset=-1&limit=-1", "abcdef"),
        ("?limit=0", ""),
        ("?offset=9", ""),
        ("?limit=all", "abcdef"),
        ("?limit=99999999999999999999", "abcdef"),
    ],
)
def test_lists_are_given_in_pages(account: Account, query: str, found: str) -> None:
    """Of 200 unless the client says otherwise."""
    for project in account.get("/project"):
        account.delete(f"/project/{project['id']}")
    for name in "abcdef":
        account.post("/project", name=name)

    assert "".join(p["name"] for p in account.get(f"/project{query}")) == found


def test_a_page_has_200_lists(account: Account) -> None:
    """All of them come where no page is asked for."""
    for number in range(201):
        account.post("/project", name=str(number))

    assert len(account.get("/project")) == 204
    assert len(account.get("/project?offset=0")) == 200


def test_every_member_is_you(account: Account, project: str) -> None:
    """Of any list. That is how a program learns whose token it has."""
    me = [{"username": "you@example.com", "displayName": "You", "self": True}]

    assert account.get("/project/inbox/members") == me
    assert account.get(f"/project/{project}/members") == me


def test_columns_belong_to_a_list(account: Account, project: str) -> None:
    """They are in its data, and go when it goes."""
    first = account.post(f"/project/{project}/column", name="To do")
    second = account.post(f"/project/{project}/column", name="Done")

    renamed = account.post(f"/project/{project}/column/{first['id']}", name="Next")
    kept = account.post(f"/project/{project}/column/{second['id']}", name=None)

    assert renamed == {**first, "name": "Next"}
    assert kept == second
    assert set(first) == {"id", "projectId", "name", "sortOrder"}
    assert first["projectId"] == project
    assert account.get(f"/project/{project}/column") == [renamed, second]
    assert account.get(f"/project/{project}/data")["columns"] == [renamed, second]
    assert account.get("/project/inbox/column") == []
    elsewhere = f"/project/inbox/column/{first['id']}"
    assert account.sends("POST", elsewhere, json={"name": "x"}).status_code == 404
    account.delete(f"/project/{project}")
    account.post("/project", name="Trip")
    assert account.get(f"/project/{project}/data") == {}


def test_groups_are_made_renamed_and_deleted(account: Account) -> None:
    """The document's fields, and no list in any of them."""
    group = account.post("/project/group", name="Home")

    renamed = account.post(f"/project/group/{group['id']}", name="House")

    assert group == {
        "id": group["id"],
        "name": "Home",
        "sortOrder": 0,
        "showAll": True,
        "viewMode": "list",
    }
    assert renamed == {**group, "name": "House"}
    assert account.get("/project/group") == [renamed]
    assert account.delete(f"/project/group/{group['id']}") is None
    assert account.get("/project/group") == []


def test_tags_are_named_in_small_letters(account: Account) -> None:
    """Their labels need not be. One that exists is not made twice."""
    tag = account.post("/tag", name="work", label="Work")

    again = account.post("/tag", name=" work ", label="WORK")

    assert {name: tag[name] for name in ("name", "label", "type")} == {
        "name": "work",
        "label": "Work",
        "type": 1,
    }
    assert again == tag
    assert account.get("/tag") == [tag]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/tag", {"name": "Work", "label": "Work"}),
        ("/tag", {"name": "work", "label": "play"}),
        ("/tag", {"name": "work"}),
        ("/tag", {"name": "w" * 65, "label": "w" * 65}),
        ("/project/group", {"name": "g" * 65}),
        ("/project/group", {}),
        ("/project/inbox/column", {"name": "c" * 1001}),
        ("/project/inbox/column", {"name": ""}),
    ],
)
def test_a_name_has_its_rules(
    account: Account, path: str, fields: dict[str, Any]
) -> None:
    """The document states them. That the answer is a 500 was seen of tasks."""
    assert account.sends("POST", path, json=fields).status_code == 500
    assert account.get(path) == []


def test_tasks_are_moved_together(account: Account, project: str) -> None:
    """To and from the inbox, by either of its names; they keep their ids."""
    inbox = account.get("/project/inbox")["id"]
    tasks = [account.post("/task", title=title) for title in "ab"]
    to = {"fromProjectId": "inbox", "toProjectId": project}

    moved = account.post("/task/move", *({**to, "taskId": t["id"]} for t in tasks))

    assert [each["id"] for each in moved] == [task["id"] for task in tasks]
    there = account.get(f"/project/{project}/data")["tasks"]
    assert [{"id": t["id"], "etag": t["etag"]} for t in there] == moved
    assert {t["etag"] for t in there} & {t["etag"] for t in tasks} == set()
    back = {"fromProjectId": project, "toProjectId": inbox, "taskId": tasks[0]["id"]}
    account.post("/task/move", back)
    assert account.get("/project/inbox/data")["tasks"][0]["title"] == "a"


@pytest.mark.parametrize(
    "wrong", [{"taskId": "none"}, {"toProjectId": "none"}, {"fromProjectId": "none"}]
)
def test_a_move_that_cannot_be_made_moves_nothing(
    account: Account, project: str, wrong: dict[str, str]
) -> None:
    """Not even what comes before it."""
    tasks = [account.post("/task", title=title)["id"] for title in "ab"]
    to = {"fromProjectId": "inbox", "toProjectId": project}
    moves = [{**to, "taskId": tasks[0]}, {**to, "taskId": tasks[1], **wrong}]

    answer = account.sends("POST", "/task/move", json=moves)

    assert answer.status_code == 404
    assert len(account.get("/project/inbox/data")["tasks"]) == 2


def test_tasks_are_added_and_updated_together(account: Account, project: str) -> None:
    """What cannot be updated is told by its id, in a 200."""
    task, gone = (account.post("/task", title=title) for title in "ab")
    account.delete(f"/project/inbox/task/{gone['id']}")
    new = {"title": "c", "projectId": project, "id": task["id"]}
    changes = [{"id": task["id"], "title": "A"}, {"id": gone["id"]}, {"id": "none"}]

    done = account.post("/task/batch", add=[new], update=changes)

    assert done["id2error"] == {gone["id"]: "DELETED", "none": "NOT_EXISTED"}
    assert account.get(f"/project/inbox/task/{task['id']}")["title"] == "A"
    (added,) = account.get(f"/project/{project}/data")["tasks"]
    assert set(done["id2etag"]) == {added["id"], task["id"]}
    assert done["id2etag"][added["id"]] == added["etag"]
    assert account.post("/task/batch") == {"id2etag": {}, "id2error": {}}


def test_many_tasks_are_completed_at_once(account: Account, project: str) -> None:
    """Of one list, by default the inbox; the answer has those that were."""
    mine = account.post("/task", title="a")["id"]
    other = account.post("/task", title="b", projectId=project)["id"]

    assert account.post("/task/completeTasks", taskIds=[mine, other, "none"]) == [mine]
    there = {"projectId": project, "taskIds": [mine, other]}
    assert account.post("/task/completeTasks", **there) == [other]
    assert account.post("/task/completeTasks") == []


def test_a_task_has_comments(account: Account) -> None:
    """They go when it is deleted."""
    task = account.post("/task", title="a")["id"]
    other = account.post("/task", title="b")["id"]
    path = f"/project/inbox/task/{task}"

    comments = [account.post(f"{path}/comment", title=text) for text in ("x", "y")]

    assert set(comments[0]) == {"id", "title", "createdTime", "modifiedTime"}
    assert account.get(f"{path}/comments") == comments
    elsewhere = f"/project/inbox/task/{other}/comment/{comments[0]['id']}"
    assert account.sends("DELETE", elsewhere).status_code == 404
    account.delete(f"{path}/comment/{comments[0]['id']}")
    assert account.get(f"{path}/comments") == comments[1:]
    account.post(f"/project/inbox/task/{other}/comment", title="z")
    account.delete(path)
    assert account.get(f"{path}/comments") == []
    assert len(account.get(f"/project/inbox/task/{other}/comments")) == 1
