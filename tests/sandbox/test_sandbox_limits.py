"""How much the sandbox reads, keeps and serves at once."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable

import pytest
import requests
from sandbox_app import SECONDS, App, call
from wires import answer_on, sends

from requests_ticktick.sandbox import (
    Sandbox,
    _connections,
    _door,
    _ledger,
    _request_log,
    _web_server,
)
from requests_ticktick.sandbox._api import storage

# -- Bodies --------------------------------------------------------------------


@pytest.mark.parametrize("expect", [[], ["Expect: 100-continue"]])
@pytest.mark.parametrize("length", [_door.MAX_BODY_BYTES + 1, 10**18, "9" * 5000])
def test_a_body_announced_as_too_large_is_refused(
    sandbox: Sandbox,
    wire: Callable[[], socket.socket],
    length: int | str,
    expect: list[str],
) -> None:
    """The client has not sent it yet."""
    connection = wire()

    sends(
        connection, "POST /open/v1/echo HTTP/1.1", f"Content-Length: {length}", *expect
    )

    status, page = answer_on(connection)
    assert status == 413
    assert f"{_door.MAX_BODY_BYTES} bytes" in page
    assert sandbox.received == []


def test_a_client_that_sends_too_much_can_read_the_response(sandbox: Sandbox) -> None:
    """No reset of the connection takes it away."""
    answer = requests.post(
        sandbox.url("/open/v1/echo"), data=bytes(20 << 20), timeout=SECONDS
    )

    assert answer.status_code == 413


def test_a_body_of_the_largest_size_is_accepted(sandbox: Sandbox, token: str) -> None:
    """In one piece or in chunks."""
    whole = bytes(_door.MAX_BODY_BYTES)

    for data in (whole, iter([whole[1:], whole[:1]])):
        answer = call(sandbox, token, "POST", "/echo", data=data)
        assert answer.json()["length"] == _door.MAX_BODY_BYTES


def test_an_endless_chunked_body_is_cut_off(
    sandbox: Sandbox, wire: Callable[[], socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection ends, whatever the client goes on sending."""
    monkeypatch.setattr(_web_server, "LINGER_SECONDS", 0.1)
    connection = wire()
    sends(connection, "POST /open/v1/echo HTTP/1.1", "Transfer-Encoding: chunked")
    chunk = b"100000\r\n" + bytes(1 << 20) + b"\r\n"

    def send_for_ever() -> None:
        while True:
            connection.sendall(chunk)

    with pytest.raises(OSError, match=r"[Rr]eset|[Pp]ipe|abort"):
        send_for_ever()
    assert sandbox.received == []


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\n",
        b"-1\r\n",
        b"5",
        b"5\r\nab",
        b"2\r\nabc\r\n",
        b"fffffffff\r\n",
        b"0" * 300,
        b"0;" + b"x" * 300,
        b"0\r\n" + b"a: b\r\n" * 65,
    ],
)
def test_malformed_chunks_are_refused(
    sandbox: Sandbox, wire: Callable[[], socket.socket], body: bytes
) -> None:
    """The server neither waits for more nor keeps the request."""
    connection = wire()
    sends(connection, "POST /open/v1/echo HTTP/1.1", "Transfer-Encoding: chunked")

    connection.sendall(body)
    connection.shutdown(socket.SHUT_WR)

    assert answer_on(connection)[0] == 400
    assert sandbox.received == []


def test_an_overlong_line_between_chunks_is_refused(
    wire: Callable[[], socket.socket],
) -> None:
    """The server does not wait for its end."""
    connection = wire()
    sends(connection, "POST /open/v1/echo HTTP/1.1", "Transfer-Encoding: chunked")

    connection.sendall(b"0" * 300)

    assert answer_on(connection)[0] == 400


def test_chunks_may_have_extensions_and_trailers(
    sandbox: Sandbox, token: str, wire: Callable[[], socket.socket]
) -> None:
    """They are ignored, and the connection stays open (RFC 9112 7.1)."""
    connection = wire()
    for _ in range(2):
        sends(
            connection,
            "POST /open/v1/echo HTTP/1.1",
            "Transfer-Encoding: chunked",
            f"Authorization: Bearer {token}",
        )
        connection.sendall(b"3;name=value\r\nabc\r\n0\r\nTrailer: x\r\n\r\n")

        assert answer_on(connection)[0] == 200

    assert [seen.body for seen in sandbox.received] == [b"abc"] * 2


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 3", "Transfer-Encoding: chunked"],
        ["Content-Length: 3", "Content-Length: 4"],
        ["Content-Length: -3"],
        ["Content-Length: +3"],
        ["Content-Length: 0x3"],
        ["Transfer-Encoding: gzip, chunked"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    ],
)
def test_an_ambiguous_or_invalid_length_is_refused(
    wire: Callable[[], socket.socket], headers: list[str]
) -> None:
    """A second request could be hidden in the body (RFC 9112 6.3)."""
    connection = wire()

    sends(connection, "POST /open/v1/echo HTTP/1.1", *headers)

    assert answer_on(connection)[0] == 400


