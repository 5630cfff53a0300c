"""What users of other libraries suffered, and nobody may here: the wire.

Each test has the circumstances of one report, which its docstring cites.
"""

from __future__ import annotations

import base64
import io
import multiprocessing
import os
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from clients import Person, client_of
from inside import grant_of, send_by, send_of

from requests_ticktick import FileStore
from requests_ticktick.sandbox import Sandbox

PROJECT = "/open/v1/project"
ECHO = "/open/v1/echo"
CONTENT = bytes(range(256)) * 300


def api_requests(sandbox):
    return [each for each in sandbox.received if each.endpoint == "api"]


def at_once(count, call):
    """Let threads call at one moment; return their results."""
    barrier = threading.Barrier(count)

    def run(_):
        barrier.wait(30)
        return call()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


# -- requests-oauthlib, oauthlib, requests_auth ------------------------------------


def test_no_request_goes_without_a_token_while_it_is_renewed(sandbox, clock):
    """In requests-oauthlib PR 219, other threads sent no header during a refresh."""
    sandbox.refresh_tokens = True
    sandbox.expires_in = 600
    auth = client_of(sandbox, clock=clock)
    old = auth.token().access_token
    clock.advance(560)
    send = send_of(grant_of(auth))

    def while_others_call(*args, **kwargs):
        end = time.monotonic() + 30
        while not api_requests(sandbox):
            assert time.monotonic() < end
            time.sleep(0.005)
        return send(*args, **kwargs)

    send_by(grant_of(auth), while_others_call)

    def ten_calls():
        with requests.Session() as session:
            session.auth = auth
            return [session.get(sandbox.url(PROJECT)).status_code for _ in range(10)]

    results = at_once(6, ten_calls)

    assert results == [[200] * 10] * 6
    sent = [each.headers["Authorization"] for each in api_requests(sandbox)]
    assert set(sent) == {f"Bearer {old}", f"Bearer {auth.token().access_token}"}
    assert len(set(sent)) == 2


def test_the_debug_logs_of_the_libraries_show_no_secret(sandbox, secrets, caplog):
    """In requests-oauthlib 536, the bearer tokens were in its log at DEBUG."""
    sandbox.refresh_tokens = True
    credentials = f"{sandbox.client_id}:{sandbox.client_secret}".encode()
    secrets.add(base64.b64encode(credentials).decode())

    with requests.Session() as session:
        session.auth = client_of(sandbox)
        session.get(sandbox.url(PROJECT))
        sandbox.revoke_all()
        session.get(sandbox.url(PROJECT))

    assert sandbox.token_requests == 2
    # They were not silenced: a user who wants to see them does.
    logging = {record.name.partition(".")[0] for record in caplog.records}
    assert {"requests_oauthlib", "urllib3", "requests_ticktick"} <= logging
    assert not secrets.shown_in(caplog.text)


def test_nobody_has_to_keep_count_of_the_expiry(sandbox, clock, tmp_path):
    """In requests-oauthlib 561, nothing was refreshed unless the user did the sums."""
    sandbox.expires_in = 3600
    store = FileStore(tmp_path / "t.json")
    client_of(sandbox, store, clock=clock).token()
    clock.advance(3600)

    with requests.Session() as session:
        session.auth = client_of(sandbox, FileStore(store.path), clock=clock)
        response = session.get(sandbox.url(PROJECT))

    assert (response.status_code, response.history) == (200, [])
    assert sandbox.sign_ons == 2


@pytest.mark.parametrize(
    "answer",
    [
        {"expires_in": "3599"},
        {"expires_in": 3599.5, "expires_at": 1612807300.1613762},
        {"expires_in": 3599, "expires_at": "2021-JUN-12 13:42:36"},
        {"expires_in": None},
        {"scope": "tasks:read openid tasks:write"},
        {"scope": "tasks:read", "token_type": "BEARER"},
    ],
    ids=str,
)
def test_an_answer_that_is_a_little_off_is_a_token(sandbox, clock, answer):
    """In oauthlib 745, 780, 845 and 906, such did not parse (849 was not found)."""
    auth = client_of(sandbox, clock=clock)
    value = sandbox.issue_token()
    body = {"access_token": value, "token_type": "bearer", **answer}
    sandbox.fail(1, 200, body)

    token = auth.token()

    assert token.access_token == value
    if answer.get("expires_in") is not None:
        assert token.expires_at == pytest.approx(clock.time() + 3599, abs=1)


