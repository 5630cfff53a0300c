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
from clients import Person, client_of

import requests_ticktick
from requests_ticktick import (
    DIDA365,
    TICKTICK,
    AuthorizationDeniedError,
    ChainStore,
    EnvStore,
    FileStore,
    MemoryStore,
    TickTickAuth,
    Token,
    TokenEndpointError,
    refuse,
)
from requests_ticktick.sandbox import Sandbox

PROJECT = "/open/v1/project"
ECHO = "/open/v1/echo"


def prepared(url="https://api.ticktick.com/open/v1/project", **kwargs):
    return requests.Request("GET", url, **kwargs).prepare()


# -- the header --------------------------------------------------------------------


def test_three_lines_are_enough(session, sandbox):
    """A session with the auth calls the API; the sign-on happened by itself."""
    response = session.get(sandbox.url(PROJECT))

    assert response.status_code == 200
    assert (sandbox.sign_ons, sandbox.token_requests, sandbox.api_calls) == (1, 1, 1)
    session.get(sandbox.url(PROJECT))
    assert (sandbox.sign_ons, sandbox.token_requests, sandbox.api_calls) == (1, 1, 2)


def test_a_constructor_does_nothing(tmp_path, monkeypatch):
    """It opens no file, no socket and no browser, and needs no credentials."""
    monkeypatch.setattr("builtins.open", None)
    monkeypatch.setattr("os.open", None)

    auth = TickTickAuth()

    assert repr(auth) == "<TickTickAuth https://ticktick.com/oauth/authorize>"


def test_a_request_elsewhere_is_left_alone():
    """No header, no hook, and no sign-on for it."""
    auth = TickTickAuth(sign_on=refuse)

    request = prepared("https://example.org/", auth=auth)

    assert "Authorization" not in request.headers
    assert request.hooks["response"] == []


def test_a_personal_api_token_needs_nothing_else():
    """``tp_`` is TickTick's, ``dp_`` Dida365's."""
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
    """``TICKTICK_TOKEN`` alone makes it work."""
    monkeypatch.setenv("TICKTICK_TOKEN", "{'access_token': 'from-env'}")

    request = prepared(auth=TickTickAuth())

    assert request.headers["Authorization"] == "Bearer from-env"


def test_the_default_file_is_used_by_default(monkeypatch, tmp_path):
    """What one process saved, the next one finds."""
    FileStore().save(Token("from-file", scope="tasks:read tasks:write"))

    assert prepared(auth=TickTickAuth()).headers["Authorization"] == "Bearer from-file"


def test_one_hook_is_registered_however_often_the_auth_is_applied():
    """And the user's own hooks stay."""
    auth = TickTickAuth.from_token("tp_1")
    request = prepared(auth=auth, hooks={"response": print})
    auth(request)

    assert len(request.hooks["response"]) == 2
    assert request.hooks["response"][0] is print


# -- a 401 -------------------------------------------------------------------------


def test_a_revoked_token_is_replaced_once(sandbox, session):
    """The first 401 starts one sign-on; the request is sent again and succeeds."""
    session.get(sandbox.url(PROJECT))
    sandbox.revoke_all()

    response = session.get(sandbox.url(PROJECT))

    assert response.status_code == 200
    assert [r.status_code for r in response.history] == [401]
    assert sandbox.sign_ons == 2
    assert sandbox.api_calls == 3


def test_a_second_401_is_the_callers(sandbox, session):
    """One answer by construction: what is sent again is not answered again."""
    session.get(sandbox.url(PROJECT))
    sandbox.fail(2, 401, endpoint="api")

    response = session.get(sandbox.url(PROJECT))

    assert response.status_code == 401
    assert sandbox.api_calls == 3
    assert sandbox.sign_ons == 2


def test_a_sibling_s_token_answers_a_401_first(sandbox, tmp_path):
    """The store is read before anybody is asked."""
    store = FileStore(tmp_path / "t.json")
    one, two = client_of(sandbox, store), client_of(sandbox, store)
    old = one.token()
    two.token()
    sandbox.revoke_all()
    assert two.source.token(instead_of=old) is not old

    response = requests.get(sandbox.url(PROJECT), auth=one)

    assert response.status_code == 200
    assert sandbox.sign_ons == 2


