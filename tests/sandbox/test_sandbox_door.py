"""Which requests the sandbox refuses, and how much it keeps of the others."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from email.message import Message
from html import unescape
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

import pytest
from sandbox_app import SECONDS, App, call
from wires import answer_on, sends

from requests_ticktick.sandbox import (
    Sandbox,
    _door,
)

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


EVIL = "https://evil.example"


def ask(
    sandbox: Sandbox, method: str, path: str, body: str = "", **headers: str
) -> tuple[int, str]:
    """Send one request. The headers' names have ``_`` in place of ``-``."""
    address = urlsplit(sandbox.url()).netloc
    connection = HTTPConnection(address, timeout=SECONDS)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, {**FORM, **named})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


# -- The host ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/oauth/authorize"),
        ("POST", "/oauth/authorize"),
        ("POST", "/oauth/token"),
        ("GET", "/open/v1/project"),
        ("POST", "/open/v1/echo"),
        ("GET", "/"),
    ],
)
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1:1", "127.0.0.1", "x" * 99],
)
def test_a_request_to_another_host_is_misdirected(
    sandbox: Sandbox, method: str, path: str, host: str
) -> None:
    """Somebody may have made that name resolve to here (DNS rebinding)."""
    port = urlsplit(sandbox.url()).port

    status, page = ask(sandbox, method, path, Host=host.format(port=port))

    assert status == 421
    assert sandbox.url("") in page
    assert sandbox.received == []


@pytest.mark.parametrize("name", ["localhost", "LocalHost", "127.0.0.1", "[::1]"])
def test_the_names_of_the_loopback_interface_are_accepted(
    sandbox: Sandbox, token: str, name: str
) -> None:
    """Nobody can make these names resolve elsewhere."""
    host = f"{name}:{urlsplit(sandbox.url()).port}"

    answer = call(sandbox, token, headers={"Host": host})

    assert answer.status_code == 200


def test_port_80_may_be_left_out_of_the_host() -> None:
    """Browsers leave it out (RFC 9110 4.2.1)."""
    here = _door.Door("127.0.0.9", 80)
    elsewhere = _door.Door("127.0.0.9", 81)
    message = Message()
    message["Host"] = "127.0.0.9"

    here.check("GET", "/", message)
    with pytest.raises(_door.RefusalError, match=r"127\.0\.0\.9:81"):
        elsewhere.check("GET", "/", message)


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["GET / HTTP/1.1"], 200),
        (["GET / HTTP/1.1", "Host: evil.example"], 400),
        (["GET http://evil.example/ HTTP/1.1"], 421),
        (["GET http://[ HTTP/1.1"], 400),
        (["OPTIONS * HTTP/1.1"], 404),
    ],
)
def test_every_host_of_a_request_is_checked(
    wire: Callable[[], socket.socket], lines: list[str], status: int
) -> None:
    """The one of the ``Host`` header, and the one of the request line."""
    connection = wire()

    sends(connection, *lines)

    assert answer_on(connection)[0] == status


def test_a_request_without_a_host_is_refused(
    wire: Callable[[], socket.socket],
) -> None:
    """HTTP/1.0 allowed it, but no client of today leaves it out."""
    connection = wire()

    connection.sendall(b"GET / HTTP/1.0\r\n\r\n")

    assert answer_on(connection)[0] == 400


def test_the_request_line_may_have_a_whole_url(
    sandbox: Sandbox, wire: Callable[[], socket.socket]
) -> None:
    """RFC 9112 3.2.2."""
    connection = wire()

    sends(connection, f"GET {sandbox.url('/open/v1/project')} HTTP/1.1")

    assert answer_on(connection)[0] == 401


# -- Other sites' pages --------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:{port}.evil.example"},
        {"Origin": ""},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "Cross-Site"},
        {"Origin": "http://127.0.0.1:{port}", "Sec_Fetch_Site": "cross-site"},
        {"Origin": "http://127.0.0.1:{port}", "origin": EVIL},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/oauth/authorize"),
        ("POST", "/oauth/token"),
        ("POST", "/open/v1/task"),
        ("DELETE", "/open/v1/project/1"),
        ("PUT", "/open/v1/echo"),
    ],
)
def test_requests_of_another_sites_page_are_refused(
    sandbox: Sandbox, method: str, path: str, headers: dict[str, str]
) -> None:
    """The browser says which page sends a request. The page cannot forge it."""
    port = urlsplit(sandbox.url()).port
    named = {name: value.format(port=port) for name, value in headers.items()}

    status, page = ask(sandbox, method, path, "x=y", **named)

    assert status == 403
    assert "Another site" in page
    assert sandbox.received == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://127.0.0.1:{port}", "Sec_Fetch_Site": "same-origin"},
        {"Origin": "http://localhost:{port}"},
        {"Sec_Fetch_Site": "none"},
    ],
)
def test_requests_of_clients_and_of_own_pages_are_accepted(
    sandbox: Sandbox, headers: dict[str, str]
) -> None:
    """Clients that are not browsers send neither header."""
    port = urlsplit(sandbox.url()).port
    named = {name: value.format(port=port) for name, value in headers.items()}

    assert ask(sandbox, "POST", "/open/v1/echo", **named)[0] == 401


def test_any_page_may_link_to_the_consent_page(app: App, sandbox: Sandbox) -> None:
    """A sign-on begins with a link in a web application."""
    query = urlencode(app.parameters())

    status, page = ask(
        sandbox, "GET", f"/oauth/authorize?{query}", Sec_Fetch_Site="cross-site"
    )

    assert status == 200
    assert 'value="allow"' in page


def consent_of(app: App, **changes: str) -> str:
    """Return the hidden field of the consent page for this request."""
    query = urlencode(app.parameters(**changes))
    _, page = ask(app.sandbox, "GET", f"/oauth/authorize?{query}")
    found = re.search('name="consent" value="([^"]+)"', page)
    assert found is not None
    return unescape(found[1])


def decide(app: App, decision: str, consent: str | None) -> tuple[int, str]:
    """Send a decision without having opened the consent page."""
    fields = {**app.parameters(), "decision": decision}
    if consent is not None:
        fields["consent"] = consent
    return ask(app.sandbox, "POST", "/oauth/authorize", urlencode(fields))


# -- The consent field ---------------------------------------------------------


@pytest.mark.parametrize("decision", ["allow", "deny"])
@pytest.mark.parametrize("consent", [None, "", "0" * 64, "é"])
def test_a_decision_without_a_valid_consent_field_is_refused(
    app: App, sandbox: Sandbox, decision: str, consent: str | None
) -> None:
    """Nothing is granted, and no denial is used up."""
    sandbox.deny(1)

    status, page = decide(app, decision, consent)

    assert status == 403
    assert "Open the authorization URL again" in page
    assert sandbox.sign_ons == 0
    assert app.signs_on()["error"] == "access_denied"  # the denial is still there


def test_a_consent_field_is_valid_for_one_request_only(
    app: App, sandbox: Sandbox
) -> None:
    """Not for another request, and not for another sandbox."""
    other = consent_of(app, state="another")
    with Sandbox(
        client_id=sandbox.client_id, redirect_uri=sandbox.redirect_uri
    ) as twin:
        elsewhere = consent_of(App(twin))

    assert [decide(app, "allow", each)[0] for each in (other, elsewhere)] == [403] * 2
    assert decide(app, "allow", consent_of(app))[0] == 302
    assert sandbox.sign_ons == 1
