"""Browsers that are opened, and programs that another program drives."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

import pytest
from people import (
    SECONDS,
    STATE,
    Nobody,
    Person,
    a_request,
    browse,
    run,
)
from ports import free_port

from requests_ticktick._errors import SignOnRequiredError
from requests_ticktick._sign_on import (
    LoopbackSignOn,
    choice,
    default_sign_on,
    loopback,
    person_can_be_here,
)
from requests_ticktick.testing import FakeClock

#: What a sign-on that waits for a click would take.
TOO_LONG = 10.0

pytestmark = pytest.mark.usefixtures("nobody")


# -- browsers ------------------------------------------------------------------


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
from requests_ticktick._grant.request import AuthorizationRequest
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
    assert choice.BROWSER_SECONDS <= 20
    monkeypatch.setattr(choice, "BROWSER_SECONDS", 0.2)
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


# -- programs that other programs talk to --------------------------------------


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
