"""A browser that comes back to this machine."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from urllib.parse import urlsplit

import pytest
from inside import servers_of
from listening import QUERY, is_free, listen
from people import (
    SECONDS,
    STATE,
    Nobody,
    a_request,
    browse,
    connected,
    get,
    received,
    waiting,
)
from ports import free_port

from requests_ticktick._errors import (
    SignOnError,
    SignOnTimeoutError,
)
from requests_ticktick._sign_on import (
    LoopbackSignOn,
    loopback,
)
from requests_ticktick._sign_on import (
    listener as listening,
)
from requests_ticktick._sign_on.listener import RedirectListener


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "[::1]", "localhost"])
def test_the_listener_returns_the_url_redirected_to(host):
    """It listens at the redirect URI's address, and frees it afterwards."""
    address = "127.0.0.1" if host == "localhost" else host.strip("[]")
    redirect_uri = f"http://{host}:{free_port(address)}/callback"

    with waiting(redirect_uri) as answer:
        page = browse(f"{redirect_uri}?{QUERY}")

        assert answer.result(SECONDS) == f"{redirect_uri}?{QUERY}"
    assert page.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"You can close this tab" in page
    assert is_free(redirect_uri.replace("localhost", "127.0.0.1"))


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
def test_localhost_means_both_loopback_addresses(address):
    """Browsers try ::1 or 127.0.0.1 first, and must not reach another program."""
    port = free_port()
    redirected = f"http://localhost:{port}/callback?{QUERY}"

    with waiting(f"http://localhost:{port}/callback") as answer:
        with connected(f"http://{address}:{port}/") as connection:
            connection.sendall(get(redirected))

            assert b"You can close this tab" in received(connection)
        assert answer.result(SECONDS) == redirected


def test_a_hosts_file_cannot_move_the_listener_off_this_machine(
    monkeypatch, redirect_uri
):
    """Only loopback addresses are used, whatever localhost resolves to."""
    poisoned = [(2, 1, 6, "", ("192.0.2.1", 0)), (2, 1, 6, "", ("127.0.0.53", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: poisoned)

    assert listening.addresses("localhost") == ["127.0.0.1", "::1", "127.0.0.53"]


def test_localhost_needs_no_name_service(monkeypatch):
    """A container without a hosts file has its loopback addresses."""

    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    assert listening.addresses("localhost") == ["127.0.0.1", "::1"]


def test_a_machine_without_one_of_the_addresses_uses_the_other(
    monkeypatch, redirect_uri
):
    """Without IPv6, localhost is 127.0.0.1."""
    monkeypatch.setattr(listening, "addresses", lambda _: ["192.0.2.1", "127.0.0.1"])

    with waiting(redirect_uri) as answer:
        browse(f"{redirect_uri}?{QUERY}")

        assert answer.result(SECONDS) == f"{redirect_uri}?{QUERY}"


def test_an_address_that_this_machine_lacks_is_an_error(monkeypatch, redirect_uri):
    """The message names the port, the reason and the next step."""
    monkeypatch.setattr(listening, "addresses", lambda _: ["192.0.2.1"])

    with pytest.raises(SignOnError, match=r"cannot be opened: .*ConsoleSignOn"):
        LoopbackSignOn(output=Nobody())(a_request(redirect_uri))


@pytest.mark.parametrize(
    ("path", "query"),
    [
        pytest.param("", "", id="no path"),
        pytest.param("/", "", id="a slash"),
        pytest.param("/a%20b/c", "", id="an escaped path"),
        pytest.param("/callback", "app=1&lang=de", id="a query of its own"),
    ],
)
def test_the_redirect_uri_is_used_as_registered(path, query):
    """Its path must match, and its query is kept."""
    port = free_port()
    own = f"http://127.0.0.1:{port}{path}" + (f"?{query}" if query else "")
    target = f"{path or '/'}?" + "&".join(filter(None, [query, QUERY]))

    with waiting(own) as answer:
        browse(f"http://127.0.0.1:{port}{target}")

        assert answer.result(SECONDS) == f"http://127.0.0.1:{port}{target}"


def test_the_default_port_is_80():
    """A browser omits it from Host (RFC 9110 4.2.1)."""
    with contextlib.suppress(PermissionError), contextlib.ExitStack() as stack:
        stack.enter_context(listen("http://127.0.0.1:80/"))

        with pytest.raises(SignOnError, match=r"^Port 80 on 127\.0\.0\.1 "):
            LoopbackSignOn(output=Nobody())(a_request("http://127.0.0.1/callback"))

    parts = urlsplit("http://127.0.0.1:80/callback")
    listener = listening.RedirectListener(
        a_request("http://127.0.0.1:80/callback"), parts
    )
    target = f"/callback?{QUERY}"
    with socket.socket() as sender:
        assert listener.answer(target, ["127.0.0.1"], sender).status == 200
        assert listener.answer(target, ["127.0.0.1:80"], sender).status == 409
        assert listener.answer(target, ["127.0.0.1:8080"], sender).status == 421


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://192.0.2.1:8765/callback",
        "http://0.0.0.0:8765/callback",
        "http://[::]:8765/callback",
        "http://example.com:8765/callback",
        "http://127.0.0.1.example.com:8765/callback",
        "https://127.0.0.1:8765/callback",
        "http://127.0.0.1:0/callback",
        "http://127.0.0.1:99999/callback",
        "http://[::1",
        "urn:ietf:wg:oauth:2.0:oob",
        "",
    ],
    ids=lambda redirect_uri: redirect_uri or "nothing",
)
def test_a_redirect_uri_on_another_machine_is_refused(redirect_uri):
    """The message says what to register instead."""
    with pytest.raises(SignOnError, match="Register http://127"):
        LoopbackSignOn(output=Nobody())(a_request(redirect_uri))


