"""Whether somebody sits at a screen, and what is opened there."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from people import (
    PERSONAL,
    SECONDS,
    STATE,
    Nobody,
    Person,
    a_request,
    browse,
    run,
    waiting,
)
from ports import free_port

from requests_ticktick._errors import SignOnRequiredError
from requests_ticktick._sign_on import (
    LoopbackSignOn,
    choice,
    default_sign_on,
    listener,
    loopback,
    peer,
    person_can_be_here,
)
from requests_ticktick.testing import FakeClock

#: What a sign-on that waits for a click would take.
TOO_LONG = 10.0


@pytest.fixture(autouse=True)
def nobody(monkeypatch):
    """No terminal, no display, no continuous integration."""
    for variable in PERSONAL:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys, "platform", "linux")


@pytest.fixture
def redirect_uri():
    """A redirect URI that nobody waits at yet."""
    return f"http://127.0.0.1:{free_port()}/callback"


# -- displays ----------------------------------------------------------------------


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


# -- browsers ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "browser",
    [
        "w3m",
        "lynx",
        "links",
        "links2",
        "elinks",
        "www-browser",
        "/usr/bin/w3m",
        "w3m %s",
        "'/usr/bin/lynx' -accept_all_cookies %s",
        f"lynx{os.pathsep}firefox",
        f"{os.pathsep}lynx",
        "/bin/true",
        "true",
        "false",
        "none",
        "echo %s",
    ],
)
def test_a_browser_without_a_window_has_no_person(monkeypatch, redirect_uri, browser):
    """A job with a text browser fails at once."""
    monkeypatch.setenv("BROWSER", browser)
    began = time.monotonic()

    with pytest.raises(SignOnRequiredError):
        default_sign_on(a_request(redirect_uri))

    assert time.monotonic() - began < TOO_LONG


def test_a_text_browser_is_recognised_by_its_link_target(monkeypatch, tmp_path):
    """Debian's alternatives are links."""
    for name in ("w3m", "linked"):
        (tmp_path / name).touch(0o755)
    (tmp_path / "linked").unlink()
    (tmp_path / "linked").symlink_to("w3m")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("BROWSER", "linked")

    assert not person_can_be_here()


@pytest.mark.parametrize("browser", ["firefox", "it's", " ", "xterm -e w3m %s"])
def test_any_other_browser_is_tried(monkeypatch, browser):
    """Opening it shows whether it exists."""
    monkeypatch.setenv("BROWSER", browser)

    assert person_can_be_here()


SIGN_ON = """
from requests_ticktick._grant import AuthorizationRequest
from requests_ticktick._sign_on import LoopbackSignOn, default_sign_on
request = AuthorizationRequest(
    {url!r}, state={state!r}, redirect_uri={redirect_uri!r}
)
try:
    print({sign_on}(request))
except Exception as error:
    print(type(error).__name__, error)
"""


@contextlib.contextmanager
def consent(state, redirect_uri):
    """An authorization endpoint at which everybody always says yes."""
    location = f"{redirect_uri}?code=abc&state={state}"
    answer = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"

    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer.encode())

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/authorize?state={state}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


#: Writes down its command line, and does what every browser does.
BROWSER = """\
#!{python}
import sys, urllib.request
with open({log!r}, "a") as log:
    print(*sys.argv[1:], file=log)
opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
opener.open(sys.argv[1]).read()
"""


