"""Other clients of the Open API, unchanged: none can tell the sandbox from TickTick."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime, timedelta, timezone

import pytest
from clients import client_of
from optional import library

DUE = datetime(2026, 3, 5, 9, tzinfo=timezone.utc)
WORK = "Work"


@pytest.fixture
def token(sandbox):
    return client_of(sandbox).token().access_token


# -- dida365-api -------------------------------------------------------------------


@pytest.fixture
def on_dida365(sandbox, token):
    """Run a function of dida365-api's client, which knows most of the document."""
    dida365 = library("dida365")

    def run(use):
        async def main():
            client = dida365.Dida365Client(
                client_id="-", client_secret="-", access_token=token, save_to_env=False
            )
            client.http.config.custom_base_url = sandbox.url("")
            try:
                return await use(client)
            finally:
                await client.http.close()

        return asyncio.run(main())

    return run


def test_dida365_api_knows_the_lists(on_dida365):
    """Lists, groups and columns, made, read, changed and deleted."""
    models = library("dida365.models.project")

    async def use(client):
        made = await client.create_project(
            models.ProjectCreate(name="Trip", color="#F18181", view_mode="kanban")
        )
        column = await client.create_column(made.id, models.ColumnCreate(name="To do"))
        named = models.ColumnUpdate(name="Next")
        assert (await client.update_column(made.id, column.id, named)).name == "Next"
        assert [c.name for c in await client.get_columns(made.id)] == ["Next"]
        changed = await client.update_project(
            models.ProjectUpdate(id=made.id, name="Travel")
        )
        assert changed.name == (await client.get_project(made.id)).name == "Travel"
        data = await client.get_project_with_data(made.id)
        assert (data.project.id, data.tasks, len(data.columns)) == (made.id, [], 1)
        await client.delete_project(made.id)
        assert WORK in [p.name for p in await client.get_projects()]

        group = await client.create_project_group(models.ProjectGroupCreate(name="G"))
        named = models.ProjectGroupUpdate(name="H")
        assert (await client.update_project_group(group.id, named)).name == "H"
        assert [g.id for g in await client.get_project_groups()] == [group.id]
        await client.delete_project_group(group.id)
        assert await client.get_project_groups() == []
        return made.id

    gone = on_dida365(use)
    with pytest.raises(library("dida365").NotFoundError):
        on_dida365(lambda client: client.get_project(gone))


def test_dida365_api_knows_the_tasks(on_dida365):
    """Filtered, moved, commented on and completed; dates are its ``datetime``."""
    models = library("dida365.models.task")

    async def use(client):
        (work,) = [p.id for p in await client.get_projects() if p.name == WORK]
        task = await client.create_task(
            models.TaskCreate(project_id=work, title="Ship", due_date=DUE, tags=["now"])
        )
        assert (task.due_date, task.start_date) == (DUE, DUE)
        same = await client.get_task(work, task.id)
        named = models.TaskUpdate(id=task.id, project_id=work, title="Shipped")
        changed = await client.update_task(named)
        assert (same.title, changed.title) == ("Ship", "Shipped")
        assert changed.due_date == DUE

        later = DUE + timedelta(days=1)
        found = await client.filter_tasks([work], DUE, later, tag=["now"], status=[0])
        assert [each.id for each in found] == [task.id]
        move = models.TaskMoveItem(
            from_project_id=work, to_project_id="inbox", task_id=task.id
        )
        assert [each.id for each in await client.move_task([move])] == [task.id]

        comment = await client.add_task_comment("inbox", task.id, "Well done")
        comments = await client.get_task_comments("inbox", task.id)
        assert [each.title for each in comments] == ["Well done"]
        await client.delete_task_comment("inbox", task.id, comment.id)

        await client.complete_task("inbox", task.id)
        done = await client.get_completed_tasks(["inbox"])
        assert [each.id for each in done] == [task.id]
        assert done[0].completed_time is not None
        await client.delete_task("inbox", task.id)
        assert await client.get_completed_tasks() == []

    on_dida365(use)


def test_dida365_api_finds_an_account_with_little_in_it(on_dida365):
    """No habit, focus or countdown; and the tags that it makes."""
    tags = library("dida365.models.task")
    focus = library("dida365.models.focus").FocusType.POMODORO

    async def use(client):
        await client.create_tag(tags.TagCreate(name="work", label="Work"))
        assert [tag.label for tag in await client.get_tags()] == ["Work"]
        day = "2026-03-05T00:00:00+0000"
        return [
            *await client.get_all_habits(),
            *await client.get_countdowns(),
            *await client.get_focuses(day, day, focus),
            *await client.get_habit_checkins("none", 20260301, 20260305),
        ]

    assert on_dida365(use) == []


# -- ticktick-sdk ------------------------------------------------------------------


@pytest.mark.skipif(sys.version_info < (3, 11), reason="ticktick-sdk needs Python 3.11")
def test_ticktick_sdk_works(sandbox, token, monkeypatch):
    """It tells what does not exist from TickTick's answers without a body."""
    module = library("ticktick_sdk.api.v1.client")
    missing = library("ticktick_sdk.exceptions").TickTickNotFoundError
    monkeypatch.setattr(module, "get_api_base_v1", lambda: sandbox.url("/open/v1"))

    async def main():
        app = {
            "client_id": "-",
            "client_secret": "-",
            "redirect_uri": "http://localhost/",
        }
        async with module.TickTickV1Client(**app, access_token=token) as client:
            project = await client.create_project("Trip", color="#F18181")
            task = await client.create_task("Pack", project["id"])
            changed = await client.update_task(
                task["id"], project["id"], title="Packed"
            )
            assert await client.get_task(project["id"], task["id"]) == changed
            data = await client.get_project_with_data(project["id"])
            assert data["tasks"] == [changed]
            await client.complete_task(project["id"], task["id"])
            await client.delete_task(project["id"], task["id"])
            await client.delete_project(project["id"])
            assert await client.get_project_with_data(project["id"]) == {}
            with pytest.raises(missing, match="empty response"):
                await client.get_project(project["id"])
            with pytest.raises(missing, match="empty response"):
                await client.get_task("inbox", "none")

    asyncio.run(main())


# -- An MCP server's client --------------------------------------------------------


def test_mcp_server_ticktick_works(sandbox, token, monkeypatch, tmp_path):
    """With the token in the variable that most of them read."""
    monkeypatch.setenv("TICKTICK_ACCESS_TOKEN", token)
    monkeypatch.setenv("TICKTICK_BASE_URL", sandbox.url("/open/v1"))
    client = library("ticktick_mcp.src.ticktick_client").TickTickClient()

    project = client.create_project("Trip")
    task = client.create_task(
        "Pack", project["id"], due_date="2026-03-05T09:00:00+0000"
    )
    part = client.create_subtask("Socks", task["id"], project["id"])
    changed = client.update_task(task["id"], project["id"], title="Packed")

    assert (task["dueDate"], changed["title"]) == (
        "2026-03-05T09:00:00.000+0000",
        "Packed",
    )
    assert part["parentId"] == task["id"]
    assert client.get_project_with_data(project["id"])["tasks"] == [changed, part]
    emptied = [
        client.complete_task(project["id"], task["id"]),
        client.delete_task(project["id"], task["id"]),
        client.delete_project(project["id"]),
        client.get_project(project["id"]),
    ]
    assert emptied == [{}] * 4
