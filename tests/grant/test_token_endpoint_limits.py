"""The whole answer of a token endpoint is here in time, and fits into memory."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
import time
import zlib
from contextlib import contextmanager, suppress

import pytest
import requests
import trustme
from raw_server import RawServer, answer
from requests.adapters import HTTPAdapter
from shell import interrupt
from token_endpoints import CLIENT, GOOD, client_at, refusal_of, run_client
from wire_servers import server_context

from requests_ticktick import TickTickAuthError, TokenEndpointError
from requests_ticktick._grant import token_endpoint

# -- the whole answer is here in time ----------------------------------------------


def dripping(server, *first):
    """Say something, and then a byte now and then, until the test is over."""

    def drip(connection, _):
        with suppress(OSError):
            connection.sendall(b"".join(first))
            while not server[0].closed.wait(0.05):
                connection.sendall(b"a" * (len(first) != 3) or b"1\r\na\r\n")

    return drip


DRIPS = {
    "status line": (b"HTTP/1.1 ",),
    "head": (b"HTTP/1.1 200 OK\r\n", b"X-A: "),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{",),
    "chunks": (b"HTTP/1.1 200 OK\r\n", b"Transfer-Encoding: chunked\r\n", b"\r\n"),
}


@contextmanager
def drips(how, **options):
    server = []
    with RawServer(dripping(server, *DRIPS[how]), **options) as running:
        server.append(running)
        yield running


def left_at(deadline, monkeypatch):
    """Have a request end after so many seconds, whatever each read takes."""
    monkeypatch.setattr(token_endpoint, "TIMEOUT", (20.0, 20.0))
    monkeypatch.setattr(token_endpoint, "DEADLINE", deadline)


def must_end_in_time(auth):
    began = time.monotonic()
    with pytest.raises(TokenEndpointError, match=r"No response .* in time") as caught:
        auth.token()
    assert time.monotonic() - began < 25
    assert caught.value.status_code is None


def was_asked_once(server):
    """Whether it got one request, perhaps only after the client has given up."""
    return server.asked.wait(30) and len(server.requests) == 1


@pytest.mark.parametrize("how", DRIPS)
@pytest.mark.parametrize("own", [False, True], ids=["", "own session"])
def test_a_slow_response_ends_at_the_deadline(monkeypatch, how, own):
    """A byte now and then resets a read's time-out, but not the deadline."""
    left_at(0.5, monkeypatch)
    session = requests.Session() if own else None

    with drips(how) as server:
        must_end_in_time(client_at(server.url(), session=session))
        assert was_asked_once(server)


def test_a_slow_tls_response_ends_at_the_deadline(monkeypatch):
    """The user's session has the certificates."""
    left_at(0.5, monkeypatch)
    authority = trustme.CA()
    context = server_context(authority.issue_cert("127.0.0.1"))

    with (
        drips("head", tls=context) as server,
        authority.cert_pem.tempfile() as trusted,
        requests.Session() as session,
    ):
        session.verify = trusted
        must_end_in_time(client_at(server.url(), session=session))
        assert was_asked_once(server)


def test_a_slow_proxy_ends_at_the_deadline(monkeypatch):
    """Even before the tunnel is there."""
    left_at(0.5, monkeypatch)

    with drips("head") as proxy, requests.Session() as session:
        session.proxies = {"https": proxy.url()}
        must_end_in_time(client_at("https://127.0.0.1:9", session=session))
        assert was_asked_once(proxy)
        assert proxy.requests[0].startswith(b"CONNECT 127.0.0.1:9")


def test_waiting_for_a_pooled_connection_ends_at_the_deadline(monkeypatch):
    """The pool would wait for ever."""
    left_at(0.3, monkeypatch)
    with RawServer(lambda *_: answer(200, GOOD)) as server:
        session = requests.Session()
        adapter = HTTPAdapter(pool_maxsize=1, pool_block=True)
        session.mount("http://", adapter)
        with session.get(server.url(), stream=True):
            must_end_in_time(client_at(server.url(), session=session))


