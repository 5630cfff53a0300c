"""The sandbox on the wire: connections, bodies, logs."""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, RemoteDisconnected
from urllib.parse import urlsplit

import pytest
import requests
from sandbox_app import SECONDS, STATE, App, call

from requests_ticktick.sandbox import Sandbox, _connections


@pytest.fixture
def token(sandbox: Sandbox) -> str:
    """A good token, issued without a sign-on."""
    return sandbox.issue_token()


@pytest.fixture
def wire(sandbox: Sandbox) -> Iterator[socket.socket]:
    """A bare connection to the sandbox."""
    parts = urlsplit(sandbox.url())
    with socket.create_connection((parts.hostname, parts.port), SECONDS) as wire:
        yield wire


def sends(wire: socket.socket, text: str) -> None:
    """Send a text, with the sandbox's address in place of ``Host: x``."""
    host, port = wire.getpeername()[:2]
    text = text.replace("Host: x\n", f"Host: {host}:{port}\n")
    wire.sendall(text.replace("\n", "\r\n").encode())


def reads_until(wire: socket.socket, end: bytes) -> bytes:
    """Read up to ``end`` or to the end of the connection."""
    seen = b""
    while not seen.endswith(end):
        more = wire.recv(1)
        if not more:
            break
        seen += more
    return seen


# -- Connections -------------------------------------------------------------


def test_a_connection_serves_many_requests(sandbox: Sandbox, token: str) -> None:
    """Refusals and failures do not end it."""
    address = urlsplit(sandbox.url()).netloc
    connection = HTTPConnection(address, timeout=SECONDS)
    connection.connect()
    first = connection.sock.getsockname()
    sandbox.fail(1, 500, "no", endpoint="api")

    statuses = []
    for bearer in (token, token, "bad", token):
        connection.request(
            "POST", "/open/v1/echo", b"x" * 9999, {"Authorization": f"Bearer {bearer}"}
        )
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
        assert connection.sock is not None
        assert connection.sock.getsockname() == first
    connection.close()

    assert statuses == [500, 200, 401, 200]


@pytest.mark.parametrize(
    "request_lines",
    ["GET / HTTP/1.0\nHost: x\n\n", "GET / HTTP/1.1\nHost: x\nConnection: close\n\n"],
)
def test_a_connection_ends_when_the_client_asks_for_it(
    wire: socket.socket, request_lines: str
) -> None:
    """Clients of HTTP/1.0 do so by default."""
    sends(wire, request_lines)

    answer = reads_until(wire, b"never")

    assert b"200 OK" in answer
    assert b"Connection: close" in answer


def test_stopping_hangs_up_on_idle_connections(
    sandbox: Sandbox, wire: socket.socket, token: str
) -> None:
    """They do not keep the sandbox alive."""
    sends(wire, "GET / HTTP/1.1\nHost: x\n\n")
    assert wire.recv(1)

    sandbox.stop()

    assert reads_until(wire, b"never")
    assert wire.recv(1) == b""


def test_a_connection_accepted_during_the_stop_is_ended() -> None:
    """The server accepted it just before it stopped."""
    open_ones = _connections.Connections()
    open_ones.close()
    here, there = socket.socketpair()

    with here, there:
        assert open_ones.admit(there)

        assert here.recv(1) == b""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_stopped_sandbox_refuses_clients_while_a_forked_child_lives(
    sandbox: Sandbox,
) -> None:
    """The child has a copy of the listening socket."""
    parts = urlsplit(sandbox.url())
    fork = multiprocessing.get_context("fork")
    ends = fork.Event()
    child = fork.Process(target=ends.wait, args=(SECONDS,))
    child.start()

    sandbox.stop()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((parts.hostname, parts.port), SECONDS)
    assert child.is_alive()
    ends.set()
    child.join(SECONDS)


# -- Bodies ------------------------------------------------------------------


