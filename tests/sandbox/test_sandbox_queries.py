"""The lists of tasks that the sandbox finds, and how many of them."""

from __future__ import annotations

from typing import Any

import pytest
from accounts import Account
from sandbox_app import call

from requests_ticktick.sandbox import Sandbox
from requests_ticktick.testing import FakeClock

MARCH = "2026-03-{:02}T{:02}:00:00.000+0000"
QUERIES = ("filter", "completed", "undone", "search")


@pytest.fixture
def account(sandbox: Sandbox) -> Account:
    return Account(sandbox)


def titles(tasks: list[dict[str, Any]]) -> list[str]:
    return [task["title"] for task in tasks]


# -- A word is no id --------------------------------------------------


@pytest.mark.parametrize("word", [*QUERIES, "move", "batch", "completeTasks"])
def test_a_word_is_not_the_id_of_a_task(account: Account, word: str) -> None:
    """``POST /task/filter`` updates no task, whatever it is sent."""
    before = account.post("/task/filter")

    answer = account.sends("POST", f"/task/{word}", json={"title": "Changed"})

    assert answer.status_code == (500 if word == "move" else 200)
    assert account.post("/task/filter") == before
    unknown = account.sends("POST", f"/task/{word}s", json={"title": "Changed"})
    assert unknown.status_code == 404


def test_group_is_not_the_id_of_a_list(account: Account) -> None:
    """To delete it is not to delete all groups, either."""
    account.post("/project/group", name="Home")

    assert titles_of_groups(account) == ["Home"]
    assert account.sends("DELETE", "/project/group").status_code == 404
    assert titles_of_groups(account) == ["Home"]


def titles_of_groups(account: Account) -> list[str]:
    return [group["name"] for group in account.get("/project/group")]


# -- Scopes --------------------------------------------------


@pytest.mark.parametrize("path", [*(f"task/{each}" for each in QUERIES), "preference"])
def test_some_posts_only_read(sandbox: Sandbox, path: str) -> None:
    """A token for reading is enough for these, and one for writing is not."""
    reader = sandbox.issue_token(scope="tasks:read")
    writer = sandbox.issue_token(scope="tasks:write")

    answers = [
        call(sandbox, token, "POST", f"/{path}", json={}) for token in (reader, writer)
    ]

    assert [answer.status_code for answer in answers] == [200, 403]


@pytest.mark.parametrize(
    "path",
    [
        *("task", "task/x", "task/move", "task/batch", "task/completeTasks", "project"),
        *("project/x", "project/group", "project/x/column", "tag", "task/filter/x"),
    ],
)
def test_the_other_posts_write(sandbox: Sandbox, path: str) -> None:
    """Whatever becomes of them, a token for reading gets a 403."""
    reader = sandbox.issue_token(scope="tasks:read")
    writer = sandbox.issue_token(scope="tasks:write")

    statuses = [
        call(sandbox, token, "POST", f"/{path}", json={}).status_code
        for token in (reader, writer)
    ]

    assert statuses[0] == 403
    assert statuses[1] != 403


# -- /task/filter --------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, "abcde"),
        (
            {"projectIds": [], "tag": [], "status": [], "kind": [], "priority": []},
            "abcde",
        ),
        ({"projectIds": ["inbox"]}, "cde"),
        ({"projectIds": ["none"]}, ""),
        ({"status": [0]}, "abc"),
        ({"status": [2]}, "d"),
        ({"status": [-1, 2]}, "de"),
        ({"priority": [1, 5]}, "ab"),
        ({"tag": ["x"]}, "ab"),
        ({"tag": ["x", "y"]}, "b"),
        ({"kind": ["CHECKLIST"]}, "c"),
        ({"startDate": MARCH.format(5, 9)}, "bc"),
        ({"endDate": MARCH.format(5, 9)}, "ab"),
        ({"startDate": "2026-03-05T10:00:00+0100", "endDate": MARCH.format(5, 9)}, "b"),
        ({"status": [0], "priority": [0], "startDate": MARCH.format(1, 0)}, "c"),
    ],
)
def test_tasks_are_filtered(
    account: Account, query: dict[str, Any], found: str
) -> None:
    """What is not sent does not matter. A task without a date is in no range."""
    for project in account.get("/project"):
        account.delete(f"/project/{project['id']}")
    where = {"projectId": account.post("/project", name="p")["id"]}
    a = {"priority": 1, "tags": ["x"], "startDate": MARCH.format(4, 9)}
    account.post("/task", title="a", **a, **where)
    b = {"priority": 5, "tags": ["y", "x"], "dueDate": MARCH.format(5, 9)}
    account.post("/task", title="b", **b, **where)
    account.post("/task", title="c", items=[{}], startDate=MARCH.format(6, 9))
    for title, status in (("d", 2), ("e", -1)):
        task = account.post("/task", title=title)
        account.post(f"/task/{task['id']}", status=status)
    gone = account.post("/task", title="f", **b)
    account.delete(f"/project/inbox/task/{gone['id']}")

    assert "".join(titles(account.post("/task/filter", **query))) == found


# -- /task/completed --------------------------------------------------


