"""A session that waits out TickTick's rate limit, and what passes as soon."""

from __future__ import annotations

import email.utils
import pickle
import time
from types import SimpleNamespace

import pytest
import requests
from clients import client_of
from paths import PROJECT
from wire_servers import Answer, Server

from requests_ticktick import Token, retry_session

LIMITED = Answer(
    500,
    {"Content-Type": "application/json"},
    b'{"errorId": "a", "errorCode": "exceed_query_limit", "data": null}',
)


@pytest.fixture
def waits(monkeypatch):
    """What is waited for, in seconds; it takes none."""
    waits = []
    monkeypatch.setattr(
        "requests_ticktick._retry_session.time", SimpleNamespace(sleep=waits.append)
    )
    return waits


@pytest.fixture
def server():
    with Server() as server:
        yield server


@pytest.fixture
def ask(server):
    """Send requests to the server, by a session with these options."""
    sessions = []

    def ask(*answers, method="GET", options=None, **arguments):
        server.answers.extend(answers)
        sessions.append(retry_session(**(options or {})))
        return sessions[-1].request(method, server.url, **arguments)

    yield ask
    for session in sessions:
        session.close()


# -- the rate limit --------------------------------------------------------------


def test_the_rate_limit_is_waited_out(sandbox, waits):
    """It is a 500, ends within a minute, and is no reason to sign on."""
    with retry_session() as session:
        session.auth = client_of(sandbox)
        sandbox.rate_limit(2)

        response = session.get(sandbox.url(PROJECT))

    assert response.status_code == 200
    assert response.json()[0]["name"] == "Groceries"
    assert waits == [60.0, 60.0]
    assert (sandbox.sign_ons, sandbox.api_calls) == (1, 3)


def test_after_the_last_try_the_caller_gets_the_answer(ask, server, waits):
    """So it is with one that says no more."""
    response = ask(*[LIMITED] * 5, options={"retries": 2, "rate_limit_wait": 7.5})

    assert response.json()["errorCode"] == "exceed_query_limit"
    assert waits == [7.5, 7.5]
    assert len(server.seen) == 3


@pytest.mark.parametrize("stream", [True, False])
def test_any_other_500_is_returned_as_it_is(ask, server, waits, stream):
    """Another code, no object, no JSON at all, a long page."""
    bodies = [
        b'{"errorCode": "unknown_exception"}',
        b'["exceed_query_limit"]',
        b"<html>exceed_query_limit</html>",
        b"",
        b"[" * 60_000,
        b'{"errorCode": "exceed_query_limit", "padding": "' + b"x" * 70_000 + b'"}',
    ]
    for body in bodies:
        response = ask(Answer(500, body=body), stream=stream)

        assert (response.status_code, response.content) == (500, body)
    assert waits == []
    assert len(server.seen) == len(bodies)


def test_a_token_that_ends_meanwhile_is_renewed(sandbox, clock, monkeypatch):
    """A 401 after the wait is answered as any other, and that answer waited for."""
    auth = client_of(sandbox, clock=clock)
    monkeypatch.setattr(
        "requests_ticktick._retry_session.time",
        SimpleNamespace(sleep=lambda seconds: sandbox.revoke_all()),
    )
    with retry_session() as session:
        session.auth = auth
        sandbox.rate_limit(1)

        assert session.get(sandbox.url(PROJECT)).status_code == 200

    assert (sandbox.sign_ons, sandbox.api_calls) == (2, 3)


def test_the_seconds_pass(sandbox):
    """What is waited is time."""
    with retry_session(rate_limit_wait=0.2) as session:
        session.auth = client_of(sandbox)
        session.auth.token()
        sandbox.rate_limit(1)
        began = time.monotonic()

        assert session.get(sandbox.url(PROJECT)).status_code == 200

    assert time.monotonic() - began >= 0.2


# -- other answers ---------------------------------------------------------------


def test_what_passes_is_tried_again_less_and_less_often(ask, server, waits):
    """A 502, a 503 and a 504, and then it works."""
    response = ask(*map(Answer, (502, 503, 504)))

    assert response.status_code == 200
    assert waits == [1.0, 2.0, 4.0]
    assert len(server.seen) == 4


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 500, 501])
def test_what_stays_is_not_tried_again(ask, server, waits, status):
    """Also where the answer has a Retry-After."""
    response = ask(Answer(status, {"Retry-After": "1"}))

    assert response.status_code == status
    assert (waits, len(server.seen)) == ([], 1)


