"""What a token endpoint may do to a client: drip, flood, unpack, lie, repeat."""

from __future__ import annotations

import base64
import contextvars
import gzip
import html
import json
import signal
import subprocess
import sys
import threading
import time
import zlib
from contextlib import contextmanager, suppress
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote, quote_plus, urlencode

import pytest
import requests
import trustme
from leaks import Everything, told_by
from ports import free_port
from raw_server import Greeter, RawServer, answer
from requests.adapters import HTTPAdapter
from wire_servers import server_context

from requests_ticktick import (
    FileStore,
    MemoryStore,
    Service,
    TickTickAuth,
    Token,
    TokenEndpointError,
)
from requests_ticktick._grant import token_endpoint
from requests_ticktick._source.failures import Failure, shareable

CODE = "c0de-4f7A-2b"
SECRET = "s3^(%2F)!*&~+/Secret=ü"
GOOD = json.dumps({"access_token": "a-new-token", "token_type": "bearer"}).encode()


def client_at(url, secret=SECRET, *, store=None, **options):
    """Return a client whose token endpoint this is; a person grants at once."""
    service = Service(f"{url}/authorize", f"{url}/token", url)
    return TickTickAuth(
        "my-client",
        secret,
        store=MemoryStore() if store is None else store,
        service=options.pop("service", service),
        sign_on=lambda r: f"{r.redirect_uri}?code={CODE}&state={r.state}",
        **options,
    )


def refusal_of(*said, status=400, **options):
    """Return the error that a server's answer ends in."""
    with RawServer(lambda *_: answer(status, *said, **options)) as server:
        with pytest.raises(TokenEndpointError) as caught:
            client_at(server.url()).token()
        assert len(server.requests) == 1
    return caught.value


def json_refusal(status=400, /, *, headers=None, **fields):
    return refusal_of(json.dumps(fields).encode(), status=status, **(headers or {}))


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
    assert time.monotonic() - began < 10
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

CLIENT = """
import gc, os, sys, threading
from requests_ticktick import *
from requests_ticktick._grant import token_endpoint
url = sys.argv[1]
def client():
    return TickTickAuth(
        "my-client", "secret", store=MemoryStore(), sign_on=sign_on,
        service=Service(url + "/a", url + "/token", url),
    )
def sign_on(request):
    return f"?code=c0de&state={request.state}"
"""


def run(script, *args, **options):
    return subprocess.run(
        [sys.executable, "-c", CLIENT + script, *args],
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )


def test_a_sign_on_works_without_a_thread():
    """The process has no address space left for a thread."""
    script = "threading.stack_size(1 << 46)\nprint(client().token().access_token)"
    with RawServer(lambda *_: answer(200, GOOD)) as server:
        result = run(script, server.url())

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
        result = run(script, server.url())

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
        result = run(script, server.url())

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
        program.send_signal(signal.SIGINT)
        _, told = program.communicate(timeout=30)

    assert time.monotonic() - began < 10
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
    result = run(script, "http://127.0.0.1:9")

    assert "No response" in result.stdout, result.stderr
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
        result = run(script, server.url())

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


# -- the user's session --------------------------------------------------------------


def test_a_sessions_hooks_auth_and_cookies_do_not_apply():
    """They are for other requests."""
    called = []
    with RawServer(lambda *_: answer(200, GOOD)) as server, requests.Session() as own:
        own.hooks["response"] = called.append
        own.auth = ("somebody", "else")
        own.params = {"key": "of-another-request"}
        own.cookies.set("session", "of-the-user", domain="127.0.0.1")
        own.headers = {
            "authorization": "Bearer of-the-user",
            "Cookie": "a=of-the-user",
            "Accept-Encoding": "gzip, br",
            "content-type": "application/json",
            "User-Agent": "the-users-program/1",
            "CF-Access-Client-Id": "kept",
        }
        own.max_redirects = 0
        own.stream = True

        token = client_at(server.url(), session=own).token()

        (sent,) = server.requests
    assert token.access_token == "a-new-token"
    assert called == []
    head, _, body = sent.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /token HTTP/1.1\r\n")
    assert b"of-the-user" not in sent
    assert b"of-another-request" not in sent
    assert head.lower().count(b"authorization: basic ") == 1
    assert head.lower().count(b"accept-encoding: identity") == 1
    assert b"application/x-www-form-urlencoded" in head
    assert b"application/json" in head.split(b"Accept: ")[1]
    assert b"the-users-program/1" in head
    assert b"CF-Access-Client-Id: kept" in head
    assert b"grant_type=authorization_code" in body
    assert own.cookies.get_dict() == {"session": "of-the-user"}