def test_tokens_that_were_refused_in_turn_do_not_take_turns(
    sandbox, tmp_path, monkeypatch
):
    """A literal and a file, both revoked: then a person is asked, once."""
    monkeypatch.setenv("A_TOKEN", sandbox.issue_token("tp_of-a-literal"))
    file = FileStore(tmp_path / "t.json")
    kept = sandbox.issue_token("tp_of-a-file")
    file.save(Token(kept, scope="tasks:read tasks:write"))
    auth = client_of(sandbox, ChainStore([EnvStore("A_TOKEN"), file]))
    sandbox.revoke_all()

    statuses = [requests.get(sandbox.url(PROJECT), auth=auth) for _ in range(3)]

    # The first one's answer to a 401 was the file's token, refused as well.
    assert [response.status_code for response in statuses] == [401, 200, 200]
    assert sandbox.sign_ons == 1


def test_without_a_way_to_renew_the_caller_gets_the_401(sandbox, caplog):
    """A personal token that was revoked, or a worker without a person."""
    auth = TickTickAuth.from_token("tp_unknown", service=sandbox.service)

    response = requests.get(sandbox.url(PROJECT), auth=auth)

    assert response.status_code == 401
    assert response.history == []
    assert sandbox.api_calls == 1
    assert "refuses the token" in caplog.text


@pytest.mark.parametrize(
    "error", [AuthorizationDeniedError("no"), TokenEndpointError("down")]
)
def test_a_sign_on_that_fails_after_a_401_is_an_error(sandbox, error):
    """The person said no: that is what the caller learns."""
    auth = client_of(sandbox, sign_on=Person(sandbox, None, error))
    requests.get(sandbox.url(PROJECT), auth=auth)
    sandbox.revoke_all()

    received = []

    class Recorder(requests.adapters.HTTPAdapter):
        def send(self, *args, **kwargs):
            received.append(super().send(*args, **kwargs))
            return received[-1]

    with requests.Session() as session:
        session.mount("http://", Recorder())
        with pytest.raises(type(error)):
            session.get(sandbox.url(PROJECT), auth=auth)
        # Nobody else could have closed it: the caller never saw it.
        assert received[0].raw.closed


def test_an_api_that_refuses_every_token_asks_one_person_once(sandbox):
    """To ask again with each request would not mend it."""
    person = Person(sandbox)
    auth = client_of(sandbox, sign_on=person)
    requests.get(sandbox.url(PROJECT), auth=auth)
    sandbox.fail(8, 401, endpoint="api")

    for _ in range(4):
        assert requests.get(sandbox.url(PROJECT), auth=auth).status_code == 401

    assert person.asked == 2
    sandbox.fail(0, 401, endpoint="api")
    while requests.get(sandbox.url(PROJECT), auth=auth).status_code == 401:
        pass
    assert person.asked == 2


def test_an_api_that_refuses_every_token_asks_no_process_after_the_other(
    sandbox, tmp_path
):
    """Whoever was asked for the token: it is refused as soon as it was granted."""
    person = Person(sandbox)
    auths = [
        client_of(sandbox, FileStore(tmp_path / "t.json"), sign_on=person)
        for _ in range(2)
    ]
    requests.get(sandbox.url(PROJECT), auth=auths[0])
    sandbox.fail(200, 401, endpoint="api")

    for _ in range(10):
        for auth in auths:
            response = requests.get(sandbox.url(PROJECT), auth=auth)
            assert response.status_code == 401

    assert person.asked <= 3