def test_the_reading_thread_ends_after_the_deadline(monkeypatch):
    """It ends when the next bytes arrive."""
    left_at(0.3, monkeypatch)
    with drips("body") as server:
        must_end_in_time(client_at(server.url()))

        for thread in threading.enumerate():
            if thread.name == "requests-ticktick":
                thread.join(20)
                assert not thread.is_alive()
        assert not server.closed.is_set()


def test_a_slow_token_before_the_deadline_is_accepted():
    """However the response is split."""

    def halting(connection, _):
        for byte in answer(200, GOOD):
            connection.sendall(bytes([byte]))

    with RawServer(halting) as server:
        assert client_at(server.url()).token().access_token == "a-new-token"


# -- without a thread ----------------------------------------------------------------


def test_a_sign_on_works_without_a_thread():
    """The process has no address space left for a thread."""
    script = "threading.stack_size(1 << 46)\nprint(client().token().access_token)"
    with RawServer(lambda *_: answer(200, GOOD)) as server:
        result = run_client(script, server.url())

    assert result.stdout == "a-new-token\n", result.stderr


def test_a_slow_response_ends_without_a_thread(monkeypatch):
    """The deadline is checked after each block."""
    script = """
threading.stack_size(1 << 46)
token_endpoint.DEADLINE = 0.3
try:
    client().token()
except TokenEndpointError as error:
    print(error)
"""
    with drips("body") as server:
        result = run_client(script, server.url())

    assert "in time" in result.stdout, result.stderr


def test_a_token_can_be_obtained_at_interpreter_exit():
    """An object that is deleted last may need one."""
    script = """
auth = client()
auth.token()
class Last:
    def __del__(self, auth=auth, write=os.write, is_ending=sys.is_finalizing):
        token = auth.source.token(instead_of=auth.source.token())
        write(1, f"{is_ending()} {token.access_token}".encode())
gc.set_threshold(10**9)  # it is collected by the end itself
last = Last()
last.itself = last
del last
"""
    tokens = iter(range(9))

    def another(*_):
        fields = {"access_token": f"token-{next(tokens)}", "token_type": "bearer"}
        return answer(200, json.dumps(fields).encode())

    with RawServer(another) as server:
        result = run_client(script, server.url())

    assert result.stdout == "True token-1", result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no signal of one's own there")
def test_ctrl_c_interrupts_the_wait_at_once():
    """While the token endpoint is silent."""
    script = "import signal\nsignal.signal(2, signal.default_int_handler)\n"
    with RawServer(lambda *_: server.closed.wait(60) and None) as server:
        program = subprocess.Popen(
            [sys.executable, "-c", f"{CLIENT}{script}client().token()", server.url()],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert server.asked.wait(30)
        began = time.monotonic()
        interrupt(program)
        _, told = program.communicate(timeout=30)

    assert time.monotonic() - began < 25
    assert "KeyboardInterrupt" in told


def test_an_error_without_modules_is_this_packages():
    """At exit, nothing can be imported any more."""
    script = """
store = MemoryStore(Token("old", expires_at=5.0, refresh_token="r"))
auth = TickTickAuth("my-client", "secret", store=store, service=client()._service)
class Last:
    def __del__(self, auth=auth, write=os.write, ours=TickTickAuthError):
        try:
            auth.token()
        except ours as error:
            write(1, str(error).encode())
last = Last()
"""
    result = run_client(script, "http://127.0.0.1:9")

    assert "Python is exiting" in result.stdout, result.stderr
    assert result.stderr == ""


def test_the_exit_paths_work_within_a_running_interpreter(monkeypatch):
    """Covers what the two tests above do after coverage has ended."""
    with (
        RawServer(lambda *_: answer(200, GOOD)) as server,
        monkeypatch.context() as patched,
    ):
        patched.setattr(sys, "is_finalizing", lambda: True)
        assert client_at(server.url()).token()
    monkeypatch.setitem(sys.modules, "requests_ticktick._grant.no_response", None)
    with pytest.raises(TokenEndpointError, match="Python is exiting"):
        client_at(server.url()).token()
    client = client_at(server.url())
    for name in ("taking_turns", "renewal"):
        monkeypatch.setitem(sys.modules, f"requests_ticktick._source.{name}", None)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "meta_path", None)
        with pytest.raises(TickTickAuthError, match="Python is exiting"):
            client.token()