class Desk:
    """A browser, and a person who allows what it asks for."""

    def __init__(self, folder, redirect_uri):
        self.redirect_uri = redirect_uri
        self.log = folder / "log"
        self.program = folder / "browser"
        self.program.write_text(
            BROWSER.format(python=sys.executable, log=str(self.log))
        )
        self.program.chmod(0o755)

    @property
    def opened(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    def run(self, sign_on="default_sign_on", *, env=(), **options):
        """Sign on in a process of its own; what it prints."""
        env = {"BROWSER": str(self.program), **dict(env)}
        with consent(STATE, self.redirect_uri) as url:
            code = SIGN_ON.format(
                url=url, state=STATE, redirect_uri=self.redirect_uri, sign_on=sign_on
            )
            return run(code, env=env, **options)


@pytest.fixture
def desk(tmp_path, redirect_uri):
    return Desk(tmp_path, redirect_uri)


@pytest.mark.parametrize("arguments", ["", " %s", " %s &"])
def test_a_browser_signs_on_without_the_state_in_its_command_line(desk, arguments):
    """All users of the machine can read command lines."""
    done = desk.run(env={"BROWSER": f"{desk.program}{arguments}"})

    assert done.stdout == f"{desk.redirect_uri}?code=abc&state={STATE}\n", done.stderr
    (opened,) = desk.opened
    assert STATE not in opened
    assert opened.startswith(desk.redirect_uri.removesuffix("callback"))
    assert f"authorize?state={STATE}" in done.stderr


FAILING = {
    "is not there": "/nowhere/browser",
    "is not there, with its arguments": "/nowhere/browser %s",
    "fails": "{folder}/browser",
    "fails, with its arguments": "{folder}/browser %s",
}


@pytest.mark.parametrize("browser", FAILING.values(), ids=FAILING)
def test_a_browser_that_cannot_be_opened_ends_the_wait(tmp_path, redirect_uri, browser):
    """Nobody sees the address, so the program fails at once."""
    (tmp_path / "browser").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "browser").chmod(0o755)
    code = SIGN_ON.format(
        url="http://127.0.0.1/",
        state="S",
        redirect_uri=redirect_uri,
        sign_on="default_sign_on",
    )
    began = time.monotonic()

    done = run(code, env={"BROWSER": browser.format(folder=tmp_path)})

    assert done.stdout.startswith("SignOnRequiredError No browser came"), done.stderr
    assert "Run: requests-ticktick login" in done.stdout
    assert "No browser was opened here" in done.stderr
    assert time.monotonic() - began < TOO_LONG


def test_a_browser_that_never_comes_ends_the_wait(desk, monkeypatch, redirect_uri):
    """It claims to have started, but nobody sees it."""
    assert choice._BROWSER_SECONDS <= 20
    monkeypatch.setattr(choice, "_BROWSER_SECONDS", 0.2)
    monkeypatch.setenv("BROWSER", f"{shutil.which('sh')} -c 'exit 0' %s")

    with pytest.raises(SignOnRequiredError, match="No browser came"):
        default_sign_on(a_request(redirect_uri))


def test_a_browser_that_has_come_may_take_its_time(redirect_uri, monkeypatch):
    """A person may read the page before they click."""
    clock = Looked()
    monkeypatch.setattr(loopback, "time", clock)

    def slowly(url):
        browse(url)
        clock.advance(200.0)
        clock.is_looked_at()
        browse(f"{redirect_uri}?code=abc&state={STATE}")

    sign_on = LoopbackSignOn(
        300.0, slowly, browser_timeout=100.0, input=io.StringIO(), output=Nobody()
    )

    assert sign_on(a_request(redirect_uri)) == f"{redirect_uri}?code=abc&state={STATE}"


class Looked(FakeClock):
    """A clock that tells whether the wait goes on."""

    def __init__(self):
        super().__init__()
        self._looked = threading.Semaphore(0)

    def monotonic(self):
        self._looked.release()
        return super().monotonic()

    def is_looked_at(self):
        """Return when the wait has looked at the time a few times more."""
        while self._looked.acquire(blocking=False):
            pass
        for _ in range(6):
            assert self._looked.acquire(timeout=SECONDS)


def test_a_browser_that_fails_after_it_came_is_not_reported(redirect_uri):
    """Some exit with an error when their window is closed."""
    shown = Nobody()

    def closed(url):
        browse(f"{redirect_uri}?code=abc&state={STATE}")
        return False

    LoopbackSignOn(SECONDS, closed, output=shown)(a_request(redirect_uri))

    assert "No browser was opened" not in shown.screen


def test_at_a_terminal_a_text_browser_is_not_opened_over_the_address(tmp_path):
    """The message asks the person to open the address."""
    redirect_uri = f"http://127.0.0.1:{free_port()}/callback"
    log = tmp_path / "log"
    (tmp_path / "w3m").write_text(f"#!/bin/sh\necho >> {log}\n")
    (tmp_path / "w3m").chmod(0o755)
    code = SIGN_ON.format(
        url="http://127.0.0.1/",
        state="S",
        redirect_uri=redirect_uri,
        sign_on="default_sign_on",
    )
    with Person() as person:
        person.types(f"{redirect_uri}?code=abc&state=S\n")
        done = run(
            code,
            env={"BROWSER": "w3m", "PATH": str(tmp_path), "TERM": "xterm"},
            capture_output=False,
            stdin=person.input,
            stderr=person.output,
            stdout=subprocess.PIPE,
        )

        assert person.sees("To sign on, open this address")
    assert done.stdout == f"{redirect_uri}?code=abc&state=S\n"
    assert not log.exists()