def test_a_token_refused_at_once_is_replaced_later_all_the_same(sandbox, clock):
    """The API was out of order for a moment, and months later it is revoked."""
    person = Person(sandbox)
    auth = client_of(sandbox, sign_on=person, clock=clock)
    requests.get(sandbox.url(PROJECT), auth=auth)
    sandbox.fail(2, 401, endpoint="api")
    requests.get(sandbox.url(PROJECT), auth=auth)
    clock.advance(86400)
    assert requests.get(sandbox.url(PROJECT), auth=auth).ok

    sandbox.revoke_all()

    assert requests.get(sandbox.url(PROJECT), auth=auth).ok
    assert person.asked == 3


def test_a_token_that_is_handed_back_refused_asks_nobody_again(sandbox, clock, caplog):
    """TickTick re-issues it, its API refuses it: asking on would be a loop."""
    sandbox.reissue = True
    person = Person(sandbox)
    auth = client_of(sandbox, sign_on=person)
    requests.get(sandbox.url(PROJECT), auth=auth)
    sandbox.fail(20, 401, endpoint="api")

    for _ in range(5):
        response = requests.get(sandbox.url(PROJECT), auth=auth)
        assert response.status_code == 401

    assert person.asked == 2
    assert "Remove this app" in caplog.text


def test_a_401_that_does_not_answer_our_header_is_left_alone(sandbox, auth, session):
    """The caller's own header was refused, not ours."""
    request = session.prepare_request(requests.Request("GET", sandbox.url(PROJECT)))
    request.headers["Authorization"] = "Bearer of-mine"

    response = session.send(request)

    assert response.status_code == 401
    assert sandbox.sign_ons == 1


def test_a_foreign_401_after_a_redirect_does_not_get_the_token(sandbox, session):
    """Requests keeps hooks across redirects: the origin is checked there too."""
    with Sandbox() as foreign:
        sandbox.fail(1, 302, endpoint="api", headers={"Location": foreign.url(PROJECT)})

        response = session.get(sandbox.url(PROJECT))

        assert response.status_code == 401
        assert response.url == foreign.url(PROJECT)
        (seen,) = foreign.received
        assert "Authorization" not in seen.headers
    assert sandbox.sign_ons == 1


def test_a_foreign_401_to_our_own_header_does_not_get_a_new_one(sandbox, auth):
    """A session that keeps headers on redirects leaks one token, not two."""

    class Careless(requests.Session):
        def rebuild_auth(self, prepared_request, response):
            pass

    with Sandbox() as foreign, Careless() as session:
        session.auth = auth
        sandbox.fail(1, 302, endpoint="api", headers={"Location": foreign.url(PROJECT)})

        assert session.get(sandbox.url(PROJECT)).status_code == 401

        assert len(foreign.received) == 1
    assert sandbox.sign_ons == 1


def test_the_rate_limit_is_no_authentication_error(sandbox, session):
    """TickTick answers it with a 500; it starts no sign-on."""
    session.get(sandbox.url(PROJECT))
    sandbox.rate_limit(1)

    response = session.get(sandbox.url(PROJECT))

    assert response.status_code == 500
    assert response.json()["errorCode"] == "exceed_query_limit"
    assert sandbox.sign_ons == 1


@pytest.mark.parametrize("status", [400, 403, 404, 407, 429, 500, 503])
def test_only_a_401_is_answered(sandbox, session, status):
    """Every other status is the caller's."""
    session.get(sandbox.url(PROJECT))
    sandbox.fail(1, status, endpoint="api")

    assert session.get(sandbox.url(PROJECT)).status_code == status
    assert sandbox.sign_ons == 1


# -- the body ----------------------------------------------------------------------


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


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_is_sent_again_byte_for_byte(sandbox, session, tmp_path, kind):
    """What arrives the second time is what was sent the first time."""
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


def test_a_body_that_cannot_be_sent_again_is_not(sandbox, session):
    """A generator is used up: the 401 comes back, the next call succeeds."""
    session.get(sandbox.url(PROJECT))
    sandbox.revoke_all()

    response = session.post(sandbox.url(ECHO), data=iter([b"once", b"only"]))

    assert response.status_code == 401
    assert sandbox.sign_ons == 2
    assert session.post(sandbox.url(ECHO), data=b"again").status_code == 200
    assert sandbox.sign_ons == 2


