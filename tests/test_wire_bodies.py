"""What is sent again after a 401: the same bytes, in the same way, or nothing.

Each body meets each answer. Either the server got the caller's bytes twice,
and the caller gets the second answer; or it got them once, and the caller gets
the 401, and the next call has a new token.
"""

from __future__ import annotations

import ssl
import threading
import warnings
import zlib
from datetime import timedelta
from itertools import repeat

import pytest
import requests
import trustme
from bodies import (
    ANSWERS,
    BODIES,
    CONTENT,
    REFUSED,
    Counted,
    close,
    differences,
    sha256,
    tokens,
)
from urllib3.exceptions import InsecureRequestWarning
from wire_servers import (
    TOKENS,
    Answer,
    Net,
    Proxy,
    Server,
    knows_tokens,
    server_context,
)

from requests_ticktick import _replay


@pytest.fixture
def server(secrets):
    secrets.add(*TOKENS)
    with Server() as server:
        yield server


@pytest.fixture
def session(server):
    with requests.Session() as session:
        session.auth = knows_tokens(server.url)
        yield session


@pytest.mark.parametrize("answers", ANSWERS)
@pytest.mark.parametrize("body", BODIES)
def test_each_body_with_each_response(server, session, tmp_path, body, answers):
    """Sent twice byte for byte, or once with the 401 returned."""
    again, make, content = BODIES[body]
    first, second, options = ANSWERS[answers]
    server.answers.extend([first, second])
    given = make(tmp_path)
    request = session.prepare_request(requests.Request("POST", server.url, **given))
    if content is None:
        content = request.body

    with session.send(request, timeout=10, **options) as response:
        server.settle()

    chain = [*response.history, response]
    expected = [401, second.status] if again else [401]
    assert [each.status_code for each in chain] == expected
    assert [seen.sha256 for seen in server.seen] == [sha256(content)] * len(expected)
    if again:
        assert differences(*server.seen) == {"authorization"}
    close(given)


def test_the_call_after_an_unrepeatable_one_succeeds(server, session, caplog):
    """The token was renewed, and a warning names the next step."""
    server.answers.append(Answer(401))
    assert session.post(server.url, data=iter([b"once"])).status_code == 401
    assert "make the call again" in caplog.text

    assert session.post(server.url, data=iter([b"and again"])).status_code == 200

    assert tokens(server) == [0, 1]


# -- large ones ----------------------------------------------------------------------


def test_a_hundred_megabytes_are_streamed_twice(server, session, tmp_path):
    """From the disk in blocks, both times."""
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(100 << 20)
    server.answers.append(Answer(401))

    with Counted(path) as file:
        response = session.put(server.url, data=file)

    assert response.status_code == 200
    assert [seen.length for seen in server.seen] == [100 << 20] * 2
    assert server.seen[0].sha256 == server.seen[1].sha256
    assert file.largest <= 1 << 20


def test_a_large_generator_is_streamed_once(server, session):
    """In chunks, each of them once."""
    server.answers.append(Answer(401))

    response = session.put(server.url, data=repeat(bytes(1 << 16), 80))

    assert response.status_code == 401
    assert [seen.length for seen in server.seen] == [5 << 20]
    assert server.seen[0].headers["transfer-encoding"] == "chunked"


# -- bodies that do not stay as they are -----------------------------------------------


@pytest.mark.parametrize("change", ["grows", "shrinks", "is closed", "comes to life"])
def test_a_file_that_changes_meanwhile(server, session, tmp_path, change):
    """Another body than the one announced is not sent; nor is half of one.

    A person may take minutes to sign on, and a log file be written to.
    """
    path = tmp_path / "body"
    path.write_bytes(b"" if change == "comes to life" else CONTENT)
    file = path.open("rb")

    def meanwhile(response, **_):
        if change == "is closed":
            file.close()
        else:
            path.write_bytes(CONTENT[:-1] if change == "shrinks" else CONTENT * 2)

    server.answers.append(Answer(401))
    request = requests.Request("POST", server.url, data=file)
    request = session.prepare_request(request)
    request.hooks["response"].insert(0, meanwhile)
    with file:
        response = session.send(request, timeout=10)

    assert response.status_code == 401
    assert len(server.seen) == 1
    assert session.auth.token().access_token == TOKENS[1]