def test_a_chunked_body_arrives_whole(sandbox: Sandbox, token: str) -> None:
    """The connection can be used again."""
    chunks = [os.urandom(size) for size in (1, 65536, 10, 200000)]
    whole = b"".join(chunks)

    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        url = sandbox.url("/open/v1/echo")
        answers = [
            session.put(url, data=iter(chunks), timeout=SECONDS).json()
            for _ in range(2)
        ]

    assert [answer["length"] for answer in answers] == [len(whole)] * 2
    assert answers[0]["sha256"] == hashlib.sha256(whole).hexdigest()
    assert sandbox.received[-1].body == whole


def test_a_client_may_wait_for_100_continue(wire: socket.socket, token: str) -> None:
    """The server sends it once."""
    sends(
        wire,
        f"POST /open/v1/echo HTTP/1.1\nHost: x\nAuthorization: Bearer {token}\n"
        "Expect: 100-continue\nContent-Length: 4\n\n",
    )
    assert reads_until(wire, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"

    wire.sendall(b"body")

    assert reads_until(wire, b"\r\n").startswith(b"HTTP/1.1 200")


def test_a_client_that_will_be_refused_gets_no_100_continue(
    wire: socket.socket,
) -> None:
    """It need not send a body that is too large."""
    sends(
        wire,
        "POST /open/v1/echo HTTP/1.1\nHost: x\nExpect: 100-continue\n"
        "Content-Length: 99999999\n\n",
    )

    assert reads_until(wire, b"\r\n").startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "request_lines",
    [
        "GET http://[ HTTP/1.1\nHost: x\n\n",
        "POST / HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\nzz\n",
        "what is this\n\n",
    ],
)
def test_a_malformed_request_is_refused(
    wire: socket.socket, request_lines: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The connection ends, and the request is not logged."""
    sends(wire, request_lines)

    answer = reads_until(wire, b"never")

    assert b"400" in answer
    assert "what" not in caplog.text
    assert "zz" not in caplog.text


def test_a_client_that_leaves_does_not_affect_others(
    sandbox: Sandbox, wire: socket.socket, token: str
) -> None:
    """It leaves in the middle of a body."""
    sends(wire, "POST /open/v1/task HTTP/1.1\nHost: x\nContent-Length: 9\n\nhalf")
    wire.shutdown(socket.SHUT_WR)

    assert b"400" in reads_until(wire, b"\n")
    assert call(sandbox, token).status_code == 200
    assert sandbox.api_calls == 1


# -- Logs --------------------------------------------------------------------


def test_logs_contain_no_codes_tokens_or_states(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """At DEBUG, the server logs paths without queries, and oauthlib nothing."""
    caplog.set_level(logging.DEBUG)
    sandbox.refresh_tokens = True
    app = App(sandbox)

    code = app.signs_on()["code"]
    token = app.exchanges(code).json()
    app.exchanges(code)
    app.refreshes(token["refresh_token"])
    call(sandbox, token["access_token"])
    connection = HTTPConnection(urlsplit(sandbox.url()).netloc, timeout=SECONDS)
    connection.request("GET", f"/oauth/authorize?{urlsplit(app.asks().url).query}")
    connection.getresponse().read()
    connection.close()

    for secret in (*sandbox.secrets, STATE):
        assert secret not in caplog.text
    assert "POST /oauth/token 200" in caplog.text
    assert "GET /oauth/authorize 200" in caplog.text
    assert not [r for r in caplog.records if r.name.startswith("oauthlib")]


def test_oauthlib_still_logs_for_the_client_under_test(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """The client uses the same loggers in the same process."""
    caplog.set_level(logging.DEBUG)
    name = "oauthlib.oauth2.rfc6749.grant_types.authorization_code"

    logging.getLogger(name).debug("a client's own record")

    assert "a client's own record" in caplog.text
    assert sandbox.sign_ons == 0


def test_nothing_is_written_to_the_terminal(
    sandbox: Sandbox, token: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """No request log, no warning of a development server, no traceback."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: call(sandbox, token), range(8)))
    sandbox.stop()

    with pytest.raises((RemoteDisconnected, ConnectionError)):
        HTTPConnection(urlsplit(sandbox.url()).netloc, timeout=SECONDS).request(
            "GET", "/"
        )
    assert tuple(capfd.readouterr()) == ("", "")
