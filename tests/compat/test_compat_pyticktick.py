"""pyticktick's client on our token: it cannot tell the sandbox from TickTick."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import requests
from clients import client_of
from optional import library
from pages import blocks_of, page
from sandbox_app import call, sent_by
from tables import code_of_cell, table_of

from requests_ticktick import Token

pyticktick = library("pyticktick")

# It has another API as well, of which it wants a password.
pytestmark = pytest.mark.filterwarnings("ignore:Cannot signon to v2:UserWarning")


@pytest.fixture
def auth(sandbox):
    return client_of(sandbox)


@pytest.fixture
def page_says(auth, sandbox, monkeypatch):
    """Run the block of the page that has this line; return what it has named."""
    monkeypatch.setenv("PYTICKTICK_V1_BASE_URL", sandbox.url("/open/v1/"))

    def run(line):
        token = auth.token()
        (code,) = [each for each in blocks_of(page("migrating")) if line in each]
        names = {
            "auth": auth,
            "pyticktick": pyticktick,
            "value": token.access_token,
            "expiration": token.expires_at,
        }
        exec(code, names)
        return names

    return run


@pytest.fixture
def client(page_says):
    return page_says("client = pyticktick.Client(")["client"]


def test_its_eleven_methods_are_the_requests_of_the_page(auth, client, sandbox):
    """What both columns of the table send differs by nulls at most."""
    project = client.create_project_v1({"name": "Work"}).root
    task = client.create_task_v1({"title": "Ship", "project_id": project.id})
    given = {"project_id": project.id, "task_id": task.id}
    rows = table_of("migrating", "pyticktick", "requests, with this auth")
    assert {theirs.partition("(")[0][9:] for theirs, _ in rows} == {
        name for name in dir(client) if name.endswith("_v1") and name[0] != "_"
    }

    with requests.Session() as session:
        session.auth = auth
        names = {"client": client, "session": session, "API": sandbox.url("/open/v1")}
        for row in rows:
            theirs, ours = (compile(code_of_cell(c), c, "eval") for c in row)
            sent = sent_by(lambda code=theirs: eval(code, {**names, **given}), sandbox)
            assert (
                sent_by(lambda code=ours: eval(code, {**names, **given}), sandbox)
                == sent
            )

    assert len(rows) == 11
    assert sandbox.sign_ons == 1


def test_its_models_take_what_the_sandbox_says(client):
    """They are strict about types, and have every field that they require."""
    project = client.create_project_v1(
        {"name": "Trip", "color": "#f18181", "view_mode": "kanban", "kind": "NOTE"}
    ).root
    item = {"title": "Socks", "status": True, "start_date": "2026-03-05T09:00:00+0000"}
    fields = {
        "content": "for a week",
        "due_date": "2026-03-05T09:00:00Z",
        "items": [item],
    }

    task = client.create_task_v1({"title": "a", "project_id": project.id, **fields})
    changed = client.update_task_v1(
        task.id, {"id": task.id, "project_id": project.id, "title": "b"}
    )

    assert (project.view_mode, project.kind, project.color) == (
        "kanban",
        "NOTE",
        "#f18181",
    )
    assert task.due_date == "2026-03-05T09:00:00.000+0000"
    assert (task.content, task.is_all_day, task.priority) == ("for a week", False, 0)
    assert (task.items[0].title, task.items[0].status) == ("Socks", True)
    # An update sends all other fields as nulls.
    assert changed.model_dump() == {**task.model_dump(), "title": "b"}
    assert client.get_task_v1(project.id, task.id) == changed
    data = client.get_project_with_data_v1(project.id)
    assert (data.project, data.tasks, data.columns) == (project, [changed], [])


def test_what_does_not_exist_is_told_as_by_ticktick(client):
    """It knows of answers without a body, which TickTick gives instead of a 404."""
    for read in (client.get_project_v1, lambda key: client.get_task_v1("inbox", key)):
        with pytest.raises(ValueError, match="Response content is empty"):
            read("none")


def test_its_own_retries_wait_out_the_rate_limit(client, sandbox, monkeypatch):
    """The 500 is the one that it looks for."""
    waited = []
    retrying = type(client)._get_api_v1.retry
    monkeypatch.setattr(retrying, "sleep", waited.append)
    sandbox.rate_limit(2)

    assert len(client.get_projects_v1().root) == 3
    assert len(waited) == 2


def test_a_renewed_token_is_found_by_the_class_of_the_page(page_says, client, sandbox):
    """Its own client goes on with the old one."""
    renewing = page_says("def v1_headers")["Client"](
        v1_client_id="-", v1_client_secret="-", v1_token=client.v1_token
    )
    sandbox.revoke_all()
    page_says("def v1_headers")["auth"].sign_on(force=True)

    with pytest.raises(ValueError, match="401"):
        client.get_projects_v1()
    assert len(renewing.get_projects_v1().root) == 3


def test_it_takes_no_personal_token(page_says):
    """Nor does it take any other that is no UUID."""
    token = {"value": "tp_" + "0" * 32, "expiration": 2_000_000_000}

    with pytest.raises(ValueError, match="UUID"):
        pyticktick.Client(v1_client_id="-", v1_client_secret="-", v1_token=token)


SIGN_ON = """
import functools, json, sys, types
import click, pyticktick.settings as settings
from requests_ticktick.sandbox import SandboxSignOn

client_id, client_secret, redirect_uri, base = json.load(sys.stdin)
for name in ("Authorize", "Token"):
    url, made = f"{base}/oauth/{name.lower()}", getattr(settings, f"OAuth{name}URLV1")
    setattr(settings, f"OAuth{name}URLV1", functools.partial(made, base_url=url))
shown = []
click.confirm = lambda text, **_: bool(shown.append(text.split()[2]))
click.prompt = lambda text: SandboxSignOn()(types.SimpleNamespace(url=shown[0]))
token = settings.Settings.v1_signon(client_id, client_secret, redirect_uri)
print(token.model_dump_json())
"""


def test_it_signs_on_at_the_sandbox(sandbox, tmp_path):
    """Without a redirect URI, and with the secret in the URL; what it gets is ours.

    In a process of its own: httpx logs its URLs.
    """
    sandbox.redirect_uri = "http://127.0.0.1:8080/"
    app = [sandbox.client_id, sandbox.client_secret, sandbox.redirect_uri]

    done = subprocess.run(
        [sys.executable, "-c", SIGN_ON],
        input=json.dumps([*app, sandbox.url("").rstrip("/")]),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    token = Token.from_response(json.loads(done.stdout))
    assert token.scope == "tasks:read tasks:write"
    assert call(sandbox, token.access_token).status_code == 200
