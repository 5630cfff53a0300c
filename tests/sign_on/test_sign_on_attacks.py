"""What else connects to a listener: browsers' habits, and worse."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from people import (
    SECONDS,
    STATE,
    a_request,
    browse,
    connected,
    get,
    received,
    sent,
    waiting,
)
from ports import free_port

from requests_ticktick._errors import AuthorizationDeniedError
from requests_ticktick._sign_on import listener as listening
from requests_ticktick._sign_on import server as serving
from requests_ticktick._sign_on.listener import RedirectListener
from requests_ticktick._sign_on.pages import GRANTED
from requests_ticktick._sign_on.server import Server

RIGHT = f"code=abc123&state={STATE}"
HOST = b"Host: {host}\r\n"

#: What is sent, and the status of the page that it gets; 0 where the
#: connection may end without one. ``{host}`` is the redirect URI's.
STRAY = [
    ("the browser's icon", b"GET /favicon.ico HTTP/1.1\r\n" + HOST, 404),
    ("HEAD", b"HEAD /callback?{right} HTTP/1.1\r\n" + HOST, 405),
    ("POST", b"POST /callback?{right} HTTP/1.1\r\n" + HOST, 405),
    ("OPTIONS", b"OPTIONS /callback?{right} HTTP/1.1\r\n" + HOST, 405),
    ("an invented method", b"get /callback?{right} HTTP/1.1\r\n" + HOST, 405),
    ("another path", b"GET /?{right} HTTP/1.1\r\n" + HOST, 404),
    ("a longer path", b"GET /callback/?{right} HTTP/1.1\r\n" + HOST, 404),
    ("a path with two slashes", b"GET //callback?{right} HTTP/1.1\r\n" + HOST, 404),
    (
        "a proxy's request",
        b"GET http://{host}/callback?{right} HTTP/1.1\r\n" + HOST,
        404,
    ),
    ("a tunnel", b"CONNECT {host} HTTP/1.1\r\n" + HOST, 405),
    ("no query", b"GET /callback HTTP/1.1\r\n" + HOST, 400),
    ("no state", b"GET /callback?code=abc123 HTTP/1.1\r\n" + HOST, 400),
    ("an empty state", b"GET /callback?code=abc123&state= HTTP/1.1\r\n" + HOST, 400),
    ("another state", b"GET /callback?{right}x HTTP/1.1\r\n" + HOST, 400),
    ("two states", b"GET /callback?{right}&state=x HTTP/1.1\r\n" + HOST, 400),
    (
        "the state alone",
        b"GET /callback?state=" + STATE.encode() + b" HTTP/1.1\r\n" + HOST,
        400,
    ),
    ("an error of another", b"GET /callback?error=x&state=x HTTP/1.1\r\n" + HOST, 400),
    ("no host", b"GET /callback?{right} HTTP/1.1\r\n", 400),
    ("two hosts", b"GET /callback?{right} HTTP/1.1\r\n" + HOST + HOST, 400),
    (
        "a rebound name",
        b"GET /callback?{right} HTTP/1.1\r\nHost: evil.example\r\n",
        421,
    ),
    (
        "a rebound name, port",
        b"GET /callback?{right} HTTP/1.1\r\nHost: evil.example:{port}\r\n",
        421,
    ),
    ("another port", b"GET /callback?{right} HTTP/1.1\r\nHost: 127.0.0.1:1\r\n", 421),
    ("HTTP/0.9", b"GET /callback?{right}\r\n", 400),
    ("HTTP/1.0 without a host", b"GET /callback?{right} HTTP/1.0\r\n", 400),
    ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n", 505),
    ("no version", b"GET /callback?{right} HTTPS\r\n", 400),
    ("one word", b"hello\r\n", 400),
    ("four words", b"GET /callback?{right} of HTTP/1.1\r\n", 400),
    ("an empty line", b"\r\n", 0),
    ("a TLS handshake", bytes.fromhex("16030102000100") + b"\x01" * 300 + b"\n", 400),
    ("a long line", b"GET /callback?" + b"x" * 70_000 + b" HTTP/1.1\r\n", 0),
    (
        "a long header",
        b"GET /callback?{right} HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n",
        0,
    ),
    ("many headers", b"GET /callback?{right} HTTP/1.1\r\n" + b"X: y\r\n" * 200, 0),
    ("NUL", b"GET /callback\x00?{right} HTTP/1.1\r\n" + HOST, 404),
    ("no more than a byte", b"G", 0),
]


@pytest.fixture
def redirect_uri():
    """A redirect URI that nobody waits at yet."""
    return f"http://127.0.0.1:{free_port()}/callback"


def shut(redirect_uri, request):
    """Send a request whose sender sends no more after it."""
    with connected(redirect_uri) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        return received(connection)


@pytest.mark.parametrize(
    ("request_", "status"),
    [pytest.param(request, status, id=name) for name, request, status in STRAY],
)
def test_a_stray_request_gets_its_page_and_the_wait_goes_on(
    redirect_uri, request_, status, capfd, caplog
):
    """It is not shown anywhere, and the real redirect still counts."""
    caplog.set_level(logging.DEBUG)
    host = urlsplit(redirect_uri).netloc.encode()
    request_ = (
        request_.replace(b"{host}", host)
        .replace(b"{right}", RIGHT.encode())
        .replace(b"{port}", host.partition(b":")[2])
    )

    with waiting(redirect_uri) as answer:
        page = shut(redirect_uri, request_ + b"\r\n")

        assert not answer.done()
        browse(f"{redirect_uri}?{RIGHT}")
        assert answer.result(SECONDS) == f"{redirect_uri}?{RIGHT}"
    if status:
        assert page.startswith(f"HTTP/1.1 {status} ".encode())
        assert b"Content-Security-Policy: default-src 'none';" in page
    assert b"abc123" not in page
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_a_head_request_gets_no_body(redirect_uri):
    """RFC 9110 9.3.2. A 405 lists the allowed methods."""
    with waiting(redirect_uri):
        page = sent(redirect_uri, get(redirect_uri).replace(b"GET", b"HEAD"))

    assert b"\r\nAllow: GET\r\n" in page
    assert page.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /callback?code=<b>MARK&state={state} HTTP/1.1\r\nHost: {host}\r\n\r\n",
        b"GET /callback?error=<b>MARK&state={state} HTTP/1.1\r\nHost: {host}\r\n\r\n",
        b"GET /callback?code=<b>MARK&state=<b>MARK HTTP/1.1\r\nHost: {host}\r\n\r\n",
        b"GET /<b>MARK HTTP/1.1\r\nHost: {host}\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: <b>MARK\r\n\r\n",
        b"<b>MARK / HTTP/1.1\r\nHost: {host}\r\n\r\n",
        b"GET / <b>MARK\r\n\r\n",
        b"GET <b>MARK and more HTTP/1.1\r\n\r\n",
        b"<b>MARK /\r\n\r\n",
        b"GET / HTTP/9<b>MARK\r\n\r\n",
        b"GET / HTTP/9.9\r\nX-MARK: <b>MARK\r\n\r\n",
    ],
)
def test_no_page_quotes_the_request(redirect_uri, request_):
    """HTML in a request does not reach the page."""
    host = urlsplit(redirect_uri).netloc.encode()
    request_ = request_.replace(b"{host}", host).replace(b"{state}", STATE.encode())

    with waiting(redirect_uri):
        page = sent(redirect_uri, request_)

    assert b"</html>" in page
    assert b"MARK" not in page
    assert b"Python" not in page


def test_the_last_page_has_protective_headers(redirect_uri):
    """It is not cached or referred to, and loads and runs nothing."""
    with waiting(redirect_uri):
        head, _, body = browse(f"{redirect_uri}?{RIGHT}").partition(b"\r\n\r\n")

    assert head.decode().split("\r\n") == [
        "HTTP/1.1 200 OK",
        "Content-Type: text/html; charset=utf-8",
        "Cache-Control: no-store",
        "Referrer-Policy: no-referrer",
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
        f"Content-Length: {len(body)}",
    ]
    for part in (b"<script", b"src=", b"href=", b"url(", b"http"):
        assert part not in body


@pytest.mark.parametrize(
    "query", ["error=access_denied", "error=x&code=abc123", "code="]
)
def test_a_denial_ends_the_wait_with_its_own_page(redirect_uri, query):
    """An error beside a code is an error."""
    redirected = f"{redirect_uri}?{query}&state={STATE}"

    with waiting(redirect_uri) as answer:
        page = browse(redirected)

        assert answer.result(SECONDS) == redirected
    assert b"Access was not granted" in page
    assert b"You can close this tab" in page
    if "error" in query:
        with pytest.raises(AuthorizationDeniedError):
            a_request(redirect_uri).code_from(redirected)


def test_an_upper_case_host_is_the_same_host():
    """Host names are not case sensitive (RFC 9110 4.2.3)."""
    redirect_uri = f"http://localhost:{free_port()}/callback"

    with waiting(redirect_uri) as answer:
        request = get(f"{redirect_uri}?{RIGHT}").replace(b"localhost", b"LOCALHOST")
        sent(redirect_uri, request)

        assert answer.result(SECONDS) == f"{redirect_uri}?{RIGHT}"


def test_a_hundred_idle_connections_do_not_block_the_redirect(redirect_uri):
    """Browsers connect in advance (msal issue 950)."""
    with waiting(redirect_uri) as answer, contextlib.ExitStack() as idle:
        for _ in range(100):
            idle.enter_context(connected(redirect_uri))

        assert b"You can close this tab" in browse(f"{redirect_uri}?{RIGHT}")
        assert answer.result(SECONDS) == f"{redirect_uri}?{RIGHT}"


def test_a_connection_beyond_the_limit_replaces_the_oldest(redirect_uri, monkeypatch):
    """The newest is served, and the number of threads stays small."""
    monkeypatch.setattr(serving, "MAX_CONNECTIONS", 3)
    monkeypatch.setattr(serving.Handler, "timeout", 60.0)

    with waiting(redirect_uri) as answer, contextlib.ExitStack() as stack:
        idle = [stack.enter_context(connected(redirect_uri)) for _ in range(4)]

        assert received(idle[0]) == b""
        browse(f"{redirect_uri}?{RIGHT}")
        assert answer.result(SECONDS) == f"{redirect_uri}?{RIGHT}"


def test_an_idle_connection_is_closed(redirect_uri, monkeypatch, capfd):
    """A client that sends nothing does not hold a thread for long."""
    assert serving.Handler.timeout == 10.0
    monkeypatch.setattr(serving.Handler, "timeout", 0.05)

    with waiting(redirect_uri) as answer, connected(redirect_uri) as connection:
        assert received(connection) == b""
        assert not answer.done()
    assert capfd.readouterr() == ("", "")


def test_a_slow_sender_is_disconnected(redirect_uri, monkeypatch):
    """It stays below the idle limit, a byte at a time (slow-loris)."""
    monkeypatch.setattr(serving, "CONNECTION_SECONDS", 0.3)

    with waiting(redirect_uri) as answer, connected(redirect_uri) as connection:
        connection.settimeout(0.01)
        ended = False
        for _ in range(1000):
            try:
                connection.sendall(b"G")
                ended = connection.recv(1) == b""
            except TimeoutError:
                continue
            except ConnectionError:
                ended = True
            break
        assert ended
        assert not answer.done()


def test_two_simultaneous_redirects_both_get_a_page(redirect_uri, monkeypatch):
    """The first wins. The other page says that the sign-on was answered."""
    monkeypatch.setattr(listening, "LINGER_SECONDS", SECONDS)  # one tab may be slow
    start = threading.Barrier(2)

    def tab(code):
        with connected(redirect_uri) as connection:
            start.wait(SECONDS)
            connection.sendall(get(f"{redirect_uri}?code={code}&state={STATE}"))
            return received(connection)

    with waiting(redirect_uri) as answer, ThreadPoolExecutor(2) as pool:
        pages = list(pool.map(tab, ["one", "two"]))
        url = answer.result(SECONDS)

    granted = [b"Access was granted" in page for page in pages]
    assert all(b"You can close this tab" in page for page in pages)
    assert sorted(granted) == [False, True]
    assert f"code={'one' if granted[0] else 'two'}&" in url


def test_a_replayed_redirect_is_ignored(redirect_uri):
    """The second redirect, with the right state, gets a page."""
    with RedirectListener(a_request(redirect_uri), urlsplit(redirect_uri)) as listener:
        listener.open()
        browse(f"{redirect_uri}?{RIGHT}")
        replayed = browse(f"{redirect_uri}?code=another&state={STATE}")

        assert listener.wait(SECONDS) == f"{redirect_uri}?{RIGHT}"
    assert replayed.startswith(b"HTTP/1.1 409 ")


def test_a_client_connected_before_the_end_gets_a_page(redirect_uri):
    """A second tab does not see a reset."""

    class Judge:
        def answer(self, target, hosts, sender):
            return GRANTED

        def delivered(self):
            pass

    parts = urlsplit(redirect_uri)
    server = Server(parts.hostname, parts.port, Judge())
    with contextlib.closing(server.socket), connected(redirect_uri) as connection:
        connection.sendall(get(f"{redirect_uri}?{RIGHT}"))
        stopping = threading.Event()
        stopping.set()

        server.serve(stopping)

        assert b"You can close this tab" in received(connection)
        server.server_close()


def test_a_thread_that_comes_too_late_ends_in_silence(redirect_uri):
    """It finds the socket closed, if the machine is busy enough."""
    parts = urlsplit(redirect_uri)
    server = Server(parts.hostname, parts.port, None)
    server.server_close()

    server.serve(threading.Event())


def test_the_listener_waits_for_pages_in_progress(redirect_uri, monkeypatch):
    """It closes after the other tab has its page."""
    judging, closing = threading.Event(), threading.Event()
    judge, linger = RedirectListener.answer, Server.linger

    def slowly(listener, target, *sent):
        if "another" in target:
            judging.set()
            closing.wait(SECONDS)
        return judge(listener, target, *sent)

    def lingering(server, seconds):
        closing.set()
        linger(server, SECONDS)

    monkeypatch.setattr(RedirectListener, "answer", slowly)
    monkeypatch.setattr(Server, "linger", lingering)
    with ThreadPoolExecutor(1) as pool:
        with RedirectListener(
            a_request(redirect_uri), urlsplit(redirect_uri)
        ) as listener:
            listener.open()
            another = f"{redirect_uri}?code=another&state={STATE}"
            page = pool.submit(browse, another)
            assert judging.wait(SECONDS)
            browse(f"{redirect_uri}?{RIGHT}")

        assert b"already been answered" in page.result(SECONDS)


def test_a_redirect_of_an_older_sign_on_is_refused(redirect_uri):
    """A tab left open yesterday cannot complete today's sign-on."""
    with waiting(redirect_uri) as answer:
        page = browse(f"{redirect_uri}?code=abc123&state=yesterdays")

        assert b"It may be an older one" in page
        assert not answer.done()


def test_an_error_in_the_responder_does_not_end_the_wait(
    redirect_uri, monkeypatch, capfd
):
    """That connection gets no page, and the wait goes on."""
    judge = RedirectListener.answer

    def failing(listener, target, *sent):
        if "fail" in target:
            raise ValueError(target)
        return judge(listener, target, *sent)

    monkeypatch.setattr(RedirectListener, "answer", failing)

    with waiting(redirect_uri) as answer:
        assert browse(f"{redirect_uri}?fail") == b""
        browse(f"{redirect_uri}?{RIGHT}")
        assert answer.result(SECONDS) == f"{redirect_uri}?{RIGHT}"
    assert capfd.readouterr() == ("", "")
