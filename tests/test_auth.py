"""The wire: who sees the token, and what a 401 leads to."""

from __future__ import annotations

import copy
import hashlib
import io
import logging
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import requests
from clients import client_of
from paths import PROJECT

import requests_ticktick
from requests_ticktick import (
    DIDA365,
    TICKTICK,
    FileStore,
    MemoryStore,
    TickTickAuth,
    Token,
    refuse,
)

ECHO = "/open/v1/echo"


def prepared(url="https://api.ticktick.com/open/v1/project", **kwargs):
    return requests.Request("GET", url, **kwargs).prepare()


# -- the header ----------------------------------------------------------------


def test_three_lines_are_enough(session, sandbox):
    """Three lines of code call the API; the sign-on happens by itself."""
    response = session.get(sandbox.url(PROJECT))

    assert response.status_code == 200
    assert (sandbox.sign_ons, sandbox.token_requests, sandbox.api_calls) == (1, 1, 1)
    session.get(sandbox.url(PROJECT))
    assert (sandbox.sign_ons, sandbox.token_requests, sandbox.api_calls) == (1, 1, 2)


def test_the_constructor_does_no_io(tmp_path, monkeypatch):
    """It opens no file, socket or browser, and needs no credentials."""
    monkeypatch.setattr("builtins.open", None)
    monkeypatch.setattr("os.open", None)

    auth = TickTickAuth()

    assert repr(auth) == "<TickTickAuth https://ticktick.com/oauth/authorize>"


def test_the_scope_may_be_the_fourth_argument():
    """As in ticktick-py; all that follows is named."""
    auth = TickTickAuth("id", "secret", "http://127.0.0.1:8080", "tasks:read")

    assert "scope=tasks%3Aread&" in auth.begin_sign_on().url
    with pytest.raises(TypeError, match="positional"):
        TickTickAuth("id", "secret", "uri", "tasks:read", MemoryStore())


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"store": "token.json"}, TypeError, "store must be a TokenStore .* not str"),
        ({"store": FileStore}, TypeError, "store must be a TokenStore .* not ABCMeta"),
        ({"leeway": None}, TypeError, "leeway must be a number of .*, not NoneType"),
        ({"leeway": "60"}, TypeError, "leeway must be a number of seconds, not str"),
        ({"leeway": True}, TypeError, "leeway must be a number of seconds, not bool"),
        ({"leeway": -1}, ValueError, "leeway must be 0 or more seconds, not -1"),
        ({"leeway": float("nan")}, ValueError, "leeway must be 0 or more .*, not nan"),
        ({"leeway": float("inf")}, ValueError, "leeway must be 0 or more .*, not inf"),
    ],
)
def test_an_argument_of_a_wrong_type_is_refused_by_the_constructor(
    options, kind, message
):
    """The first request would blame the store."""
    with pytest.raises(kind, match=message):
        TickTickAuth(**options)


def test_a_request_to_another_host_is_unchanged():
    """It gets no header and no hook, and starts no sign-on."""
    auth = TickTickAuth(sign_on=refuse)

    request = prepared("https://example.org/", auth=auth)

    assert "Authorization" not in request.headers
    assert request.hooks["response"] == []


def test_a_personal_api_token_needs_nothing_else():
    """``tp_`` tokens are TickTick's, ``dp_`` tokens Dida365's."""
    request = prepared(auth=TickTickAuth.from_token("tp_1"))
    assert request.headers["Authorization"] == "Bearer tp_1"

    auth = TickTickAuth.from_token("dp_1")
    request = prepared("https://api.dida365.com/open/v1/project", auth=auth)
    assert request.headers["Authorization"] == "Bearer dp_1"
    assert "Authorization" not in prepared(auth=auth).headers

    auth = TickTickAuth.from_token(Token("dp_1"), service=TICKTICK)
    assert prepared(auth=auth).headers["Authorization"] == "Bearer dp_1"
    assert DIDA365.api_origins != TICKTICK.api_origins


def test_the_environment_is_read_by_default(monkeypatch):
    """``TICKTICK_TOKEN`` alone is enough."""
    monkeypatch.setenv("TICKTICK_TOKEN", "{'access_token': 'from-env'}")

    request = prepared(auth=TickTickAuth())

    assert request.headers["Authorization"] == "Bearer from-env"


def test_the_default_file_is_used_by_default(monkeypatch, tmp_path):
    """A process finds the token that another one saved."""
    FileStore().save(Token("from-file", scope="tasks:read tasks:write"))

    assert prepared(auth=TickTickAuth()).headers["Authorization"] == "Bearer from-file"


