"""The examples of the documentation, in the frameworks that they are for."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import time
import warnings
from types import ModuleType, SimpleNamespace
from urllib.parse import urlsplit

import pytest
import requests
from clients import client_of
from optional import installed, library
from pages import DOCS, example

from requests_ticktick import Event, FileStore, TickTickAuth
from requests_ticktick.stores.redis import RedisStore

EXAMPLES = DOCS / "examples"
PROJECT = "/open/v1/project"


@pytest.fixture
def here(sandbox, monkeypatch, tmp_path):
    """The sandbox is the service, and the folder is there."""
    for name, value in {
        "TICKTICK_SERVICE": sandbox.url(""),
        "TICKTICK_CLIENT_ID": sandbox.client_id,
        "TICKTICK_CLIENT_SECRET": sandbox.client_secret,
        "TICKTICK_REDIRECT_URI": sandbox.redirect_uri,
        "WEB_SECRET_KEY": "for-signing-cookies",
        "WEB_VAULT": str(tmp_path / "vault"),
    }.items():
        monkeypatch.setenv(name, value)
    return tmp_path


@pytest.fixture
def web(sandbox, here, monkeypatch):
    """The redirect URI is an application's."""
    sandbox.redirect_uri = "https://app.example/ticktick/callback"
    monkeypatch.setenv("TICKTICK_REDIRECT_URI", sandbox.redirect_uri)
    return here


def fresh(name, sandbox, monkeypatch):
    """Import an example anew, whose API is the sandbox's."""
    monkeypatch.delitem(sys.modules, name, raising=False)
    module = example(name)
    monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(module, "API", sandbox.url("/open/v1"), raising=False)
    return module


# -- Web applications --------------------------------------------------------------


def fastapi_browsers(sandbox, monkeypatch):
    library("fastapi")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it prefers another client than httpx
        testclient = library("fastapi.testclient")
    app = fresh("fastapi_app", sandbox, monkeypatch).app

    def browser():
        client = testclient.TestClient(app, "https://app.example")

        def get(path):
            answer = client.get(path, follow_redirects=False)
            return answer.status_code, answer.headers.get("location"), answer.text

        return get

    return browser


def django_browsers(sandbox, monkeypatch):
    django = library("django")
    from django.conf import settings

    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=["app.example"],
            MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
            ROOT_URLCONF="django_views",
            SECRET_KEY="for-signing-cookies",
            SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        )
        django.setup()
    module = fresh("django_views", sandbox, monkeypatch)
    monkeypatch.setitem(sys.modules, "django_views", module)
    from django.test import Client
    from django.urls import clear_url_caches

    clear_url_caches()

    def browser():
        client = Client(headers={"host": "app.example"})

        def get(path):
            answer = client.get(path)
            return answer.status_code, answer.get("Location"), answer.text

        return get

    return browser


@pytest.fixture(params=[fastapi_browsers, django_browsers], ids=["FastAPI", "Django"])
def browsers(request, sandbox, web, monkeypatch, caplog):
    # What a browser sees is its user's; this one writes it into a log.
    for name in ("httpx", "httpx2"):
        caplog.set_level(logging.WARNING, logger=name)
    return request.param(sandbox, monkeypatch)


def granted(sandbox, get):
    """Where TickTick sends a user who connects and allows access."""
    _, url, _ = get("/ticktick/connect")
    back = urlsplit(sandbox.sign_on(SimpleNamespace(url=url)))
    return f"{back.path}?{back.query}"