def test_a_sessions_authorization_is_not_sent_for_a_public_client():
    """A public client sends no such header at all."""
    with RawServer(lambda *_: answer(200, GOOD)) as server, requests.Session() as own:
        own.headers["Authorization"] = "Bearer of-the-user"
        url = server.url()
        service = Service(
            f"{url}/a", f"{url}/token", url, token_endpoint_auth_method="none"
        )

        assert client_at(url, service=service, session=own).token()

        assert b"uthorization:" not in server.requests[0]


def raises(response, *args, **kwargs):
    response.raise_for_status()


def waits(response, *args, **kwargs):
    raise AssertionError("it was called")


@pytest.mark.parametrize("hook", [raises, waits])
def test_an_error_is_reported_whatever_the_sessions_hooks_do(hook):
    """Many tutorials use ``raise_for_status`` as a hook."""
    said = answer(400, b'{"error": "invalid_grant"}')
    with RawServer(lambda *_: said) as server, requests.Session() as own:
        own.hooks["response"] = [hook]
        with pytest.raises(TokenEndpointError) as caught:
            client_at(server.url(), session=own).token()

    assert (caught.value.status_code, caught.value.error) == (400, "invalid_grant")


def test_a_cookie_of_the_token_endpoint_is_discarded():
    """The session that sent the request does not keep it."""
    said = answer(200, GOOD, Set_Cookie="tracked=yes")
    with RawServer(lambda *_: said) as server, requests.Session() as own:
        assert client_at(server.url(), session=own).token()

        assert not own.cookies


def test_a_netrc_entry_is_not_used_for_the_token_endpoint(monkeypatch, tmp_path):
    """It would replace the client's credentials."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login some password body")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with RawServer(lambda *_: answer(200, GOOD)) as server, requests.Session() as own:
        assert client_at(server.url(), session=own).token()

        pair = base64.b64encode(f"my-client:{SECRET}".encode())
        assert b"Basic " + pair in server.requests[0]


def test_an_adapter_sees_the_callers_context():
    """It may need the context variables of the current request."""
    whose = contextvars.ContextVar("whose")
    seen = []

    class Looks(HTTPAdapter):
        def send(self, *args, **kwargs):
            seen.append(whose.get())
            return super().send(*args, **kwargs)

    with RawServer(lambda *_: answer(200, GOOD)) as server, requests.Session() as own:
        own.mount("http://", Looks())
        whose.set("this caller's")
        assert client_at(server.url(), session=own).token()

    assert seen == ["this caller's"]


def test_an_adapter_may_answer_without_a_connection():
    """Its response may read from any file object."""

    class Canned(HTTPAdapter):
        def send(self, request, **kwargs):
            import io

            response = requests.Response()
            response.status_code, response.raw = 200, io.BytesIO(GOOD)
            response.request, response.url = request, request.url
            return response

    with requests.Session() as own:
        own.mount("http://", Canned())
        auth = client_at("http://127.0.0.1:9", session=own)

        assert auth.token().access_token == "a-new-token"


# -- why no answer came --------------------------------------------------------------

PASSWORD = "proxy-passw0rd"


def trouble_of(auth, *not_told):
    """Return what is told of a request that got no answer."""
    with Everything() as said, pytest.raises(TokenEndpointError) as caught:
        auth.token()
    told = f"{told_by(caught.value)} {said.lines}"
    assert not [secret for secret in (SECRET, CODE, PASSWORD) if secret in told]
    assert caught.value.status_code is None
    return str(caught.value)


def trouble_with(session, url="https://127.0.0.1:9"):
    return trouble_of(client_at(url, session=session))


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4"])
def test_socks_without_pysocks_is_explained(scheme):
    """The message says what to install."""
    script = """
import os
sys.modules["socks"] = None
os.environ["ALL_PROXY"] = sys.argv[2]
url = "https://127.0.0.1:9"
try:
    client().token()
except TokenEndpointError as error:
    print(error)
