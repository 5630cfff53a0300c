"""The calls of other clients, as the page writes them with requests alone."""

from __future__ import annotations

import pytest
import test_readme
from pages import blocks_of, page
from tables import code_of_cell, table_of

#: Runs a block where TickTick is the sandbox.
run = test_readme.run

OURS = "requests, with this auth"


@pytest.fixture
def called(run):
    """Run the block before a table; return what calls the requests in it."""

    def block(of):
        (code,) = [
            each
            for each in blocks_of(page("migrating"))
            if each.strip().startswith("API =") and of in each
        ]
        names = run(code)

        def call(cell, **given):
            return eval(code_of_cell(cell), {}, {**names, **given})

        return call

    return block


def test_the_calls_of_pyticktick_are_requests(called, sandbox):
    """Eleven, in an order in which each has what it needs."""
    call = called("TickTickAuth()")
    answers, given = [], {}
    for _, cell in table_of("migrating", "pyticktick", OURS):
        answers.append(call(cell, **given))
        if '"Trip"' in cell:
            given["project_id"] = answers[-1]["id"]
        if '"Pack"' in cell:
            given["task_id"] = answers[-1]["id"]
        if not given:
            given["project_id"] = answers[0][0]["id"]

    lists, first, data, trip, travel, pack, same, urgent, *emptied = answers
    assert lists[0] == first == data["project"]
    assert travel == {**trip, "name": "Travel"}
    assert same == pack
    assert (urgent["id"], urgent["priority"]) == (pack["id"], 5)
    assert [(each.status_code, each.content) for each in emptied] == [(200, b"")] * 3
    assert sandbox.sign_ons == 1


def test_the_calls_of_ticktick_py_are_requests(called, sandbox):
    """Three: a task is added, changed and completed."""
    sandbox.redirect_uris.append("http://127.0.0.1:8080")
    call = called("your-client-id")
    create, update, complete = (
        cell for _, cell in table_of("migrating", "ticktick-py", OURS)
    )

    task = call(create)
    changed = call(update, task={**task, "title": "Oats"})
    done = call(complete, task=task)

    assert (task["title"], changed["title"]) == ("Milk", "Oats")
    assert (done.status_code, done.text) == (200, "")
    completed = call('``session.post(f"{API}/task/completed", json={}).json()``')
    assert [each["id"] for each in completed] == [task["id"]]