def test_completed_tasks_are_found_by_when_they_were(sandbox: Sandbox) -> None:
    """Both ends of the range are in it, and the latest are first."""
    clock = FakeClock(1_772_668_800)  # March 5
    sandbox.clock = clock.time
    account = Account(sandbox)
    project = account.get("/project")[0]["id"]
    for title, where in (("a", "inbox"), ("b", project), ("c", "inbox")):
        task = account.post("/task", title=title, projectId=where)
        account.post(f"/project/{where}/task/{task['id']}/complete")
        clock.advance(86_400)

    def found(**query: Any) -> str:
        return "".join(titles(account.post("/task/completed", **query)))

    assert found() == "cba"
    assert found(projectIds=["inbox"]) == "ca"
    assert found(startDate=MARCH.format(6, 0)) == "cb"
    assert found(endDate=MARCH.format(6, 0)) == "ba"
    assert found(startDate=MARCH.format(6, 0), endDate=MARCH.format(6, 1)) == "b"


# -- /task/undone --------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, "ab"),
        ({"projectIds": ["inbox"]}, "b"),
        ({"endDate": MARCH.format(4, 0)}, ""),
        ({"endDate": MARCH.format(5, 0)}, "a"),
        ({"startDate": MARCH.format(6, 0)}, "ab"),
        ({"startDate": MARCH.format(7, 0)}, "b"),
        ({"startDate": MARCH.format(1, 0), "endDate": MARCH.format(15, 0)}, "ab"),
        ({"startDate": MARCH.format(1, 0), "endDate": MARCH.format(15, 1)}, ""),
        ({"startDate": MARCH.format(13, 0)}, ""),
        ({"startDate": None}, ""),
        ({"endDate": "tomorrow"}, ""),
        ({"taskIds": ["none"]}, ""),
    ],
)
def test_tasks_of_a_fortnight_are_found(
    account: Account, query: dict[str, Any], found: str
) -> None:
    """An invalid or a longer range has none."""
    where = {"projectId": account.get("/project")[0]["id"]}
    dates = {"startDate": MARCH.format(5, 0), "dueDate": MARCH.format(6, 0)}
    account.post("/task", title="a", **dates, **where)
    account.post("/task", title="b", startDate=MARCH.format(7, 0))
    done = account.post("/task", title="c", dueDate=MARCH.format(7, 0))
    account.post(f"/project/inbox/task/{done['id']}/complete")

    dates = {"startDate": MARCH.format(4, 0), "endDate": MARCH.format(12, 0)}
    tasks = account.post("/task/undone", **{**dates, **query})

    assert "".join(titles(tasks)) == found


def test_undone_tasks_can_be_asked_for_by_id(account: Account) -> None:
    """Those of the range, among these."""
    tasks = [account.post("/task", title=t, dueDate=MARCH.format(7, 0)) for t in "ab"]
    dates = {"startDate": MARCH.format(4, 0), "endDate": MARCH.format(12, 0)}

    found = account.post("/task/undone", **dates, taskIds=[tasks[1]["id"]])

    assert titles(found) == ["b"]


# -- /task/search --------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"keywords": "REPORT"}, "ab"),
        ({"keywords": "quarterly report"}, "a"),
        ({"keywords": "figures"}, "b"),
        ({"keywords": "draft"}, "c"),
        ({"keywords": "absent"}, ""),
        ({"keywords": " "}, ""),
        ({"tags": ["work"]}, "a"),
        ({"status": [2]}, "d"),
        ({"dueFrom": MARCH.format(5, 0), "dueTo": MARCH.format(5, 0)}, "a"),
        ({"dueTo": MARCH.format(4, 0)}, ""),
        ({"keywords": "report", "projectIds": ["none"]}, ""),
    ],
)
def test_tasks_are_searched(
    account: Account, query: dict[str, Any], found: str
) -> None:
    """In their texts, by keywords that all have to be there."""
    a = {"tags": ["work"], "dueDate": MARCH.format(5, 0)}
    made = {
        "a": account.post("/task", title="Quarterly Report", **a),
        "b": account.post("/task", title="The report", content="with figures"),
        "c": account.post("/task", title="x", items=[{"title": "A draft"}]),
        "d": account.post("/task", title="y", desc="done"),
    }
    account.post(f"/project/inbox/task/{made['d']['id']}/complete")
    names = {task["id"]: name for name, task in made.items()}

    tasks = account.post("/task/search", **query)

    assert "".join(names[task["id"]] for task in tasks) == found


# -- How many --------------------------------------------------


def test_no_query_finds_more_than_200(account: Account) -> None:
    """And nothing says so. ``/data`` has all of them."""
    for _ in range(5):
        added = account.post(
            "/task/batch", add=[{"title": "a", "dueDate": MARCH.format(5, 0)}] * 60
        )
        assert len(added["id2etag"]) == 50  # no more in one request
    dates = {"startDate": MARCH.format(1, 0), "endDate": MARCH.format(9, 0)}

    open_ones = account.get("/project/inbox/data")["tasks"]
    counts = {
        "filter": len(account.post("/task/filter", status=[0])),
        "undone": len(account.post("/task/undone", **dates)),
        "search": len(account.post("/task/search", keywords="a")),
    }
    for start in range(0, 250, 50):
        ids = [task["id"] for task in open_ones[start : start + 50]]
        assert account.post("/task/completeTasks", taskIds=ids) == ids
    counts["completed"] = len(account.post("/task/completed"))

    assert len(open_ones) == 250
    assert counts == dict.fromkeys(QUERIES, 200)
