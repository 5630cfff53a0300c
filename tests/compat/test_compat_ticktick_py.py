"""ticktick-py's methods of the Open API, unchanged, with our token."""

from __future__ import annotations

import pytest
from optional import library
from sandbox_app import sent_by
from tables import code_of_cell, table_of

from requests_ticktick.compat import OAuth2

api = library("ticktick.api")


class Client(api.TickTickClient):
    """Without the calls of the other API, which are made by password."""

    def _prepare_session(self, username, password):
        pass

    def sync(self):
        return self.state


@pytest.fixture
def oauth(sandbox, tmp_path):
    app = sandbox.client_id, sandbox.client_secret, sandbox.redirect_uri
    cache = str(tmp_path / ".token-oauth")
    here = {"service": sandbox.service, "sign_on": sandbox.sign_on}
    oauth = OAuth2(*app, cache_path=cache, **here)
    with oauth.session:
        yield oauth


@pytest.fixture
def client(oauth, sandbox, monkeypatch):
    monkeypatch.setattr(Client, "OPEN_API_BASE_URL", sandbox.url("").rstrip("/"))
    return Client("me@example.com", "a-password", oauth)


def test_a_task_is_added_changed_and_completed(client, sandbox):
    """Each answer is of the kind that the next call takes."""
    start = "2027-07-05T21:30:00.000+0000"  # as its builder writes dates
    task = client.task.create({"title": "Milk", "startDate": start, "dueDate": start})

    changed = client.task.update({**task, "title": "Oat milk"})
    done = client.task.complete(changed)

    assert (task["title"], task["startDate"], task["status"]) == ("Milk", start, 0)
    assert task["projectId"].startswith("inbox")
    assert changed["title"] == "Oat milk"
    assert done == changed  # as TickTick's answer is empty
    assert sandbox.sign_ons == 1


def test_its_three_methods_are_the_requests_of_the_page(client, oauth, sandbox):
    """Both columns of the table send the same."""
    oauth.session.auth = oauth.auth
    names = {
        "client": client,
        "session": oauth.session,
        "API": sandbox.url("/open/v1"),
        "task": client.task.create({"title": "Eggs"}),
    }
    rows = table_of("migrating", "ticktick-py", "requests, with this auth")

    for row in rows:
        theirs, ours = (compile(code_of_cell(cell), cell, "eval") for cell in row)
        sent = sent_by(lambda code=theirs: eval(code, names), sandbox)
        assert sent_by(lambda code=ours: eval(code, names), sandbox) == sent

    assert len(rows) == 3


def test_a_revoked_token_is_renewed_under_it(client, oauth, sandbox):
    """It put the old one into its headers. The session's auth has the last word."""
    oauth.session.auth = oauth.auth
    sandbox.revoke_all()

    assert client.task.create({"title": "Bread"})["title"] == "Bread"
    assert sandbox.sign_ons == 2