"""
    script = f"import sys\nsys.modules['socks'] = None\n{CLIENT}{script}"
    result = subprocess.run(
        [sys.executable, "-c", script, "", f"{scheme}://me:{PASSWORD}@127.0.0.1:9"],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert "pip install 'requests[socks]'" in result.stdout, result.stderr
    assert PASSWORD not in result.stdout


def test_an_unknown_host_name_is_explained():
    """In a subprocess, because the tests' guard forbids name look-ups."""
    script = """
url = "https://token.endpoint.invalid"
try:
    client().token()
except TokenEndpointError as error:
    print(error)
"""
    result = run(script, "")

    assert "its name was not found" in result.stdout, result.stderr


PROXIES = {
    "nobody there": (f"http://me:{PASSWORD}@127.0.0.1:9", "cannot be reached"),
    "no such scheme": (f"gopher://me:{PASSWORD}@127.0.0.1:9", "address is invalid"),
    "no host": ("http:///", "address is invalid"),
    "half an address": (f"http://me:{PASSWORD}@", ""),
    "SOCKS, nobody there": (f"socks5://me:{PASSWORD}@127.0.0.1:9", "cannot be reached"),
}


@pytest.mark.parametrize("case", PROXIES)
def test_a_broken_proxy_is_explained(case, require_module):
    """Without its password."""
    proxy, said = PROXIES[case]
    if "SOCKS" in case:
        require_module("socks")
    with requests.Session() as session:
        session.proxies = {"https": proxy}

        told = trouble_with(session)

    assert said in told
    assert "proxy" in told


@pytest.mark.parametrize(
    ("status", "said"),
    [(407, "user name and a password"), (403, "does not allow this connection")],
)
def test_a_refusing_proxy_is_explained(status, said):
    """Without its page, which may repeat anything."""
    said_by_it = answer(status, b"<html>")
    with RawServer(lambda *_: said_by_it) as proxy, requests.Session() as session:
        session.proxies = {"https": proxy.url().replace("://", f"://me:{PASSWORD}@")}

        assert said in trouble_with(session)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("verify", "/nowhere/ca.pem", "file of CA certificates does not exist"),
        ("cert", "/nowhere/cert.pem", "client certificate does not exist"),
        (
            "cert",
            (__file__, "/nowhere/key.pem"),
            "client certificate's key does not exist",
        ),
    ],
)
def test_a_missing_certificate_file_is_explained(name, value, said):
    """The message names the setting."""
    with requests.Session() as session:
        setattr(session, name, value)
        told = trouble_with(session)

    assert said.rstrip(".") in told
    assert name in told


def test_a_variable_with_a_missing_certificate_file_is_explained(monkeypatch):
    """The setting need not be the session's."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")

    assert "REQUESTS_CA_BUNDLE" in trouble_with(None)


def test_an_untrusted_certificate_is_explained():
    """With OpenSSL's reason."""
    context = server_context(trustme.CA().issue_cert("127.0.0.1"))
    with RawServer(lambda *_: answer(), tls=context) as server:
        told = trouble_with(None, server.url())

    assert "not trusted: " in told
    assert "REQUESTS_CA_BUNDLE" in told


def test_a_server_without_tls_is_explained():
    """A proxy may send an error page in clear text."""
    with Greeter(lambda *_: answer()) as server:
        told = trouble_with(None, server.url().replace("http", "https"))

    assert "no TLS connection" in told


def test_a_refused_connection_is_explained():
    """Nothing listens at the port."""
    assert "refused" in trouble_with(None, f"http://127.0.0.1:{free_port()}")


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-x\r\n"])
def test_an_incomplete_response_is_explained(said):
    """So are no response and another protocol."""
    with RawServer(lambda *_: said) as server:
        assert trouble_with(None, server.url())


def test_a_truncated_body_is_explained():
    """Old versions of urllib3 accept it."""
    said = answer(200, GOOD)[:-1]
    with RawServer(lambda *_: said) as server:
        auth = client_at(server.url())
        with pytest.raises(TokenEndpointError, match=r"ended before|not a JSON object"):
            auth.token()


def test_a_scheme_without_an_adapter_is_explained():
    """A session for tests may have only one."""
    with requests.Session() as session:
        session.adapters.clear()

        assert "no adapter" in trouble_with(session)


def test_a_silent_server_is_explained(monkeypatch):
    """Each read has a time-out as well."""
    monkeypatch.setattr(token_endpoint, "TIMEOUT", (5.0, 0.1))
    with RawServer(lambda *_: server.closed.wait(60) and None) as server:
        assert "in time" in trouble_with(None, server.url())


# -- what is said of an answer -------------------------------------------------------

PAGE = (
    b"<!DOCTYPE html>\n<html><head><TITLE lang=en>\n One\n moment &amp; no more</TITLE>"
)