def test_one_hook_is_registered_however_often_the_auth_is_applied():
    """The user's own hooks stay."""
    auth = TickTickAuth.from_token("tp_1")
    request = prepared(auth=auth, hooks={"response": print})
    auth(request)

    assert len(request.hooks["response"]) == 2
    assert request.hooks["response"][0] is print


def file_from(offset):
    def open_file(path):
        file = path.open("rb")
        file.seek(offset)
        return {"data": file}

    return open_file


BODIES = {
    "none": lambda path: {},
    "bytes": lambda path: {"data": b"\x00\xff" * 1000},
    "str": lambda path: {"data": "text"},
    "form": lambda path: {"data": {"a": "1", "b": ["2", "3"]}},
    "json": lambda path: {"json": {"a": [1, None]}},
    "file": file_from(0),
    "file from its offset": file_from(7),
    "BytesIO": lambda path: {"data": io.BytesIO(b"z" * 5000)},
    "multipart": lambda path: {"files": {"f": ("n.txt", io.BytesIO(b"part" * 999))}},
}


# -- the body ------------------------------------------------------------------


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_is_sent_again_byte_for_byte(sandbox, session, tmp_path, kind):
    """The second request has the same body as the first."""
    session.get(sandbox.url(PROJECT))
    sandbox.revoke_all()

    path = tmp_path / "body"
    path.write_bytes(b"skipped" + b"x" * 100_000)
    options = BODIES[kind](path)
    response = session.post(sandbox.url(ECHO), **options)
    if hasattr(options.get("data"), "close"):
        options["data"].close()

    first, second = [r for r in sandbox.received if r.path == ECHO]
    assert response.status_code == 200
    assert second.body == first.body
    assert response.json()["sha256"] == hashlib.sha256(first.body).hexdigest()
    differing = {
        name
        for name in {*first.headers, *second.headers}
        if first.headers.get(name) != second.headers.get(name)
    }
    assert differing == {"Authorization"}


def test_a_body_that_can_be_read_only_once_is_not_sent_again(sandbox, session):
    """A generator is used up: the 401 is returned and the next call succeeds."""
    session.get(sandbox.url(PROJECT))
    sandbox.revoke_all()

    response = session.post(sandbox.url(ECHO), data=iter([b"once", b"only"]))

    assert response.status_code == 401
    assert sandbox.sign_ons == 2
    assert session.post(sandbox.url(ECHO), data=b"again").status_code == 200
    assert sandbox.sign_ons == 2


def test_a_closed_file_is_not_sent_again(sandbox, session, tmp_path):
    """The 401 is returned and no partial body is sent."""
    session.get(sandbox.url(PROJECT))
    sandbox.revoke_all()
    file = io.BytesIO(b"body")

    def close(response, **_):
        file.close()

    request = requests.Request("POST", sandbox.url(ECHO), data=file)
    request = session.prepare_request(request)
    request.hooks["response"].insert(0, close)

    assert session.send(request).status_code == 401


# -- what stays honest ---------------------------------------------------------


def test_cookies_of_the_401_are_sent_and_kept(sandbox, session):
    """They are handled as requests does after a redirect."""
    session.get(sandbox.url(PROJECT))
    session.cookies.set("mine", "1")
    sandbox.fail(1, 401, endpoint="api", headers={"Set-Cookie": "theirs=2; Path=/"})

    session.get(sandbox.url(PROJECT))

    assert sandbox.received[-1].headers["Cookie"] == "mine=1; theirs=2"
    assert session.cookies["theirs"] == "2"


def test_the_callers_cookie_header_is_kept(sandbox, session):
    """A header that the caller set has precedence over the cookie jar."""
    session.get(sandbox.url(PROJECT))
    sandbox.fail(1, 401, endpoint="api", headers={"Set-Cookie": "theirs=2; Path=/"})

    session.get(sandbox.url(PROJECT), headers={"Cookie": "raw=1"})

    assert sandbox.received[-1].headers["Cookie"] == "raw=1"


def test_the_second_request_uses_the_options_of_the_first(sandbox, auth):
    """The call's time-out, certificates and proxies apply to both."""
    sent = []

    class Recorder(requests.adapters.HTTPAdapter):
        def send(self, request, **kwargs):
            sent.append(kwargs)
            return super().send(request, **kwargs)

    with requests.Session() as session:
        session.auth = auth
        session.mount("http://", Recorder())
        session.get(sandbox.url(PROJECT))
        sandbox.revoke_all()
        response = session.get(
            sandbox.url(PROJECT), timeout=(3, 7), verify=False, stream=True
        )

    assert response.status_code == 200
    assert sent[1] == sent[2]
    assert sent[2]["timeout"] == (3, 7)
    assert sent[2]["stream"] is True
    assert sent[2]["verify"] is False
    assert response.elapsed > timedelta(0)
    assert response.history[0].elapsed > timedelta(0)
    assert "error" in response.history[0].json()
    assert (
        response.request.headers["Authorization"]
        != (response.history[0].request.headers["Authorization"])
    )


