"""Whether somebody sits at a screen, and what is opened there."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from people import (
    SECONDS,
    STATE,
    a_request,
    browse,
    run,
    waiting,
)
from ports import free_port

from requests_ticktick._sign_on import (
    listener,
    peer,
    person_can_be_here,
)

pytestmark = pytest.mark.usefixtures("nobody")


@contextlib.contextmanager
def unix_server(address):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        yield


def an_x_server_without_a_file(number):
    return unix_server(f"\0/tmp/.X11-unix/X{number}")


@contextlib.contextmanager
def an_x_server_with_a_file(number):
    folder = Path("/tmp/.X11-unix")
    try:
        folder.mkdir(exist_ok=True)
        with unix_server(str(folder / f"X{number}")):
            yield
    except PermissionError:
        pytest.skip("X's folder is somebody else's")
    finally:
        (folder / f"X{number}").unlink(missing_ok=True)


def an_x_server_by_tcp(number):
    return socket.create_server(("127.0.0.1", 6000 + number))


# -- displays ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "display"),
    [
        pytest.param(an_x_server_without_a_file, ":{}", id="by its number"),
        pytest.param(an_x_server_without_a_file, ":{}.0", id="by its screen"),
        pytest.param(an_x_server_without_a_file, "unix:{}", id="by protocol"),
        pytest.param(an_x_server_without_a_file, "here/unix:{}", id="by host"),
        pytest.param(an_x_server_with_a_file, ":{}", id="in X's folder"),
        pytest.param(an_x_server_by_tcp, ":{}", id="by TCP alone"),
        pytest.param(an_x_server_by_tcp, "localhost:{}.0", id="forwarded by SSH"),
        pytest.param(an_x_server_by_tcp, "[127.0.0.1]:{}", id="in brackets"),
    ],
)
def test_a_display_that_answers_has_a_person(monkeypatch, server, display):
    """A display that has ended or never existed has none."""
    number = free_port() - 6000
    monkeypatch.setenv("DISPLAY", display.format(number))

    with server(number):
        assert person_can_be_here()
    assert not person_can_be_here()


@pytest.mark.parametrize(
    "display",
    [
        "",
        ":",
        ":x",
        "nonsense",
        ":99.0",
        ":-1",
        ":99999999",
        "[::1]:99",
        ":٣",
    ],
)
def test_a_display_without_a_server_has_no_person(monkeypatch, display):
    """A stale or wrong variable opens no browser."""
    monkeypatch.setattr(os, "environ", {**os.environ, "DISPLAY": display})

    assert not person_can_be_here()


@pytest.fixture
def runtime_folder():
    """A folder whose name is short enough for the name of a socket."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.parametrize("display", ["wayland-7", "{}/wayland-7"])