def test_two_users_of_a_web_application_connect(sandbox, browsers):
    """Each has a token of their own, and sees a link until then."""
    for _ in range(2):
        get = browsers()
        assert "Connect TickTick" in get("/")[2]

        status, location, _ = get(granted(sandbox, get))

        assert (status // 100, location) == (3, "/")
        assert "Groceries" in get("/")[2]
    assert sandbox.sign_ons == 2


def test_a_web_application_takes_a_redirect_from_its_user_alone(sandbox, browsers):
    """A stranger's link and a refusal are errors that say what to do."""
    stranger, user = browsers(), browsers()
    user("/")

    status, _, text = user(granted(sandbox, stranger))
    sandbox.deny()
    denied = user(granted(sandbox, user))

    assert (status, denied[0]) == (400, 400)
    assert "begin the sign-on again" in text
    assert "Sign on again" in denied[2]


def test_a_web_application_says_when_ticktick_is_out_of_order(sandbox, browsers):
    """It is not the user's fault, and passes."""
    get = browsers()
    sandbox.fail(1, 503)

    status, _, text = get(granted(sandbox, get))

    assert status == 502
    assert "Wait a minute" in text


# -- Workers -----------------------------------------------------------------------


@contextlib.contextmanager
def program(*command, cwd):
    """Run a Python program, which can import the examples, until the block ends."""
    path = os.pathsep.join([str(DOCS.parent), str(EXAMPLES)])
    env = {**os.environ, "PYTHONPATH": path}
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


#: Runs an example whose API is elsewhere.
MOVED = """\
import {name} as moved
moved.API = {api!r}
from {name} import *
"""


def moved(name, sandbox, folder):
    """Write a module that is an example, but for the address of the API."""
    code = MOVED.format(name=name, api=sandbox.url("/open/v1"))
    (folder / "moved_example.py").write_text(code)
    return "moved_example"


def test_workers_of_celery_share_the_token_in_redis(
    sandbox, here, start_redis, monkeypatch
):
    """Two forked workers answer eight tasks; nobody is asked again."""
    celery = library("celery")
    server = start_redis()
    redis_url = f"redis://127.0.0.1:{server.port}/0"
    monkeypatch.setenv("REDIS_URL", redis_url)
    with contextlib.closing(server.client()) as client:
        client_of(sandbox, RedisStore(client)).token()
    app = moved("celery_tasks", sandbox, here)
    options = ("--pool", "prefork", "--concurrency", "2", "--without-mingle")
    command = ("celery", "-A", app, "--result-backend", redis_url, "worker")

    with (
        program(*command, *options, cwd=here),
        celery.Celery(broker=redis_url, backend=redis_url) as caller,
    ):
        sent = [caller.send_task("celery_tasks.count_projects") for _ in range(8)]
        counts = [each.get(timeout=60) for each in sent]

    assert len(set(counts)) == 1
    assert sandbox.sign_ons == 1
    assert sandbox.api_calls == 8


@pytest.mark.skipif(os.name != "posix", reason="gunicorn forks")
def test_workers_of_gunicorn_share_an_auth_that_was_made_before(sandbox, here):
    """With --preload, after the parent has used it; the API is called by each."""
    installed("gunicorn")
    FileStore().save(client_of(sandbox).token())
    socket = here / "socket"
    name = moved("wsgi_app", sandbox, here)
    with (here / f"{name}.py").open("a") as file:
        file.write("auth.token()\n")
    options = ("--preload", "--workers", "3", "--threads", "4", "--bind")

    with program("gunicorn", *options, f"unix:{socket}", f"{name}:app", cwd=here):
        answers = [ask(socket) for _ in range(12)]

    assert all("200 " in answer and "Groceries" in answer for answer in answers)
    assert sandbox.sign_ons == 1


def ask(path, seconds=60):
    """Send a request to a socket as soon as somebody listens there."""
    import socket

    end = time.monotonic() + seconds
    while True:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(path))
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.05)
                continue
            client.settimeout(seconds)
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            with client.makefile("r") as answer:
                return answer.read()


def test_a_task_of_airflow_passes_what_its_connection_has(sandbox, here, monkeypatch):
    """``HttpHook`` makes the auth; this one does it as that one does."""
    FileStore().save(client_of(sandbox).token())

    class HttpHook:
        def __init__(self, method, http_conn_id, auth_type):
            assert (method, http_conn_id) == ("GET", "ticktick")
            self.auth = auth_type(sandbox.client_id, sandbox.client_secret)

        def run(self, path):
            return requests.get(sandbox.url(path), auth=self.auth)

    for name in ("", ".providers", ".providers.http", ".providers.http.hooks"):
        monkeypatch.setitem(sys.modules, f"airflow{name}", ModuleType("airflow"))
    monkeypatch.setitem(
        sys.modules,
        "airflow.providers.http.hooks.http",
        SimpleNamespace(HttpHook=HttpHook),
    )

    projects = fresh("airflow_tasks", sandbox, monkeypatch).projects()

    assert projects[0]["name"] == "Groceries"


# -- Metrics -----------------------------------------------------------------------


def told(module):
    """Tell an example of a sign-on and of the end."""
    module.on_event(Event("signed_on", expires_at=1_800_000_000.0))
    module.on_event(Event("waiting"))
    TickTickAuth(on_event=module.on_event)


def test_prometheus_counts_events_and_knows_the_end(sandbox, monkeypatch):
    """Under the names that the page's alert has."""
    prometheus = library("prometheus_client")

    told(fresh("metrics_prometheus", sandbox, monkeypatch))

    shown = prometheus.generate_latest().decode()
    assert 'ticktick_token_events_total{kind="signed_on"} 1.0' in shown
    assert "ticktick_token_expires_at 1.8e+09" in shown


def test_opentelemetry_counts_events_and_knows_the_end(sandbox, monkeypatch):
    """By its SDK, as a program sets it up."""
    library("opentelemetry.sdk")
    from opentelemetry import metrics
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(metrics, "get_meter", provider.get_meter)

    told(fresh("metrics_opentelemetry", sandbox, monkeypatch))

    (resource,) = reader.get_metrics_data().resource_metrics
    (scope,) = resource.scope_metrics
    values = {
        (metric.name, point.attributes.get("kind")): point.value
        for metric in scope.metrics
        for point in metric.data.data_points
    }
    assert values == {
        ("ticktick.token.events", "signed_on"): 1,
        ("ticktick.token.events", "waiting"): 1,
        ("ticktick.token.expires_at", None): 1_800_000_000.0,
    }
    provider.shutdown()