def test_a_response_without_a_connection_is_unchanged(auth, sandbox):
    """Mocks, caches and pickles make responses that cannot send again."""
    response = requests.Response()
    response.status_code = 401
    response.request = prepared(sandbox.url(PROJECT), auth=auth)

    (hook,) = response.request.hooks["response"]
    sandbox.revoke_all()

    assert hook(response) is response


# -- copies --------------------------------------------------------------------


def test_a_pickled_response_contains_no_client_secret(sandbox, session):
    """A cache of responses stores no credentials."""
    response = session.get(sandbox.url(PROJECT))

    data = pickle.dumps(response)

    assert sandbox.client_secret.encode() not in data
    (hook,) = pickle.loads(data).request.hooks["response"]
    assert hook(response) is None


def test_a_request_recorded_as_yaml_contains_no_token(require_module):
    """It is masked for vcrpy and others, with either of PyYAML's dumpers."""
    yaml = require_module("yaml")
    auth = TickTickAuth.from_token("tp_1")
    request = requests.Request(
        "GET", "https://api.ticktick.com/open/v1", auth=auth
    ).prepare()
    headers = dict(request.headers)

    for text in (yaml.safe_dump(headers), yaml.dump(headers)):
        assert yaml.safe_load(text)["Authorization"] == "Bearer ***"
        assert "tp_1" not in text


@pytest.mark.parametrize(
    "clone", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_session_with_an_auth_can_be_copied(sandbox, session, clone):
    """The copy finds the same token and starts no sign-on."""
    session.get(sandbox.url(PROJECT))

    with clone(session) as other:
        assert other.get(sandbox.url(PROJECT)).status_code == 200

    assert sandbox.sign_ons == 1


def test_one_auth_serves_many_sessions_and_threads(sandbox, auth):
    """All share one sign-on, and each gets its 401 handled."""
    barrier = threading.Barrier(8)

    def work(_):
        with requests.Session() as session:
            session.auth = auth
            barrier.wait()
            return session.get(sandbox.url(PROJECT)).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(work, range(8))) == {200}
        assert sandbox.sign_ons == 1
        sandbox.revoke_all()
        assert set(pool.map(work, range(8))) == {200}

    assert sandbox.sign_ons == 2


def test_a_request_prepared_in_one_thread_is_sent_in_another(sandbox, session):
    """The hook is bound to the request and not to the thread."""
    request = session.prepare_request(requests.Request("GET", sandbox.url(PROJECT)))
    sandbox.revoke_all()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(session.send, request).result().status_code == 200


# -- the package ---------------------------------------------------------------


def test_the_documented_names_are_exported():
    """``from requests_ticktick import *`` imports all of them."""
    for name in requests_ticktick.__all__:
        assert getattr(requests_ticktick, name) is not None
    with pytest.raises(AttributeError):
        requests_ticktick.no_such_name  # noqa: B018 - reading it is the test


def test_a_missing_credential_is_reported_at_the_first_request(sandbox):
    """Not before, because a store may have the token."""
    auth = TickTickAuth(service=sandbox.service, store=MemoryStore())

    with pytest.raises(requests.RequestException, match="TICKTICK_CLIENT_ID"):
        requests.get(sandbox.url(PROJECT), auth=auth)


def test_no_secret_is_logged_from_sign_on_to_refresh(
    sandbox, secrets, caplog, tmp_path
):
    """At DEBUG, the log has no token, code, client secret or state."""
    caplog.set_level(logging.DEBUG)
    sandbox.refresh_tokens = True
    secrets.watch(lambda: sandbox.secrets)
    auth = client_of(sandbox, FileStore(tmp_path / "t.json"))
    with requests.Session() as session:
        session.auth = auth
        session.get(sandbox.url(PROJECT))
        sandbox.revoke_all()
        session.get(sandbox.url(PROJECT))
        sandbox.revoke_all(refresh_tokens=True)
        session.get(sandbox.url(PROJECT))

    assert sandbox.sign_ons == 2
    assert len(caplog.records) > 10
    secrets.check(caplog.text)