@pytest.mark.parametrize(
    ("status", "said", "waited"),
    [
        (503, "5", 5.0),
        (503, "86400", 60.0),
        (503, "0", 0.0),
        (503, "in a minute", 1.0),
        (503, "-5", 1.0),
        (503, "Fri, 31 Dec 9999 23:59:59 GMT", 60.0),
        (503, email.utils.formatdate(0, usegmt=True), 0.0),
        (503, email.utils.formatdate(4e9, usegmt=True), 60.0),
        (429, "5", 5.0),
        (429, "soon", 60.0),
    ],
)
def test_the_server_may_say_how_long(ask, waits, status, said, waited):
    """It is not waited for ever, whatever it says."""
    response = ask(Answer(status, {"Retry-After": said}))

    assert response.status_code == 200
    assert waits == [waited]


def test_a_429_that_does_not_say_is_the_rate_limit(ask, waits):
    """Such as TickTick's, with ``X-RateLimit-Remaining`` alone."""
    ask(Answer(429, {"X-RateLimit-Remaining": "0"}), options={"rate_limit_wait": 9})

    assert waits == [9]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("answer", [LIMITED, Answer(503), Answer(429)])
def test_what_may_have_been_done_is_not_done_twice(ask, server, waits, method, answer):
    """A task would be there twice."""
    response = ask(answer, method=method, json={"title": "Milk"})

    assert response.status_code == answer.status
    assert (waits, len(server.seen)) == ([], 1)


@pytest.mark.parametrize("methods", [None, ["post"]])
def test_a_program_may_say_that_a_method_can_be_repeated(ask, server, waits, methods):
    """The body is the same; one that is read as it is sent is sent once."""
    options = {"allowed_methods": methods}
    response = ask(LIMITED, method="POST", data=b"milk", options=options)
    once = ask(LIMITED, method="POST", data=iter([b"milk"]), options=options)

    assert (response.status_code, once.status_code) == (200, 500)
    first, second, third = server.seen
    assert first.sha256 == second.sha256 == third.sha256
    assert waits == [60.0]


def test_statuses_are_the_program_s_choice(ask, waits):
    """Those of ticktick-py, for example."""
    ask(Answer(405), Answer(500), options={"status_forcelist": [405, 500]})

    assert waits == [1.0, 2.0]


# -- no answer -------------------------------------------------------------------


def test_a_connection_that_breaks_is_made_again(ask, server):
    """With methods that may be repeated; a POST may have arrived."""
    not_http, options = Answer(0), {"backoff_factor": 0.0}
    assert ask(not_http, options=options).status_code == 200

    with pytest.raises(requests.ConnectionError):
        ask(not_http, method="POST", options=options)
    assert [seen.method for seen in server.seen] == ["GET", "GET", "POST"]


# -- the session -----------------------------------------------------------------


def test_a_session_of_ones_own_is_used(waits, server):
    """And returned, with all that it has."""
    with requests.Session() as session:
        session.headers["X-Mine"] = "yes"
        server.answers.append(Answer(503))

        assert retry_session(session=session) is session
        session.get(server.url)

    assert [seen.headers["x-mine"] for seen in server.seen] == ["yes", "yes"]


def test_a_pickle_of_the_session_waits_as_well(waits, server):
    """As other sessions can be sent to another process."""
    with retry_session(1, rate_limit_wait=5) as session:
        copy = pickle.loads(pickle.dumps(session))
    server.answers.extend([LIMITED, LIMITED])

    with copy:
        assert copy.get(server.url).status_code == 500

    assert waits == [5]


def test_a_token_request_is_not_sent_again(sandbox, waits):
    """A code is good once, whatever session carries it."""
    sandbox.fail(1, 503)
    with retry_session() as session:
        auth = client_of(sandbox, session=session)
        with pytest.raises(requests.RequestException, match="503"):
            auth.token()

        assert (waits, sandbox.token_requests) == ([], 1)
        assert isinstance(auth.sign_on(), Token)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"allowed_methods": "GET"}, TypeError, "not str; a session is passed as"),
        ({"allowed_methods": requests.Session()}, TypeError, "not Session; a session"),
        ({"allowed_methods": ()}, ValueError, "None allows all"),
        ({"retries": -1}, ValueError, "retries must be 0 or more, not -1"),
        ({"rate_limit_wait": float("inf")}, ValueError, "rate_limit_wait must be 0"),
        ({"rate_limit_wait": float("nan")}, ValueError, "rate_limit_wait must be 0"),
    ],
)
def test_what_would_wait_for_ever_or_for_nothing_is_refused(options, kind, message):
    """At once, and not when TickTick is busy."""
    with pytest.raises(kind, match=message):
        retry_session(**options)
