"""Why no answer came from the token endpoint: each cause is explained."""

from __future__ import annotations

import subprocess
import sys

import pytest
import requests
import trustme
from leaks import Everything, told_by
from ports import free_port
from raw_server import Greeter, RawServer, answer
from token_endpoints import CLIENT, CODE, GOOD, SECRET, client_at, run_client
from wire_servers import server_context

from requests_ticktick import TokenEndpointError
from requests_ticktick._grant import token_endpoint

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
    result = run_client(script, "")

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


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    ],
)
def test_an_incomplete_response_is_explained(said):
    """So are no response, another protocol, and two lengths."""
    with RawServer(lambda *_: said) as server:
        assert "ended before the whole response" in trouble_with(None, server.url())


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