# -- What is kept --------------------------------------------------------------


def test_the_latest_requests_are_kept_up_to_a_size(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size of body, headers and query. All requests are counted."""
    monkeypatch.setattr(_request_log, "MAX_TOTAL_BYTES", 50_000)

    for number in range(9):
        call(sandbox, None, "POST", f"/echo?{number}", data=bytes(20_000))

    kept = [seen.query for seen in sandbox.received]
    assert kept == ["7", "8"]
    assert sandbox.api_calls == 9
    call(sandbox, None, "POST", "/echo", data=bytes(60_000))
    assert sandbox.received == []


def test_codes_and_tokens_are_kept_up_to_a_number(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest are forgotten, as if they had been revoked."""
    monkeypatch.setattr(_ledger, "MAX_ENTRIES", 3)
    sandbox.refresh_tokens = True
    codes = [app.signs_on()["code"] for _ in range(4)]

    assert app.exchanges(codes[0]).json()["error"] == "invalid_grant"

    tokens = [app.exchanges(code).json() for code in codes[1:]]
    tokens.append(app.gets_a_token())
    statuses = [call(sandbox, each["access_token"]).status_code for each in tokens]
    assert statuses == [401, 200, 200, 200]
    refreshed = app.refreshes(tokens[0]["refresh_token"]).json()
    assert refreshed["error"] == "invalid_grant"


def test_secrets_lists_every_token_that_still_works(
    sandbox: Sandbox, token: str
) -> None:
    """However many were issued since. Of the others it lists the latest."""
    others = [sandbox.issue_token() for _ in range(_ledger.MAX_ENTRIES - 1)]
    for other in others:
        sandbox.revoke(other)
    later = [sandbox.issue_token() for _ in range(2)]

    known = sandbox.secrets

    assert {token, *later, others[-1]} <= set(known)
    assert others[0] not in known
    assert len(known) == _ledger.MAX_ENTRIES + 2


def test_lists_and_tasks_are_kept_up_to_a_number(
    sandbox: Sandbox, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client can then change and delete, and add only after deleting."""
    monkeypatch.setattr(storage, "MAX_ITEMS", 11)

    def add(path: str, **fields: object) -> requests.Response:
        return call(sandbox, token, "POST", path, json=fields)

    made = [add("/task", title="a"), add("/project", name="b")]
    full = [add("/task", title="c"), add("/project", name="d")]

    assert [answer.status_code for answer in (*made, *full)] == [200, 200, 400, 400]
    assert "delete something" in full[0].json()["errorMessage"]
    task, project = (answer.json()["id"] for answer in made)
    assert add(f"/task/{task}", title="e").status_code == 200
    call(sandbox, token, "DELETE", f"/project/{project}")
    assert add("/task", title="f").status_code == 200


def test_lists_and_tasks_are_kept_up_to_a_size(
    sandbox: Sandbox, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size of all of them together, as JSON."""
    monkeypatch.setattr(storage, "MAX_JSON_CHARACTERS", 10_000)
    task = call(sandbox, token, "POST", "/task", json={"title": "a"}).json()["id"]

    for path in ("/task", f"/task/{task}"):
        fields = {"title": "x" * 10_000}
        assert call(sandbox, token, "POST", path, json=fields).status_code == 400

    smaller = {"title": "x" * 5000}
    for _ in range(3):
        answer = call(sandbox, token, "POST", f"/task/{task}", json=smaller)
        assert answer.status_code == 200


def test_deleted_tasks_make_room_for_others(
    sandbox: Sandbox, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then they can be read, and the oldest goes first."""
    monkeypatch.setattr(storage, "MAX_ITEMS", 11)
    new = [
        call(sandbox, token, "POST", "/task", json={"title": title}).json()["id"]
        for title in "ab"
    ]

    for task in new:
        call(sandbox, token, "DELETE", f"/project/inbox/task/{task}")
    added = call(sandbox, token, "POST", "/task", json={"title": "c"})

    assert added.status_code == 200
    left = [call(sandbox, token, path=f"/project/inbox/task/{t}").text for t in new]
    assert left[0] == ""
    assert '"title":"b"' in left[1]


def test_a_deleted_task_does_not_make_room_for_itself(
    sandbox: Sandbox, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot become larger than all that is kept, either."""
    monkeypatch.setattr(storage, "MAX_JSON_CHARACTERS", 10_000)
    task = call(sandbox, token, "POST", "/task", json={"title": "a"}).json()["id"]
    call(sandbox, token, "DELETE", f"/project/inbox/task/{task}")

    larger = {"title": "x" * 10_000}
    answer = call(sandbox, token, "POST", f"/task/{task}", json=larger)

    assert answer.status_code == 400
    again = call(sandbox, token, path=f"/project/inbox/task/{task}")
    assert again.json()["title"] == "a"


@pytest.mark.parametrize(
    "body", [b"[" * 500_000, b'{"title": "a", "projectId": [1]}', b"\xff", b"5"]
)
def test_a_body_that_is_not_a_task_is_refused(
    sandbox: Sandbox, token: str, body: bytes
) -> None:
    """Nested too deeply, of a wrong type, or not JSON at all."""
    answer = call(sandbox, token, "POST", "/task", data=body)

    assert answer.status_code == 500
    assert answer.json()["errorCode"] == "invalid_request"


# -- Connections ---------------------------------------------------------------


def test_an_idle_connection_makes_room_for_another(
    sandbox: Sandbox,
    token: str,
    wire: Callable[[], socket.socket],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server ends the one that was idle the longest, and its thread."""
    monkeypatch.setattr(_connections, "MAX_CONNECTIONS", 3)
    threads = threading.active_count()
    idle = [wire() for _ in range(3)]
    for each in idle[1:]:
        sends(each, "GET / HTTP/1.1")
        assert answer_on(each)[0] == 200

    assert call(sandbox, token).status_code == 200

    assert idle[0].recv(1) == b""
    sends(idle[2], "GET / HTTP/1.1")
    assert answer_on(idle[2])[0] == 200
    for _ in range(50):
        wire()
    assert call(sandbox, token).status_code == 200
    # The threads of the ended connections end a moment later.
    end = time.monotonic() + 30
    while threading.active_count() > threads + 10:
        assert time.monotonic() < end, threading.enumerate()
        time.sleep(0.005)


def test_the_server_stops_reading_after_a_refusal(
    wire: Callable[[], socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client goes on sending. It gets the response all the same."""
    monkeypatch.setattr(_web_server, "LINGER_READS", 1)
    connection = wire()
    # More than the server has read ahead, so that its one read finds some of it.
    sends(
        connection,
        "POST /open/v1/echo HTTP/1.1",
        "Content-Length: 99999999",
        "",
        "x" * 200_000,
    )

    assert answer_on(connection)[0] == 413


def test_a_busy_connection_does_not_make_room_for_another(
    sandbox: Sandbox,
    token: str,
    wire: Callable[[], socket.socket],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While all are busy, the server refuses new connections."""
    monkeypatch.setattr(_connections, "MAX_CONNECTIONS", 1)
    reached, go_on = threading.Event(), threading.Event()

    def slow_clock() -> float:
        reached.set()
        assert go_on.wait(SECONDS)
        return 0.0

    sandbox.clock = slow_clock
    busy = wire()
    sends(busy, "GET /open/v1/project HTTP/1.1", f"Authorization: Bearer {token}")
    assert reached.wait(SECONDS)

    refused = wire()
    assert refused.recv(1) == b""

    go_on.set()
    assert answer_on(busy)[0] == 200
    # The client has its response a moment before the connection is idle again.
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with contextlib.suppress(requests.ConnectionError):
            assert call(sandbox, token).status_code == 200
            return
    pytest.fail("the server accepts no connection")


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HTTP/1.1\r\n",
        b"POST /open/v1/echo HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\n\r\nab",
    ],
)
def test_a_silent_connection_times_out(
    wire: Callable[[], socket.socket], monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    """In the middle of a request, too."""
    assert 0 < _web_server.Handler.timeout <= 60
    monkeypatch.setattr(_web_server.Handler, "timeout", 0.05)
    connection = wire()
    host = "{}:{}".format(*connection.getpeername()).encode()

    seen = b""
    with contextlib.suppress(ConnectionError):  # the connection may have ended already
        connection.sendall(begun.replace(b"{host}", host))
        while more := connection.recv(9999):
            seen += more
    assert seen == b"" or seen.startswith(b"HTTP/1.1 400")


def test_the_server_header_names_no_library(sandbox: Sandbox) -> None:
    """Nor does it show the version of Python."""
    answer = requests.get(sandbox.url("/"), timeout=SECONDS)

    assert answer.headers["Server"] == "requests-ticktick-sandbox"