@pytest.mark.parametrize("status", [200, 302, 400, 403, 404, 500, 503])
def test_a_web_page_is_named_by_its_title(status):
    """It says nothing about the client's credentials."""
    error = refusal_of(PAGE, status=status)

    assert 'web page ("One moment & no more")' in str(error)
    assert "proxy or firewall" in str(error)
    assert "client_secret" not in str(error)
    assert (error.status_code, error.error, error.description) == (status, None, None)


def test_a_web_page_may_have_no_title():
    """And any content type."""
    error = refusal_of(b"  <script>go()</script>", Content_Type="application/json")

    assert "a web page, probably" in str(error)


def test_ticktick_s_401_page_is_explained_as_wrong_credentials():
    """Its web server sends that page."""
    page = "<html><title>HTTP Status 401 \u2013 Unauthorized</title></html>".encode()

    error = refusal_of(page, status=401)

    assert "HTTP Status 401 \u2013 Unauthorized" in str(error)
    assert "Compare client_id and client_secret" in str(error)
    assert "firewall" not in str(error)


def test_ticktick_s_pages_are_explained():
    """The redirect URI is the most frequent problem."""
    page = b"<html><p>Invalid redirect: a does not match one of the registered values"

    assert "equal letter for letter" in str(refusal_of(page))


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("https://login.hotel.example/?next=x", "a redirect to login.hotel.example"),
        ("/relative", "not a JSON object"),
        ("https://[", "not a JSON object"),
        ("https://a_b/", "not a JSON object"),
    ],
)
def test_a_redirect_is_reported_with_its_host(location, said):
    """It shows a hotel's login page, for instance."""
    error = refusal_of(b"", status=302, Location=location)

    assert said in str(error)
    assert "Redirects are not followed" in str(error)


@pytest.mark.parametrize(
    ("fields", "error", "description"),
    [
        (
            {"errorCode": "unknown_exception", "errorMessage": "Oh"},
            "unknown_exception",
            "Oh",
        ),
        ({"errorCode": 1001, "errorMessage": "Oh"}, "1001", "Oh"),
        ({"message": "bad verifier", "code": 400}, None, "bad verifier"),
        ({"error": {"code": 400, "message": "bad verifier"}}, None, "bad verifier"),
        ({"error": {"code": "c", "message": "m"}}, "c", "m"),
        ({"errors": [{"code": "c", "detail": "m"}]}, "c", "m"),
        ({"errors": ["c"], "msg": "m"}, None, "m"),
        ({"error": True, "error_description": ["x"]}, None, None),
        ({"error": "e", "errorCode": "c", "error_description": "d"}, "e", "d"),
        ({"error": "", "errorCode": None}, None, None),
    ],
)
def test_an_error_is_quoted(fields, error, description):
    """In the fields of RFC 6749, of TickTick, and other common ones."""
    caught = json_refusal(400, **fields)

    assert (caught.error, caught.description) == (error, description)
    assert all(word in str(caught) for word in (error, description) if word)


def test_an_error_with_status_200_is_an_error():
    """In TickTick's fields as well as RFC 6749's."""
    fields = {"access_token": "x", "token_type": "bearer", "errorCode": "oops"}

    assert json_refusal(200, **fields).error == "oops"


def test_an_empty_error_field_is_ignored():
    """Some servers always send all fields."""
    fields = {**json.loads(GOOD), "error": None, "errorCode": None, "message": "ok"}
    with RawServer(lambda *_: answer(200, json.dumps(fields).encode())) as server:
        assert client_at(server.url()).token().access_token == "a-new-token"


@pytest.mark.parametrize("status", [200, 400, 500])
def test_ticktick_s_rate_limit_is_recognised_with_any_status(status):
    """``exceed_query_limit`` ends after a minute."""
    error = json_refusal(status, errorCode="exceed_query_limit")

    assert error.error == "exceed_query_limit"
    assert "Wait a minute" in str(error)