def test_our_own_messages_call_a_token_by_its_fingerprint(
    sandbox, secrets, clock, caplog, tmp_path
):
    """In requests_auth 62, the debug log showed each token that was put away."""
    store = FileStore(tmp_path / "t.json")
    person = Person(sandbox)
    auth = client_of(sandbox, store, sign_on=person, clock=clock)
    sandbox.expires_in = 600
    with requests.Session() as session:
        session.auth = auth
        session.get(sandbox.url(PROJECT))
        clock.advance(590)
        sandbox.fail(1, 503)
        session.get(sandbox.url(PROJECT))
        clock.advance(10)
        session.get(sandbox.url(PROJECT))
    token = store.load()
    Path(store.path).write_text(f"{{'access_token': '{token.access_token}'")
    store.load()

    ours = [r for r in caplog.records if r.name.startswith("requests_ticktick")]
    shown = [*(r.getMessage() for r in ours), repr(auth), repr(store), repr(token)]
    text = "\n".join(shown)

    assert "was not renewed" in text
    assert "set aside" in text
    assert token.fingerprint in text
    assert not secrets.shown_in(text)


# -- requests ----------------------------------------------------------------------


def test_every_thread_of_a_session_gets_its_401_answered(sandbox, session):
    """In requests 2334, of two threads that met a 401, one was left with it."""
    session.get(sandbox.url(PROJECT))
    sandbox.revoke_all()

    responses = at_once(20, lambda: session.get(sandbox.url(PROJECT)))

    assert {response.status_code for response in responses} == {200}
    assert sandbox.sign_ons == 2


def test_a_redirect_within_the_api_is_authenticated_as_well(sandbox, session):
    """In requests 2577, after a 302 the auth was not asked for the new address."""
    session.get(sandbox.url(PROJECT))
    sandbox.revoke_all()
    there = {"Location": sandbox.url(ECHO)}
    sandbox.fail(1, 302, endpoint="api", headers=there)

    response = session.get(sandbox.url(PROJECT))

    assert (response.status_code, response.url) == (200, sandbox.url(ECHO))
    token = session.auth.token().access_token
    assert api_requests(sandbox)[-1].headers["Authorization"] == f"Bearer {token}"


@pytest.mark.parametrize("public", [False, True], ids=["a secret", "no secret"])
def test_a_netrc_entry_takes_no_headers_place(secrets, public):
    """In requests 3929, .netrc's password replaced the token for the same host."""
    entry = "machine 127.0.0.1 login somebody password something\n"
    Path("~/.netrc").expanduser().write_text(entry)

    with Sandbox(public=public) as sandbox, requests.Session() as session:
        secrets.watch(lambda: sandbox.secrets)
        session.auth = client_of(sandbox)
        response = session.get(sandbox.url(PROJECT))
        sandbox.revoke_all()
        again = session.get(sandbox.url(PROJECT))

    assert (response.status_code, again.status_code) == (200, 200)
    sent = [each.headers.get("Authorization", "") for each in sandbox.received]
    somebody = base64.b64encode(b"somebody:something").decode()
    assert not [value for value in sent if somebody in value]
    schemes = {e.headers["Authorization"].split()[0] for e in api_requests(sandbox)}
    assert schemes == {"Bearer"}


def test_a_session_that_was_used_can_be_pickled(sandbox, session):
    """In requests 4571, a session with an auth of locks could not be pickled."""
    session.get(sandbox.url(PROJECT))
    sandbox.revoke_all()
    session.get(sandbox.url(PROJECT))

    with pickle.loads(pickle.dumps(session)) as copy:
        response = copy.get(sandbox.url(PROJECT))

    assert response.status_code == 200
    assert sandbox.sign_ons == 2


def test_a_request_prepared_at_the_start_can_be_sent_from_a_pool(sandbox, session):
    """In requests 5178, the 401 of a request from another thread was a crash."""
    with ThreadPoolExecutor(1) as first:
        request = first.submit(
            session.prepare_request, requests.Request("GET", sandbox.url(PROJECT))
        ).result()
    sandbox.revoke_all()

    responses = at_once(4, lambda: session.send(request))

    assert {response.status_code for response in responses} == {200}
    assert session.send(request).status_code == 200
    assert sandbox.sign_ons == 2


def test_a_streamed_upload_does_not_hang_after_a_401(sandbox, session, tmp_path):
    """In requests-kerberos 23, the file was at its end, and the server waited."""
    path = tmp_path / "upload"
    path.write_bytes(CONTENT)
    session.get(sandbox.url(PROJECT))
    sandbox.revoke_all()

    with path.open("rb") as file:
        file.seek(1000)
        response = session.post(sandbox.url(ECHO), data=file, timeout=20)

    assert response.status_code == 200
    assert [e.body for e in api_requests(sandbox)[1:]] == [CONTENT[1000:]] * 2