def test_a_compositor_that_answers_has_a_person(monkeypatch, runtime_folder, display):
    """Its socket is named by a path, or in the runtime folder."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime_folder))
    monkeypatch.setenv("WAYLAND_DISPLAY", display.format(runtime_folder))

    with unix_server(str(runtime_folder / "wayland-7")):
        assert person_can_be_here()
    assert not person_can_be_here()


def test_one_of_two_displays_is_enough(monkeypatch, runtime_folder):
    """Xwayland may have ended while the compositor runs, or the reverse."""
    monkeypatch.setenv("DISPLAY", ":98")
    monkeypatch.setenv("WAYLAND_DISPLAY", str(runtime_folder / "gone"))

    with an_x_server_without_a_file(98):
        assert person_can_be_here()


@contextlib.contextmanager
def started(redirect_uri):
    """A listener that waits, and what the browser is opened at."""
    opened = []
    with waiting(redirect_uri, opened=opened) as answer:
        (url,) = opened
        yield url, answer


# -- the page that leads to TickTick -------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_the_start_page_redirects_and_is_not_stored(host):
    """The address is only in a header, which other pages cannot read."""
    port = free_port("::1" if host == "[::1]" else "127.0.0.1")

    with started(f"http://{host}:{port}/callback") as (url, answer):
        page = browse(url.replace("localhost", "127.0.0.1"), host=f"{host}:{port}")
        again = browse(url.replace("localhost", "127.0.0.1"), host=f"{host}:{port}")

        assert not answer.done()
    head, _, body = page.decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 302 ")
    assert f"\r\nLocation: {a_request().url}\r\n" in head
    assert "\r\nCache-Control: no-store\r\n" in head
    assert "\r\nReferrer-Policy: no-referrer\r\n" in head
    assert STATE not in body
    assert again == page  # a browser that is reloaded goes on as well


def test_an_address_unfit_for_a_header_is_escaped():
    """Line breaks and non-ASCII characters do not damage the response."""
    from requests_ticktick._sign_on.pages import redirect_to

    page = redirect_to("https://x.example/ä\r\nX: y?a=b%20c&d=[1]#e")

    assert page.location == "https://x.example/%C3%A4%0D%0AX:%20y?a=b%20c&d=[1]#e"


def test_the_start_url_cannot_be_guessed(redirect_uri):
    """No web page can send the browser there."""
    urls = []
    for _ in range(2):
        with started(redirect_uri) as (url, _):
            urls.append(url)

    assert urls[0] != urls[1]
    assert all(len(url.rpartition("/")[2]) >= 22 for url in urls)


def test_another_user_of_the_machine_does_not_get_the_address(
    redirect_uri, require_root
):
    """They read the command line and request the page, but learn nothing."""
    code = (
        "import sys, urllib.request\n"
        "try:\n"
        "    urllib.request.build_opener(urllib.request.ProxyHandler({})).open("
        "sys.argv[1])\n"
        "except urllib.error.HTTPError as error:\n"
        "    print(error.code, dict(error.headers), error.read().decode())\n"
    )
    with started(redirect_uri) as (url, answer):
        done = subprocess.run(
            [shutil.which("python3", path="/usr/bin:/usr/local/bin"), "-c", code, url],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            user=65534,
            cwd="/",
        )

        assert done.stdout.startswith("403 ")
        assert STATE not in done.stdout
        assert browse(url).startswith(b"HTTP/1.1 302 ")
        browse(f"{redirect_uri}?code=abc&state={STATE}")
        assert answer.result(SECONDS) == f"{redirect_uri}?code=abc&state={STATE}"


def test_the_page_for_another_user_contains_no_address(redirect_uri, monkeypatch):
    """As above, on a machine with only one user."""
    monkeypatch.setattr(listener, "user_at", lambda connection: os.geteuid() + 1)

    with started(redirect_uri) as (url, _):
        page = browse(url)

    assert page.startswith(b"HTTP/1.1 403 ")
    assert STATE.encode() not in page


def test_of_two_unknown_users_only_the_first_gets_the_address(
    redirect_uri, monkeypatch
):
    """The second page warns that the address was opened before."""
    monkeypatch.setattr(listener, "user_at", lambda connection: None)

    with started(redirect_uri) as (url, _):
        first, second = browse(url), browse(url)

    assert first.startswith(b"HTTP/1.1 302 ")
    assert second.startswith(b"HTTP/1.1 409 ")
    assert b"opened before" in second
    assert STATE.encode() not in second


CONNECTED = """
import os, socket
from requests_ticktick._sign_on.peer import user_at
with (
    socket.create_server(({listening!r}, 0), family=socket.{server}) as server,
    socket.socket(socket.{client}) as client,
):
    client.connect(({address!r}, server.getsockname()[1]))
    connection, _ = server.accept()
    print(user_at(connection) == os.geteuid())
"""


@pytest.mark.parametrize(
    ("server", "listening", "client", "address"),
    [
        ("AF_INET", "127.0.0.1", "AF_INET", "127.0.0.1"),
        ("AF_INET6", "::1", "AF_INET6", "::1"),
        ("AF_INET", "127.0.0.1", "AF_INET6", "::ffff:127.0.0.1"),
    ],
    ids=["IPv4", "IPv6", "IPv4 as programs in Java and Go have it"],
)
def test_linux_knows_the_user_of_a_connection(server, listening, client, address):
    """Its connection tables cover IPv4 and IPv6."""
    done = run(
        CONNECTED.format(
            server=server, listening=listening, client=client, address=address
        )
    )

    assert done.stdout == "True\n", done.stderr


def test_without_a_connection_table_the_user_is_unknown(monkeypatch, tmp_path):
    """On macOS, or if the connection has already ended."""
    empty = tmp_path / "empty"
    empty.write_text("  sl  local_address rem_address\n")
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            for table in (tmp_path / "absent", empty):
                monkeypatch.setattr(peer, "TABLES", (table,))
                assert peer.user_at(client) is None
        monkeypatch.undo()
        assert peer.user_at(server) is None
