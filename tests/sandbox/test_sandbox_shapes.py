"""What the sandbox writes is what TickTick does: fields, dates, no nulls."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from accounts import Account

from requests_ticktick.sandbox import Sandbox
from requests_ticktick.testing import FakeClock

DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000")


@pytest.fixture
def account(sandbox: Sandbox) -> Account:
    return Account(sandbox)


def test_a_new_task_has_the_fields_that_were_seen(account: Account) -> None:
    """All of these and no others, with a title alone."""
    task = account.post("/task", title="Milk")

    assert set(task) == {
        *("id", "projectId", "title", "status", "kind", "priority", "tags"),
        *("isAllDay", "timeZone", "sortOrder", "etag", "createdTime", "modifiedTime"),
    }
    assert (task["status"], task["priority"], task["kind"]) == (0, 0, "TEXT")
    assert task["timeZone"] == account.post("/preference")["timeZone"]
    assert DATE.fullmatch(task["createdTime"])
    assert account.post("/task", title="Eggs")["sortOrder"] < task["sortOrder"] < 0


def test_a_null_is_a_field_that_was_not_sent(account: Account) -> None:
    """It is not echoed, and clears nothing, wherever it is."""
    nothing = {"content": None, "dueDate": None, "items": None, "tags": None}
    sent = {"title": "a", **nothing, "kind": None, "projectId": None, "id": None}
    task = account.post("/task", **sent)
    item = {"title": "b", "startDate": None, "id": None}
    full = {"content": "c", "dueDate": "2026-03-05T00:00:00+0000"}
    changed = account.post(
        f"/task/{task['id']}", **full, items=[item, None], tags=[None]
    )

    kept = account.post(f"/task/{task['id']}", **nothing, title=None)

    for name in (*full, "items", "title", "tags"):
        assert kept[name] == changed[name]
    assert kept["content"] == "c"
    assert [each["title"] for each in kept["items"]] == ["b"]
    project = account.post("/project", name="p", color=None, viewMode=None, kind=None)
    assert (project["viewMode"], project["kind"]) == ("list", "TASK")
    assert "color" not in project


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("2026-09-01T07:00:00.000+0000", "2026-09-01T07:00:00.000+0000"),
        ("2019-11-13T03:00:00+0000", "2019-11-13T03:00:00.000+0000"),
        ("2026-09-01T00:00:00-0700", "2026-09-01T07:00:00.000+0000"),
        ("2026-09-01T12:30:00.250+05:30", "2026-09-01T07:00:00.250+0000"),
        ("2026-09-01T07:00:00Z", "2026-09-01T07:00:00.000+0000"),
        ("2026-09-01T07:00:00.123456Z", "2026-09-01T07:00:00.123+0000"),
        ("2026-09-01T07:00:00.5Z", "2026-09-01T07:00:00.500+0000"),
        ("2026-09-01T07:00:00", "2026-09-01T07:00:00.000+0000"),
        ("0999-01-01T00:00:00Z", "0999-01-01T00:00:00.000+0000"),
    ],
)
def test_dates_are_in_utc_with_milliseconds(
    account: Account, sent: str, written: str
) -> None:
    """Of the task and of its items, read again as well."""
    zone = {"timeZone": "Asia/Tokyo"}

    task = account.post(
        "/task", title="a", dueDate=sent, items=[{"startDate": sent}], **zone
    )

    assert task["dueDate"] == written
    assert task["startDate"] == written  # TickTick was seen to add it
    assert task["items"][0]["startDate"] == written
    assert account.get(f"/project/inbox/task/{task['id']}") == task
    assert (task["timeZone"], task["items"][0]["timeZone"]) == ("Asia/Tokyo",) * 2


@pytest.mark.parametrize(
    "sent",
    [
        *("", "tomorrow", "2026-03-05", "2026-02-30T00:00:00Z", "2026-03-05T25:00:00Z"),
        *("0001-01-01T00:00:00+0100", "2026-03-05T00:00:00+9900", 1772668800000, {}),
        "٢٠٢٦-03-05T00:00:00Z",
    ],
)
def test_what_is_no_date_is_dropped(account: Account, sent: Any) -> None:
    """The task is added without it, and keeps the date that it has."""
    due = {"dueDate": "2026-03-05T00:00:00.000+0000"}

    task = account.post("/task", title="a", dueDate=sent)
    dated = account.post(
        f"/task/{account.post('/task', title='a', **due)['id']}", dueDate=sent
    )

    assert "dueDate" not in task
    assert dated["dueDate"] == due["dueDate"]


def test_start_and_due_date_stay_apart(account: Account) -> None:
    """As in the document's examples."""
    dates = {
        "startDate": "2026-03-05T09:30:00.000+0000",
        "dueDate": "2026-03-05T10:30:00.000+0000",
    }

    task = account.post("/task", title="a", **dates)

    assert {name: task[name] for name in dates} == dates


def test_items_make_a_checklist(account: Account) -> None:
    """Each gets what TickTick's items have. Those with an id keep it."""
    items = [{"title": "a", "status": True}, {"title": "b", "sortOrder": 7}, {}]
    task = account.post("/task", title="c", items=items)

    assert task["kind"] == "CHECKLIST"
    fields = {"id", "title", "status", "sortOrder", "isAllDay", "timeZone"}
    assert [set(each) for each in task["items"]] == [fields] * 3
    assert json.dumps([each["status"] for each in task["items"]]) == "[1, 0, 0]"
    first = {**task["items"][0], "status": 0}
    after = account.post(f"/task/{task['id']}", items=[first, {"title": "d"}])
    assert after["items"][0] == first
    assert [each["title"] for each in after["items"]] == ["a", "d"]
    assert account.post(f"/task/{task['id']}", items=[])["items"] == []
    note = account.post("/task", title="n", items=[{"title": "a"}], kind="NOTE")
    assert note["kind"] == "NOTE"


def test_fields_of_nobody_s_are_dropped(account: Account) -> None:
    """So are those that only TickTick sets."""
    mine = {
        "etag": "mine",
        "createdTime": "mine",
        "completedTime": "2026-03-05T00:00:00Z",
    }

    task = account.post("/task", title=12345, **mine, unheard={"of": []}, deleted=1)
    project = account.post("/project", name="p", groupId="g", permission="read", id="i")

    assert task["title"] == "12345"
    assert {"unheard", "deleted", "completedTime"} & set(task) == set()
    assert "mine" not in task.values()
    assert "groupId" not in project
    assert (project["permission"], len(project["id"])) == ("write", 24)


def test_the_time_is_that_of_the_sandbox_s_clock(sandbox: Sandbox) -> None:
    """So that a test can complete a task a week later."""
    clock = FakeClock(1_772_668_800)
    sandbox.clock = clock.time
    account = Account(sandbox)

    task = account.post("/task", title="a")
    clock.advance(7 * 86_400)
    account.post(f"/project/inbox/task/{task['id']}/complete")

    done = account.get(f"/project/inbox/task/{task['id']}")
    assert done["createdTime"] == "2026-03-05T00:00:00.000+0000"
    assert (
        done["completedTime"] == done["modifiedTime"] == "2026-03-12T00:00:00.000+0000"
    )
    assert account.post("/task/completed", startDate="2026-03-11T00:00:00Z") == [done]


def test_the_kind_of_a_list_is_in_capitals(account: Account) -> None:
    """The document's example sends it in small letters."""
    assert account.post("/project", name="p", kind="note")["kind"] == "NOTE"