# -- Retry-After ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "said", "seconds", "told"),
    [
        (429, "120", 120.0, "120 seconds"),
        (503, " 7 ", 7.0, "7 seconds"),
        (500, "1.5", 1.5, "2 seconds"),
        (429, "0", 0.0, "a minute"),
        (429, "9" * 20, 3600.0, "3600 seconds"),
        (429, "9" * 999, None, "a minute"),
        (429, "-5", None, "a minute"),
        (429, "soon", None, "a minute"),
        (429, "٣", None, "a minute"),
        (429, "", None, "a minute"),
        (429, formatdate(0, usegmt=True), 0.0, "a minute"),
        (429, formatdate(4e9, usegmt=True), 3600.0, "3600 seconds"),
        (429, "Mon, 99 Foo 2026 00:00:00 GMT", None, "a minute"),
        (400, "120", None, "token_endpoint"),
    ],
)
def test_retry_after_is_reported(status, said, seconds, told):
    """As seconds or as a date; at most an hour."""
    headers = {"Retry_After": said.encode().decode("latin-1")}
    if not said.isascii():
        error = refusal_of(b"{}", status=status, X="y")
    else:
        error = refusal_of(b"{}", status=status, **headers)

    assert error.retry_after == seconds
    assert told in str(error)


def test_a_retry_after_date_counts_from_this_clock():
    """The server's clock is unknown."""
    error = refusal_of(
        b"{}", status=503, Retry_After=formatdate(time.time() + 100, usegmt=True)
    )

    assert 90 < error.retry_after <= 101


def test_retry_after_reaches_waiting_processes():
    """They get the same error."""
    error = TokenEndpointError("Slow.", status_code=429, retry_after=7.5)

    assert shareable(error).retry_after == 7.5
    assert TokenEndpointError("x").retry_after is None
    assert Failure  # what carries it


# -- what is repeated ----------------------------------------------------------------


def percent(text):
    return "".join(f"%{byte:02x}" for byte in text.encode())


#: Ways to write a secret that a server, or a firewall before it, may have.
SPELLINGS = {
    "as it is": lambda s: s,
    "in a sentence": lambda s: f"Secret '{s}' is wrong.",
    "percent": lambda s: quote(s, safe=""),
    "percent, small": lambda s: quote(s, safe="").lower(),
    "percent, all": percent,
    "percent, twice": lambda s: quote(quote(s, safe=""), safe=""),
    "percent, four times": lambda s: quote(quote(percent(quote(s, safe=""))), safe=""),
    "percent, without end": lambda s: percent(s[:14]).replace("%", f"%{'25' * 8}"),
    "a form": lambda s: urlencode({"client_secret": s}),
    "plus": lambda s: quote_plus(s),
    "HTML": html.escape,
    "HTML numbers": lambda s: "".join(f"&#{ord(c)};" for c in s),
    "HTML in hex": lambda s: "".join(f"&#X{ord(c):X};" for c in s),
    "HTML of percent": lambda s: html.escape(html.escape(quote(s))),
    "JSON": lambda s: json.dumps(s),
    "JSON, twice": lambda s: json.dumps(json.dumps(s)),
    "escapes": lambda s: "".join(f"\\u{ord(c):04X}" for c in s),
    "escapes in hex": lambda s: "".join(f"\\x{ord(c):02x}" for c in s),
    "old escapes": lambda s: "".join(f"%u{ord(c):04x}" for c in s),
    "repr": repr,
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64, safe": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "base64, no end": lambda s: base64.b64encode(s.encode()).decode().rstrip("="),
    "base64 of more": lambda s: base64.b64encode(f"x={s}&y".encode()).decode(),
    "base64 of still more": lambda s: base64.b64encode(f"xy={s}".encode()).decode(),
    "base64 in lines": lambda s: base64.encodebytes(f"{s * 4}".encode()).decode(),
    "base64 of a form": lambda s: base64.b64encode(
        urlencode({"a": s}).encode()
    ).decode(),
    "hex": lambda s: s.encode().hex(),
    "hex, large": lambda s: s.encode().hex().upper(),
    "lines": lambda s: f"{s[:4]}\r\n{s[4:]}",
    "spaces": lambda s: " ".join(s),
    "nothing visible": lambda s: "\u200b".join(s),
    "large": str.upper,
    "cut off": lambda s: f"{s[:-1]}...",
    "cut off before": lambda s: f"...{s[1:]}",
}

#: What is in play, at this endpoint.
SENT = {
    "the secret": SECRET,
    "the code": CODE,
    "the header": base64.b64encode(f"my-client:{SECRET}".encode()).decode(),
}