def test_the_url_is_shown_on_standard_error(redirect_uri, capsys):
    """Always, because a browser may fail to open."""
    with waiting(redirect_uri, output=None) as answer:
        browse(f"{redirect_uri}?{QUERY}")
        answer.result(SECONDS)

    shown = capsys.readouterr()
    assert a_request().url in shown.err
    assert shown.out == ""


def failing(url):
    raise OSError("no browser")


@pytest.mark.parametrize("open_url", [failing, lambda url: False])
def test_a_browser_that_cannot_be_opened_does_not_stop_the_wait(
    redirect_uri, person, open_url
):
    """The person opens the URL that was shown."""
    sign_on = LoopbackSignOn(
        open_url=open_url, input=person.input, output=person.output
    )
    person.types(f"{redirect_uri}?{QUERY}\n")

    assert sign_on(a_request(redirect_uri)) == f"{redirect_uri}?{QUERY}"


def test_a_browser_that_blocks_does_not_delay_the_wait(redirect_uri):
    """Some run until their window is closed."""
    to_be_closed, closed = threading.Event(), threading.Event()

    def blocking(url):
        browse(f"{redirect_uri}?{QUERY}")
        to_be_closed.wait(SECONDS)
        closed.set()

    sign_on = LoopbackSignOn(open_url=blocking, output=Nobody())

    assert sign_on(a_request(redirect_uri)) == f"{redirect_uri}?{QUERY}"
    assert not closed.is_set()
    to_be_closed.set()


def test_a_browser_that_never_comes_times_out(redirect_uri):
    """The error names the next step, and the port is free again."""
    shown = Nobody()
    sign_on = LoopbackSignOn(0.2, lambda url: None, output=shown)

    with pytest.raises(SignOnTimeoutError) as raised:
        sign_on(a_request(redirect_uri))

    assert redirect_uri in str(raised.value)
    assert "within 0.2 seconds. Start again" in str(raised.value)
    assert is_free(redirect_uri)


def test_a_port_in_use_is_named(redirect_uri):
    """The error names the port and three solutions."""
    port = urlsplit(redirect_uri).port

    with (
        listen(redirect_uri),
        pytest.raises(
            SignOnError, match=f"^Port {port} on 127.0.0.1 is in use"
        ) as raised,
    ):
        LoopbackSignOn(output=Nobody())(a_request(redirect_uri))

    for way_out in ("Stop that program", "register a redirect URI", "paste"):
        assert way_out in str(raised.value)


def test_half_of_localhost_is_not_enough():
    """The program at the other address could get the code."""
    port = free_port()

    with (
        listen(f"http://[::1]:{port}/"),
        pytest.raises(SignOnError, match=f"Port {port} on localhost is in use"),
    ):
        LoopbackSignOn(output=Nobody())(a_request(f"http://localhost:{port}/"))

    assert is_free(f"http://127.0.0.1:{port}/")


def test_where_the_port_is_in_use_no_url_is_shown(redirect_uri, person):
    """The program at the port would get the code."""
    opened = []
    sign_on = LoopbackSignOn(
        open_url=opened.append, input=person.input, output=person.output
    )
    person.types(f"{redirect_uri}?{QUERY}\n")

    with (
        listen(redirect_uri),
        pytest.raises(SignOnError, match="which would get the authorization code"),
    ):
        sign_on(a_request(redirect_uri))

    assert person.input.readline() == f"{redirect_uri}?{QUERY}\n"
    assert STATE not in person.screen.replace(QUERY, "")
    assert not opened


def test_on_windows_a_port_that_is_denied_is_in_use(redirect_uri, monkeypatch):
    """Windows denies a port that another program has exclusively."""
    error = PermissionError(13, "An attempt was made to access a socket")
    parts = urlsplit(redirect_uri)

    here = loopback.cannot_listen(parts, error)
    monkeypatch.setattr(os, "name", "nt")
    there = loopback.cannot_listen(parts, error)

    assert "cannot be opened: An attempt was made" in here
    assert "in use by another program" in there


def test_on_windows_nobody_else_can_bind_the_port(redirect_uri, monkeypatch):
    """A socket option ensures it; another option stands in for it here."""
    monkeypatch.setattr(
        socket, "SO_EXCLUSIVEADDRUSE", socket.SO_KEEPALIVE, raising=False
    )

    with RedirectListener(a_request(redirect_uri), urlsplit(redirect_uri)) as listener:
        listener.open()
        (server,) = servers_of(listener)

        assert server.socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