OPENED = """
import sys, webbrowser
from requests_ticktick._sign_on.display import open_browser
class Browser:
    name = {name!r}
    def open(self, url):
        print(url)
        return True
webbrowser.get = Browser
sys.platform = "darwin"
print(open_browser("opened"))
"""


@pytest.mark.parametrize(
    ("name", "env", "shown"),
    [
        pytest.param("default", "", "opened\nTrue\n", id="at a desk"),
        pytest.param("default", "a b", "False\n", id="over SSH"),
        pytest.param("/usr/bin/w3m", "", "False\n", id="nothing but a text browser"),
    ],
)
def test_a_browser_is_opened_only_where_it_is_seen(name, env, shown):
    """Not over SSH, and not inside the terminal."""
    done = run(OPENED.format(name=name), env={"SSH_CONNECTION": env})

    assert (done.stdout, done.stderr) == (shown, "")


# -- programs that other programs talk to -----------------------------------------


@pytest.fixture(params=["pipe", "socket"])
def driven(request):
    """Standard input as a host has it that starts a server."""
    if request.param == "pipe":
        ours, theirs = os.pipe()
        with open(ours) as stdin, open(theirs, "w"):
            yield stdin
    else:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            yield ours


def test_a_program_that_another_one_drives_asks_nobody(desk, driven):
    """Nobody reads the output of an MCP server."""
    began = time.monotonic()

    done = desk.run(stdin=driven)

    assert done.stdout.startswith("SignOnRequiredError No usable TickTick token")
    assert not desk.opened
    assert time.monotonic() - began < TOO_LONG


def test_an_explicit_loopback_sign_on_works_in_a_driven_program(desk, driven):
    """``sign_on=LoopbackSignOn()`` is for servers run at a person's desk."""
    done = desk.run("LoopbackSignOn()", stdin=driven)

    assert done.stdout == f"{desk.redirect_uri}?code=abc&state={STATE}\n"


@pytest.mark.parametrize("console", ["PYCHARM_HOSTED", "MSYSTEM"])
def test_a_console_made_of_pipes_does_not_drive_the_program(desk, driven, console):
    """A person sits at PyCharm's, and at Git Bash's on Windows."""
    done = desk.run(env={console: "1"}, stdin=driven)

    assert done.stdout == f"{desk.redirect_uri}?code=abc&state={STATE}\n"


def test_a_program_with_piped_input_at_a_terminal_is_not_driven(desk, driven):
    """``cat ids.txt | python script.py``: the person sees the address."""
    with Person() as person:
        done = desk.run(
            capture_output=False,
            stdin=driven,
            stderr=person.output,
            stdout=subprocess.PIPE,
        )

    assert done.stdout == f"{desk.redirect_uri}?code=abc&state={STATE}\n"


def test_a_program_that_a_desktop_starts_asks_its_person(desk):
    """Its standard input is not a pipe."""
    done = desk.run()

    assert done.stdout == f"{desk.redirect_uri}?code=abc&state={STATE}\n"


def test_a_program_without_standard_input_is_not_driven():
    """A windowed program has no descriptors."""
    done = run(
        "import os; os.close(0)\n"
        "from requests_ticktick._sign_on.display import is_driven\n"
        "print(is_driven())"
    )

    assert done.stdout == "False\n", done.stderr


# -- the page that leads to TickTick -------------------------------------------------


@contextlib.contextmanager
def started(redirect_uri):
    """A listener that waits, and what the browser is opened at."""
    opened = []
    with waiting(redirect_uri, opened=opened) as answer:
        (url,) = opened
        yield url, answer


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
                monkeypatch.setattr(peer, "_TABLES", (table,))
                assert peer.user_at(client) is None
        monkeypatch.undo()
        assert peer.user_at(server) is None