# -- answers that are out of order -----------------------------------------------------


def test_a_401_of_any_size_is_read_in_part(server, session):
    """Its beginning can be read by the caller."""
    blocks = []

    def endless():
        for block in repeat(b"x" * (1 << 20), 1000):
            blocks.append(len(block))
            yield block

    server.answers.append(Answer(401, {}, endless(), close=True))

    response = session.get(server.url)
    server.settle()

    assert response.status_code == 200
    assert 0 < len(response.history[0].content) <= 1 << 17
    assert sum(blocks) < 100 << 20


def test_a_401_that_stalls_does_not_stop_the_call(server, session):
    """The call's time-out ends the reading of the 401."""
    over = threading.Event()

    def stall():
        yield b'{"error":'
        over.wait(30)

    server.answers.append(Answer(401, {}, stall(), says=100))

    # Its other reads are answered, though perhaps by a slow machine.
    response = session.get(server.url, timeout=(10, 3.0))
    over.set()

    assert response.status_code == 200
    assert [each.status_code for each in response.history] == [401]


def test_a_slow_401_does_not_stop_the_call(server, session, monkeypatch):
    """Each byte is within the call's time-out, but the reading ends."""
    monkeypatch.setattr(_replay, "BODY_SECONDS", 0.3)
    over = threading.Event()

    def drip():
        while not over.wait(0.01):
            yield b" "

    server.answers.append(Answer(401, {}, drip(), says=1 << 20))

    # No time-out of the call's: only a deadline of ours ends this.
    response = session.get(server.url)
    over.set()

    assert response.status_code == 200
    assert response.history[0].content.strip() == b""


def test_a_401_that_was_read_in_time_keeps_its_connection(server, session, monkeypatch):
    """No timer shuts it down later."""
    ended = []
    monkeypatch.setattr(_replay, "shut_down", ended.append)
    monkeypatch.setattr(_replay, "BODY_SECONDS", 5.0)
    server.answers.append(Answer(401, {}, REFUSED))

    response = session.get(server.url)

    assert response.status_code == 200
    assert len({seen.connection for seen in server.seen}) == 1
    timers = [t for t in threading.enumerate() if isinstance(t, threading.Timer)]
    assert all(timer.finished.is_set() for timer in timers)
    assert ended == []


@pytest.mark.parametrize("coding", ["gzip", "br", "gzip, gzip"])
def test_a_401_that_inflates_is_limited(server, session, coding):
    """By its inflated size."""
    squeeze = zlib.compressobj(9, wbits=31)
    bomb = b"".join(squeeze.compress(bytes(1 << 20)) for _ in range(64))
    bomb += squeeze.flush()
    server.answers.append(Answer(401, {"Content-Encoding": coding}, bomb))

    response = session.get(server.url)

    assert response.status_code == 200
    assert len(response.history[0].content) <= 2 << 20


def test_a_401_without_a_thread_is_not_read(server, session, monkeypatch):
    """As at exit. The connection is then closed."""

    def start(thread):
        raise RuntimeError("can't start new thread")

    server.answers.append(Answer(401, {}, REFUSED))
    monkeypatch.setattr(threading.Timer, "start", start)

    response = session.get(server.url)

    assert response.status_code == 200
    assert response.history[0].content == b""


def test_a_401_on_a_closed_connection_reaches_the_caller(server, session):
    """A client that sends an unread body may never see the 401."""
    server.answers.append(Answer(401, early=True, close=True))
    content = bytes(20 << 20)

    try:
        response = session.post(server.url, data=content, timeout=30)
    except requests.ConnectionError:
        assert server.seen == []
    else:
        assert response.status_code == 200
        assert [seen.sha256 for seen in server.seen] == [sha256(content)]


# -- how it was sent, it is sent again ----------------------------------------------