# -- it fits into memory -------------------------------------------------------------


def zeros(packer, size=1 << 30):
    """Pack a gigabyte of zeros."""
    block, packed = bytes(1 << 20), []
    for _ in range(size >> 20):
        packed.append(packer.compress(block))
    return b"".join([*packed, packer.flush()])


@pytest.fixture(scope="module")
def bombs():
    return {
        "gzip": zeros(zlib.compressobj(9, zlib.DEFLATED, 31)),
        "deflate": zeros(zlib.compressobj(9)),
    }


FLOODS = [
    pytest.param("gzip", 200, {"Content_Encoding": "gzip"}, id="gzip"),
    pytest.param("gzip", 200, {"Content_Encoding": "X-GZIP "}, id="x-gzip"),
    pytest.param("deflate", 200, {"Content_Encoding": "deflate"}, id="deflate"),
    pytest.param("gzip", 200, {"Content_Encoding": "gzip, gzip"}, id="twice"),
    pytest.param("gzip", 200, {"Content_Encoding": "br"}, id="brotli, it says"),
    pytest.param("gzip", 200, {"Content_Encoding": "zstd"}, id="zstandard, it says"),
    pytest.param(
        "gzip",
        302,
        {"Content_Encoding": "gzip", "Location": "/elsewhere"},
        id="with a redirect",
    ),
    pytest.param("gzip", 401, {"Content_Encoding": "gzip"}, id="with a 401"),
]


@pytest.mark.parametrize(("bomb", "status", "headers"), FLOODS)
def test_a_compressed_gigabyte_is_not_decompressed(bombs, bomb, status, headers):
    """Only the first megabyte is."""
    script = """
import tracemalloc
from requests_ticktick._grant import token_endpoint
tracemalloc.start()
try:
    client().token()
except TokenEndpointError as error:
    print(error)
print(tracemalloc.get_traced_memory()[1] >> 20)
"""
    with RawServer(lambda *_: answer(status, bombs[bomb], **headers)) as server:
        result = run_client(script, server.url())

    assert f"HTTP status {status}" in result.stdout, result.stderr
    assert "not a JSON object" in result.stdout
    assert int(result.stdout.split()[-1]) < 8  # MiB, at the highest


def test_an_endless_response_is_abandoned():
    """At a size that no token has, even with a redirect."""
    for head in (b"200 OK\r\n", b"302 Found\r\nLocation: /elsewhere\r\n"):

        def flood(connection, _, head=head):
            connection.sendall(b"HTTP/1.1 " + head + b"\r\n")
            with suppress(OSError):
                while True:
                    connection.sendall(b"x" * 65_536)

        with RawServer(flood) as server:
            with pytest.raises(TokenEndpointError, match="not a JSON object"):
                client_at(server.url()).token()
            assert len(server.requests) == 1


def test_a_compressed_response_is_read():
    """Some servers compress although they are asked not to."""
    for packed, encoding in (
        (gzip.compress(GOOD), "gzip"),
        (zlib.compress(GOOD), "deflate"),
        (GOOD, "identity"),
    ):
        said = answer(200, packed, Content_Encoding=encoding)
        with RawServer(lambda *_, said=said: said) as server:
            assert client_at(server.url()).token().access_token == "a-new-token"
            assert b"Accept-Encoding: identity" in server.requests[0]


def test_a_damaged_compressed_response_is_an_error():
    """The error has the status."""
    error = refusal_of(b"no gzip at all", status=503, Content_Encoding="gzip")

    assert error.status_code == 503
