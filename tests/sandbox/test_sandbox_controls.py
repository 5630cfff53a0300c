"""Failures on demand, and what the sandbox reports of its requests."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from sandbox_app import SECONDS, App, call

from requests_ticktick.sandbox import Sandbox

#: A delay that no test waits for.
LONG_SECONDS = 600.0


# -- Tokens ------------------------------------------------------------------


def test_one_token_can_be_revoked(sandbox: Sandbox, token: str) -> None:
    """The others stay valid."""
    other = sandbox.issue_token()

    assert sandbox.revoke(token)

    assert call(sandbox, token).status_code == 401
    assert call(sandbox, other).status_code == 200
    assert not sandbox.revoke(token)


@pytest.mark.parametrize(("refresh_tokens", "status"), [(False, 200), (True, 400)])
def test_all_tokens_can_be_revoked(
    sandbox: Sandbox, refresh_tokens: bool, status: int
) -> None:
    """Refresh tokens are revoked only if asked to."""
    sandbox.refresh_tokens = True
    app = App(sandbox)
    token = app.gets_a_token()

    sandbox.revoke_all(refresh_tokens=refresh_tokens)

    assert call(sandbox, token["access_token"]).status_code == 401
    assert app.refreshes(token["refresh_token"]).status_code == status


def test_all_tokens_can_be_made_to_expire(sandbox: Sandbox, token: str) -> None:
    """Tokens that are issued later are not affected."""
    sandbox.expire_all()

    assert call(sandbox, token).status_code == 401
    assert call(sandbox, sandbox.issue_token()).status_code == 200


# -- Failures ----------------------------------------------------------------


def test_the_next_requests_can_be_made_to_fail(sandbox: Sandbox) -> None:
    """The responses come in order, and the requests have no other effect."""
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


def test_a_failure_may_be_any_response(sandbox: Sandbox, token: str) -> None:
    """Raw bytes, another content type, a redirect."""
    sandbox.fail(1, 200, b"\xff\x00", "api", {"Content-Type": "image/png"})
    sandbox.fail(1, 302, endpoint="api", headers={"Location": sandbox.url("/else")})

    picture = call(sandbox, token)
    redirect = call(sandbox, token, allow_redirects=False)

    assert picture.content == b"\xff\x00"
    assert picture.headers["Content-Type"] == "image/png"
    assert (redirect.status_code, redirect.content) == (302, b"")
    assert redirect.headers["Location"] == sandbox.url("/else")


def test_the_rate_limit_is_a_500(sandbox: Sandbox, token: str) -> None:
    """Like TickTick's: neither a 429 nor a ``Retry-After``."""
    sandbox.rate_limit(2)

    answers = [call(sandbox, token) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [500, 500, 200]
    assert answers[0].json()["errorCode"] == "exceed_query_limit"


@pytest.mark.parametrize("endpoint", ["authorise", "", "/oauth/token"])
def test_an_unknown_endpoint_is_an_error(sandbox: Sandbox, endpoint: str) -> None:
    """A typing error must not make a test pass."""
    with pytest.raises(ValueError, match="authorize, token, api"):
        sandbox.fail(1, 500, endpoint=endpoint)
    with pytest.raises(ValueError, match="authorize, token, api"):
        sandbox.delay(1, endpoint=endpoint)


# -- Delays ------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ["authorize", "token", "api"])
def test_an_endpoint_can_be_delayed(sandbox: Sandbox, endpoint: str) -> None:
    """Only this endpoint, and until ``delay(0)``."""
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
    sandbox.delay(LONG_SECONDS, endpoint)
    others = {"authorize", "token", "api"} - {endpoint}
    assert max(seconds_for(step) for step in others) < LONG_SECONDS
    sandbox.delay(0, endpoint)
    assert seconds_for(endpoint) < LONG_SECONDS


def test_stopping_ends_a_delay(token: str) -> None:
    """The waiting client is disconnected, and the thread that served it ends."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result(SECONDS)  # starts the pool's thread
        before = set(threading.enumerate())
        with Sandbox() as sandbox:
            sandbox.delay(LONG_SECONDS, "api")
            waiting = pool.submit(call, sandbox, token)
            while sandbox.api_calls == 0:
                time.sleep(0.001)

        assert set(threading.enumerate()) == before
        with pytest.raises(requests.ConnectionError):
            waiting.result(SECONDS)


def test_a_delay_survives_a_stop_and_a_start(sandbox: Sandbox, token: str) -> None:
    """Stopping ends the waiting, not the setting."""
    sandbox.delay(0.5, "api")
    sandbox.stop()
    sandbox.start()

    before = time.monotonic()
    assert call(sandbox, token).status_code == 200
    assert time.monotonic() - before >= 0.5


# -- Reports ----------------------------------------------------------------


def test_requests_are_counted_whatever_the_response(
    sandbox: Sandbox, token: str
) -> None:
    """Refused, failed and unknown calls too. Only granted sign-ons count."""
    sandbox.fail(1, 500, endpoint="api")
    call(sandbox, token)
    call(sandbox, None)
    call(sandbox, token, path="/nothing/here")
    App(sandbox).exchanges("wrong!")
    requests.get(sandbox.url("/favicon.ico"), timeout=SECONDS)

    assert sandbox.api_calls == 3
    assert sandbox.token_requests == 1
    assert sandbox.sign_ons == sandbox.authorizations == 0


def test_requests_are_counted_correctly_under_load(
    sandbox: Sandbox, token: str
) -> None:
    """64 clients at a time: none is refused, and none is counted twice."""
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

    # The consent page is opened, then its form is sent.
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


def test_the_repr_of_a_request_shows_no_secret(sandbox: Sandbox, token: str) -> None:
    """A failed assertion prints what it compared."""
    call(sandbox, token, "POST", "/echo?state=secret", data=token.encode())

    assert (
        repr(sandbox.received[0]) == f"<Received POST /open/v1/echo {len(token)} bytes>"
    )


def test_only_the_latest_requests_are_kept(sandbox: Sandbox, token: str) -> None:
    """A list that was returned before does not change."""
    with requests.Session() as session:
        for number in range(1001):
            session.get(sandbox.url(f"/open/v1/echo?{number}"), timeout=SECONDS)

    received = sandbox.received
    call(sandbox, token)

    assert len(received) == 1000
    assert [seen.query for seen in (received[0], received[-1])] == ["1", "1000"]
    assert sandbox.api_calls == 1002


def test_secrets_lists_all_codes_and_tokens(sandbox: Sandbox) -> None:
    """After the client secret; used and revoked ones too."""
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