def test_the_history_has_both_responses(server, session):
    """Each with its own request and duration."""
    server.answers.append(Answer(401, {"X-Which": "first"}, REFUSED))
    server.answers.append(Answer(200, {"X-Which": "second"}, b"[]"))

    response = session.post(server.url, json={"a": 1})

    (first,) = response.history
    assert first.json() == {"error": "invalid_token"}
    assert response.json() == []
    for number, answer in enumerate([first, response]):
        sent = answer.request.headers["Authorization"]
        assert sent == f"Bearer {TOKENS[number]}"
        assert answer.request.body == b'{"a": 1}'
        assert answer.elapsed > timedelta(0)
    assert first.history == []


@pytest.mark.parametrize("follow", [True, False])
def test_allow_redirects_applies_to_the_second_response(server, session, follow):
    """``allow_redirects`` holds for the second answer."""
    server.answers.append(Answer(401))
    server.answers.append(Answer(302, {"Location": "/there"}))

    response = session.get(server.url, allow_redirects=follow)

    assert response.status_code == (200 if follow else 302)
    assert len(server.seen) == (3 if follow else 2)


def test_cookies_of_the_call_and_of_the_401(server, session):
    """The call's and the 401's are sent, and the session keeps its own."""
    server.answers.append(Answer(401, {"Set-Cookie": "theirs=1; Path=/"}))

    session.get(server.url, cookies={"call": "2"})
    session.get(server.url)

    sent = [sorted(seen.headers.get("cookie", "").split("; ")) for seen in server.seen]
    assert sent == [["call=2"], ["call=2", "theirs=1"], ["theirs=1"]]


def test_the_calls_time_out_applies_to_the_second_request(server, session):
    """As it applied to the first."""
    over = threading.Event()

    def stall(seen):
        over.wait(30)
        return Answer()

    server.answers.append(Answer(401))
    server.otherwise = stall

    with pytest.raises(requests.ReadTimeout):
        session.get(server.url, timeout=(10, 0.3))
    over.set()

    assert tokens(server) == [0, 1]


def test_the_calls_proxies_apply_to_the_second_request(server, session):
    """``proxies`` of one call carry what is sent again, too."""
    server.answers.append(Answer(401))

    with Proxy(Net()) as proxy:
        response = session.get(server.url, proxies={"http": proxy.url})

        assert response.status_code == 200
        assert len(proxy.seen) == 2
    assert [seen.headers["connection"] for seen in server.seen] == ["close"] * 2


@pytest.fixture
def authority():
    return trustme.CA()


@pytest.fixture
def tls_server(authority, secrets):
    """Wants a certificate of its clients, and hangs up after each answer."""
    secrets.add(*TOKENS)
    context = server_context(authority.issue_cert("localhost"))
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with Server(tls=context) as server:
        server.answers.append(Answer(401, close=True))
        server.otherwise = lambda seen: Answer(close=True)
        yield server


@pytest.mark.parametrize("verified", [True, False])
def test_the_calls_certificates_apply_to_the_second_request(
    authority, tls_server, tmp_path, verified
):
    """``verify`` and ``cert`` are used for the new connection."""
    ca, cert = tmp_path / "ca.pem", tmp_path / "cert.pem"
    authority.cert_pem.write_to_path(ca)
    authority.issue_cert("client.test").private_key_and_cert_chain_pem.write_to_path(
        cert
    )
    url = f"https://localhost:{tls_server.address[1]}"

    with requests.Session() as session, warnings.catch_warnings():
        warnings.simplefilter("ignore", InsecureRequestWarning)
        session.auth = knows_tokens(url)
        response = session.get(
            url, verify=str(ca) if verified else False, cert=str(cert)
        )

    assert response.status_code == 200
    assert tokens(tls_server) == [0, 1]
    assert len({seen.connection for seen in tls_server.seen}) == 2


def test_a_kept_connection_is_reused(server, session):
    """A 401 that was read frees its connection for the second request."""
    server.answers.append(Answer(401, body=REFUSED))

    session.get(server.url)

    assert len({seen.connection for seen in server.seen}) == 1