# -- google-auth, google-cloud-python ----------------------------------------------


def a_file(tmp_path):
    path = tmp_path / "body"
    path.write_bytes(CONTENT)
    return path.open("rb")


def a_pipe(tmp_path):
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as end:
        end.write(b"a line of a body\n" * 3)
    return os.fdopen(reading, "rb")


def a_generator(tmp_path):
    return (CONTENT[n : n + 1000] for n in range(0, len(CONTENT), 1000))


def a_buffer(tmp_path):
    return io.BytesIO(CONTENT)


@pytest.mark.parametrize("body", [a_file, a_pipe, a_generator, a_buffer])
def test_a_body_that_was_read_is_not_replaced_by_an_empty_one(
    sandbox, session, tmp_path, body
):
    """In google-cloud-python 18238, an empty body was sent after a 401, and taken."""
    session.get(sandbox.url(PROJECT))
    sandbox.revoke_all()

    stream = body(tmp_path)
    response = session.post(sandbox.url(ECHO), data=stream, timeout=20)
    stream.close()

    uploads = [e.body for e in api_requests(sandbox) if e.method == "POST"]
    assert len(set(uploads)) == 1
    assert b"" not in uploads
    expected = [401] if body in (a_pipe, a_generator) else [401, 200]
    seen = [*response.history, response]
    assert [each.status_code for each in seen] == expected
    # In either case the token was renewed: the next upload has a good one.
    assert session.post(sandbox.url(ECHO), data=b"next").status_code == 200
    assert sandbox.sign_ons == 2


def test_threads_with_an_expired_token_make_one_token_request(sandbox, clock):
    """In google-auth 1780, each thread that found the token expired refreshed it."""
    sandbox.expires_in = 600
    auth = client_of(sandbox, clock=clock)
    auth.token()
    clock.advance(600)
    sandbox.delay(0.1)

    tokens = at_once(20, auth.token)

    assert len(set(tokens)) == 1
    assert (sandbox.sign_ons, sandbox.token_requests) == (2, 2)


def test_a_task_that_holds_an_auth_passes_a_managers_queue(sandbox, auth):
    """In google-auth 1478, a task queue said "cannot pickle '_thread.lock' object"."""
    auth.token()

    with multiprocessing.get_context("spawn").Manager() as manager:
        queue = manager.Queue()
        queue.put({"task": "sync", "auth": auth})
        received = queue.get(timeout=30)["auth"]

    assert received.token() == auth.token()
    assert sandbox.sign_ons == 1


def test_the_same_token_handed_back_makes_no_storm_of_requests(sandbox, clock):
    """In google-auth PR 581, each call refreshed for minutes and got the same token."""
    sandbox.reissue = True
    sandbox.expires_in = 3600
    person = Person(sandbox)
    auth = client_of(sandbox, sign_on=person, clock=clock, leeway=300)

    with requests.Session() as session:
        session.auth = auth
        session.get(sandbox.url(PROJECT))
        clock.advance(3300)
        for _ in range(60):
            clock.advance(4.9)
            assert session.get(sandbox.url(PROJECT)).history == []

    assert (person.asked, sandbox.token_requests) == (2, 2)


def test_lifetimes_within_the_leeway_make_no_storm_of_requests(sandbox, clock):
    """In google-auth PR 581, every answer had less time left than was asked for."""
    sandbox.refresh_tokens = True
    sandbox.expires_in = 270
    auth = client_of(sandbox, clock=clock, leeway=300)

    with requests.Session() as session:
        session.auth = auth
        for _ in range(60):
            assert session.get(sandbox.url(PROJECT)).history == []
            clock.advance(4.9)

    assert (sandbox.sign_ons, sandbox.token_requests) == (1, 2)


def test_a_token_is_never_sent_after_its_expiry(sandbox, clock):
    """In google-auth PR 158, tokens were still sent after they had expired."""
    sandbox.expires_in = 600
    auth = client_of(sandbox, clock=clock)

    with requests.Session() as session:
        session.auth = auth
        session.get(sandbox.url(PROJECT))
        clock.advance(500)
        for _ in range(30):
            clock.advance(7)
            response = session.get(sandbox.url(PROJECT))
            assert (response.status_code, response.history) == (200, [])

    # At 540 s, within 7 s of looking at the clock, and not before.
    assert sandbox.sign_ons == 2
