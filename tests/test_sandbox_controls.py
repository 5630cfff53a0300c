"""Failures on demand, and what the sandbox tells of what it saw."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from test_sandbox_support import SECONDS, App, call

from requests_ticktick.sandbox import Sandbox

#: A delay that no test is going to sit out.
LONG = 600.0


@pytest.fixture
def token(sandbox: Sandbox) -> str:
    """A good token, issued without a sign-on."""
    return sandbox.issue_token()


# -- Tokens ------------------------------------------------------------------


def test_one_token_can_be_revoked(sandbox: Sandbox, token: str) -> None:
    """The others stay good."""
    other = sandbox.issue_token()

    assert sandbox.revoke(token)

    assert call(sandbox, token).status_code == 401
    assert call(sandbox, other).status_code == 200
    assert not sandbox.revoke(token)


@pytest.mark.parametrize(("refresh_tokens", "status"), [(False, 200), (True, 400)])
def test_all_tokens_can_be_revoked(
    sandbox: Sandbox, refresh_tokens: bool, status: int
) -> None:
    """The refresh tokens as well, if asked to."""
    sandbox.refresh_tokens = True
    app = App(sandbox)
    token = app.gets_a_token()

    sandbox.revoke_all(refresh_tokens=refresh_tokens)

    assert call(sandbox, token["access_token"]).status_code == 401
    assert app.refreshes(token["refresh_token"]).status_code == status


def test_all_tokens_can_be_made_to_expire(sandbox: Sandbox, token: str) -> None:
    """Before their time, and not those issued later."""
    sandbox.expire_all()

    assert call(sandbox, token).status_code == 401
    assert call(sandbox, sandbox.issue_token()).status_code == 200


# -- Failures ----------------------------------------------------------------


def test_the_next_calls_can_be_made_to_fail(sandbox: Sandbox) -> None:
    """So many of them, in order, and without any effect."""
    sandbox.fail(2, 503, "<h1>Busy</h1>")
    sandbox.fail(1, 400, {"error": "invalid_grant"}, headers={"Retry-After": "1"})
    app = App(sandbox)
    code = app.signs_on()["code"]

    answers = [app.exchanges(code) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [503, 503, 400, 200]
    assert answers[0].text == "<h1>Busy</h1>"
    assert answers[0].headers["Content-Type"].startswith("text/html")
    assert answers[2].json() == {"error": "invalid_grant"}
    assert answers[2].headers["Content-Type"] == "application/json"
    assert answers[2].headers["Retry-After"] == "1"
    assert sandbox.token_requests == 4


def test_a_failure_may_be_any_answer(sandbox: Sandbox, token: str) -> None:
    """Bytes as they are, a type of one's own, a redirect."""
    sandbox.fail(1, 200, b"\xff\x00", "api", {"Content-Type": "image/png"})
    sandbox.fail(1, 302, endpoint="api", headers={"Location": sandbox.url("/else")})

    picture = call(sandbox, token)
    redirect = call(sandbox, token, allow_redirects=False)

    assert picture.content == b"\xff\x00"
    assert picture.headers["Content-Type"] == "image/png"
    assert (redirect.status_code, redirect.content) == (302, b"")
    assert redirect.headers["Location"] == sandbox.url("/else")