def test_a_file_that_was_closed_is_not_sent_again(sandbox, session, tmp_path):
    """The 401 comes back instead of half a body."""
    session.get(sandbox.url(PROJECT))
    sandbox.revoke_all()
    file = io.BytesIO(b"body")

    def close(response, **_):
        file.close()

    request = requests.Request("POST", sandbox.url(ECHO), data=file)
    request = session.prepare_request(request)
    request.hooks["response"].insert(0, close)

    assert session.send(request).status_code == 401


# -- what stays honest ---------------------------------------------------------------


def test_cookies_of_the_401_come_along(sandbox, session):
    """As requests does after a redirect; and they are kept for later."""
    session.get(sandbox.url(PROJECT))
    session.cookies.set("mine", "1")
    sandbox.fail(1, 401, endpoint="api", headers={"Set-Cookie": "theirs=2; Path=/"})

    session.get(sandbox.url(PROJECT))

    assert sandbox.received[-1].headers["Cookie"] == "mine=1; theirs=2"
    assert session.cookies["theirs"] == "2"


def test_a_cookie_header_of_the_callers_is_kept(sandbox, session):
    """Who writes the header means it."""
    session.get(sandbox.url(PROJECT))
    sandbox.fail(1, 401, endpoint="api", headers={"Set-Cookie": "theirs=2; Path=/"})

    session.get(sandbox.url(PROJECT), headers={"Cookie": "raw=1"})

    assert sandbox.received[-1].headers["Cookie"] == "raw=1"


def test_the_second_request_is_sent_as_the_first(sandbox, auth):
    """Time-out, certificates and proxies of the call hold for both."""
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


def test_a_made_up_response_is_left_alone(auth, sandbox):
    """Mocks, caches and unpickled responses have no connection to send on."""
    response = requests.Response()
    response.status_code = 401
    response.request = prepared(sandbox.url(PROJECT), auth=auth)

    (hook,) = response.request.hooks["response"]
    sandbox.revoke_all()

    assert hook(response) is response


# -- copies ------------------------------------------------------------------------


def test_a_pickled_response_holds_no_client_secret(sandbox, session):
    """A cache of responses is no place for credentials."""
    response = session.get(sandbox.url(PROJECT))

    data = pickle.dumps(response)

    assert sandbox.client_secret.encode() not in data
    (hook,) = pickle.loads(data).request.hooks["response"]
    assert hook(response) is None


def test_a_request_written_as_yaml_holds_no_token(require_module):
    """As vcrpy and others record it, with either of PyYAML's dumpers."""
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
    """The copy finds the same token, and signs nobody on."""
    session.get(sandbox.url(PROJECT))

    with clone(session) as other:
        assert other.get(sandbox.url(PROJECT)).status_code == 200

    assert sandbox.sign_ons == 1


def test_one_auth_serves_many_sessions_and_threads(sandbox, auth):
    """One sign-on for all of them, and one answer to the 401 of each."""
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
    """What it needs is bound to the request, not to the thread."""
    request = session.prepare_request(requests.Request("GET", sandbox.url(PROJECT)))
    sandbox.revoke_all()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(session.send, request).result().status_code == 200


# -- the package ---------------------------------------------------------------------


def test_every_name_of_the_api_is_there():
    """``from requests_ticktick import *`` gives what the documentation names."""
    for name in requests_ticktick.__all__:
        assert getattr(requests_ticktick, name) is not None
    with pytest.raises(AttributeError):
        requests_ticktick.no_such_name  # noqa: B018 - reading it is the test


def test_a_missing_credential_shows_at_the_first_request(sandbox):
    """And not before: a store may have the token."""
    auth = TickTickAuth(service=sandbox.service, store=MemoryStore())

    with pytest.raises(requests.RequestException, match="TICKTICK_CLIENT_ID"):
        requests.get(sandbox.url(PROJECT), auth=auth)


def test_nothing_of_a_whole_life_is_logged(sandbox, secrets, caplog, tmp_path):
    """Sign-on, 401 and refresh at DEBUG: no token, code, secret or state."""
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