@pytest.mark.parametrize("whose", SENT)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_quoted_secret_is_withheld_in_any_encoding(tmp_path, whose, spelling):
    """The exception, its notes and the logs do not show it."""
    said = SPELLINGS[spelling](SENT[whose])
    bodies = [
        json.dumps({"error": said}).encode(),
        json.dumps({"errorMessage": said}).encode(),
        f"<html><title>{said}</title>".encode(),
    ]
    answers = iter([answer(400, body) for body in bodies])
    store = FileStore(tmp_path / "token.json")

    with RawServer(lambda *_: next(answers)) as server, Everything() as logged:
        for _ in bodies:
            with pytest.raises(TokenEndpointError) as caught:
                client_at(server.url(), store=store).token()

            error = caught.value
            assert "withheld" in str(error)
            note = Path(f"{store.path}.lock-info").read_text()
            for told in (str(error), f"{vars(error)}", note, "\n".join(logged.lines)):
                assert said not in told
                assert SENT[whose] not in told


@pytest.mark.parametrize("kind", ["code_verifier", "refresh_token", "access_token"])
def test_quoted_tokens_and_verifiers_are_withheld(tmp_path, kind):
    """The refresh token and verifier sent, and the token received."""

    def repeat(_, request):
        form = dict(
            part.split("=", 1)
            for part in request.partition(b"\r\n\r\n")[2].decode().split("&")
        )
        secret = form.get(kind, "the-new-token-itself")
        said.append(secret)
        fields = {"errorMessage": f"Cannot take {secret}", "error": "invalid_request"}
        return answer(
            400, json.dumps({**fields, "data": {"accessToken": secret}}).encode()
        )

    said = []
    with RawServer(repeat) as server:
        url = server.url()
        service = Service(f"{url}/a", f"{url}/token", url, code_challenge_method="S256")
        store = MemoryStore()
        if kind == "refresh_token":
            store.save(
                Token("x", expires_at=1.0, refresh_token="the-old-refresh-token")
            )
        with pytest.raises(TokenEndpointError) as caught:
            client_at(url, service=service, store=store).token()

    assert said
    assert said[0] not in told_by(caught.value)
    assert caught.value.error == "invalid_request"
    assert "withheld" in caught.value.description


def test_a_known_error_code_is_shown_beside_a_withheld_text():
    """With its advice."""
    error = json_refusal(
        401,
        error="invalid_client",
        error_description=f"Bad client credentials {SECRET}",
    )

    assert error.error == "invalid_client"
    assert "Compare client_id and client_secret" in str(error)


def test_a_redirect_host_with_a_secret_is_not_shown():
    """A redirect may contain anything."""
    error = refusal_of(b"", status=302, Location=f"https://{CODE}.evil.example/")

    assert CODE.lower() not in str(error).lower()


def test_a_malformed_header_line_is_not_logged():
    """urllib3 warns of it and quotes it."""
    said = answer(400, b"{}").replace(b"Connection", f"It was {SECRET}\r\nC".encode())
    with RawServer(lambda *_: said) as server, Everything() as logged:
        with pytest.raises(TokenEndpointError):
            client_at(server.url()).token()
        lines = "\n".join(logged.lines)
        assert "urllib3.connectionpool" in logged.names
        assert "It was" not in lines

        requests.get(server.url("/elsewhere"), timeout=10)  # which is the user's own

    assert "It was" in "\n".join(logged.lines)


@pytest.mark.parametrize(
    ("secret", "said", "is_withheld"),
    [
        ("s", "It is a wrong secret", False),
        ("s", "Cannot take s.", True),
        ("abc", "The abcissa", False),
        ("abc", "secret=abc", True),
        ("!!", "Cannot take !!", True),
        ("abcd", "xabcdx", True),
        ("abcd", "YWJjZA==", True),
        ("abcd", "invalid_grant", False),
        ("+-+-+-+-", "It is +-+-+-+- that is wrong", True),
        ("client-secret", "Unknown client", False),
    ],
)
def test_a_short_secret_is_searched_for_as_a_word(secret, said, is_withheld):
    """Any three letters are part of some other word."""
    body = json.dumps({"error": "x", "error_description": said}).encode()
    with RawServer(lambda *_: answer(400, body)) as server:
        auth = client_at(server.url(), secret)
        with pytest.raises(TokenEndpointError) as caught:
            auth.token()

    assert ("withheld" in str(caught.value)) is is_withheld
    assert (said in str(caught.value)) is not is_withheld


def test_a_servers_text_is_one_short_line():
    """Without control characters, line breaks or pages of text."""
    error = json_refusal(400, error_description="a\x1b[31m\r\n\u202eb" + "z" * 9999)

    assert error.description.startswith("a [31m b")
    assert len(str(error)) < 500
    assert str(error).isprintable()