def test_the_rate_limit_is_a_500(sandbox: Sandbox, token: str) -> None:
    """As TickTick's: no 429, no ``Retry-After``, and over soon."""
    sandbox.rate_limit(2)

    answers = [call(sandbox, token) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [500, 500, 200]
    assert answers[0].json()["errorCode"] == "exceed_query_limit"


@pytest.mark.parametrize("endpoint", ["authorise", "", "/oauth/token"])
def test_an_endpoint_that_there_is_not_is_a_mistake(
    sandbox: Sandbox, endpoint: str
) -> None:
    """A typing error must not make a test pass."""
    with pytest.raises(ValueError, match="authorize, token, api"):
        sandbox.fail(1, 500, endpoint=endpoint)
    with pytest.raises(ValueError, match="authorize, token, api"):
        sandbox.delay(1, endpoint=endpoint)


# -- Delays ------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ["authorize", "token", "api"])
def test_an_endpoint_can_be_slow(sandbox: Sandbox, endpoint: str) -> None:
    """It alone, until told otherwise."""
    app = App(sandbox)
    sandbox.delay(0.05, endpoint)

    def seconds_for(step: str) -> float:
        before = time.monotonic()
        if step == "authorize":
            app.signs_on()
        elif step == "token":
            app.exchanges("abcdef")
        else:
            call(sandbox, None)
        return time.monotonic() - before

    assert seconds_for(endpoint) >= 0.05
    sandbox.delay(LONG, endpoint)
    others = {"authorize", "token", "api"} - {endpoint}
    assert max(seconds_for(step) for step in others) < LONG
    sandbox.delay(0, endpoint)
    assert seconds_for(endpoint) < LONG


def test_stopping_ends_a_delay(token: str) -> None:
    """Who waits is cut off; who stops does not wait."""
    with ThreadPoolExecutor(1) as pool:
        with Sandbox() as sandbox:
            sandbox.delay(LONG, "api")
            waiting = pool.submit(call, sandbox, token)
            while sandbox.api_calls == 0:
                time.sleep(0.001)

        with pytest.raises(requests.ConnectionError):
            waiting.result(SECONDS)


def test_a_delay_is_back_after_a_start(sandbox: Sandbox, token: str) -> None:
    """What stopping ended was the waiting, not the setting."""
    sandbox.delay(0.05, "api")
    sandbox.stop()
    sandbox.start()

    before = time.monotonic()
    assert call(sandbox, token).status_code == 200
    assert time.monotonic() - before >= 0.05


# -- What was seen -----------------------------------------------------------


def test_counters_count_what_came_whatever_the_answer(
    sandbox: Sandbox, token: str
) -> None:
    """Refused, failed and unknown calls too; sign-ons are consents given."""
    sandbox.fail(1, 500, endpoint="api")
    call(sandbox, token)
    call(sandbox, None)
    call(sandbox, token, path="/nothing/here")
    App(sandbox).exchanges("wrong!")
    requests.get(sandbox.url("/favicon.ico"), timeout=SECONDS)

    assert sandbox.api_calls == 3
    assert sandbox.token_requests == 1
    assert sandbox.sign_ons == sandbox.authorizations == 0


def test_counters_count_right_under_load(sandbox: Sandbox, token: str) -> None:
    """64 clients at a time, none refused and none counted twice."""
    ready = threading.Barrier(64)

    def calls(_: int) -> list[int]:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {token}"
            ready.wait(SECONDS)
            return [
                session.get(sandbox.url("/open/v1/project"), timeout=60).status_code
                for _ in range(5)
            ]

    with ThreadPoolExecutor(64) as pool:
        statuses = [status for seen in pool.map(calls, range(64)) for status in seen]

    assert set(statuses) == {200}
    assert sandbox.api_calls == len(statuses) == 320


def test_requests_can_be_read_byte_for_byte(sandbox: Sandbox, token: str) -> None:
    """Method, path, query, headers and body, oldest first."""
    body = b"\x00\xff\r\n" * 3
    app = App(sandbox)
    code = app.signs_on()["code"]
    app.exchanges(code)
    call(sandbox, token, "PUT", "/echo?a=%20b&a=c", data=body, headers={"X-Y": "z"})

    *_, exchange, echo = sandbox.received

    # The consent page, and its form.
    endpoints = [seen.endpoint for seen in sandbox.received]
    assert endpoints == ["authorize", "authorize", "token", "api"]
    assert f"code={code}".encode() in exchange.body
    assert exchange.headers["Authorization"].startswith("Basic ")
    assert (echo.method, echo.path, echo.query) == (
        "PUT",
        "/open/v1/echo",
        "a=%20b&a=c",
    )
    assert echo.headers["X-Y"] == "z"
    assert echo.headers["Authorization"] == f"Bearer {token}"
    assert echo.body == body


def test_a_request_shows_no_secret_when_it_is_printed(
    sandbox: Sandbox, token: str
) -> None:
    """A failed assertion prints what it compared."""
    call(sandbox, token, "POST", "/echo?state=secret", data=token.encode())

    assert (
        repr(sandbox.received[0]) == f"<Received POST /open/v1/echo {len(token)} bytes>"
    )


def test_only_the_latest_requests_are_kept(sandbox: Sandbox, token: str) -> None:
    """A sandbox can run for days; what one was given does not change."""
    with requests.Session() as session:
        for number in range(1001):
            session.get(sandbox.url(f"/open/v1/echo?{number}"), timeout=SECONDS)

    received = sandbox.received
    call(sandbox, token)

    assert len(received) == 1000
    assert [seen.query for seen in (received[0], received[-1])] == ["1", "1000"]
    assert sandbox.api_calls == 1002


def test_every_secret_is_known_to_those_who_look_for_leaks(sandbox: Sandbox) -> None:
    """The app's, and all codes and tokens, used and revoked ones too."""
    sandbox.refresh_tokens = True
    app = App(sandbox)
    code = app.signs_on()["code"]
    token = app.exchanges(code).json()
    issued = sandbox.issue_token()
    sandbox.revoke_all()

    assert sandbox.secrets == [
        sandbox.client_secret,
        code,
        token["access_token"],
        token["refresh_token"],
        issued,
    ]
