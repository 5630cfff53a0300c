"""What every test gets: a machine of its own, and two guards.

* Nothing connects to, or asks for, an address outside the loopback interface.
* No secret in play appears in a log record of any level, or in the output.
"""

from __future__ import annotations

import contextlib
import importlib
import ipaddress
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests
from hypothesis import settings

#: Runs the tests of the pytest plugin's tests.
pytest_plugins = ["pytester"]

#: Whether a missing component is a failure. Tests see no ``CI`` variable.
IN_CI = bool(os.environ.get("CI"))

# A helper's assertions explain themselves like a test's.
for _helper in (Path(__file__).parent / "support").glob("*.py"):
    pytest.register_assert_rewrite(_helper.stem)

# The examples share a machine with real servers and processes.
settings.register_profile("requests-ticktick", deadline=None)
settings.load_profile("requests-ticktick")


# A shell that starts us in the background has SIGINT ignored, here and in all
# that the tests start, where Ctrl-C has to be heard.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# A child that a test forks inherits the handlers of pytest, and perhaps the lock of
# a stream that a thread of the sandbox was just writing to: it would wait for ever.
# Nobody reads what it logs.
os.register_at_fork(after_in_child=logging.getLogger().handlers.clear)


# -- A clean environment ----------------------------------------------------


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No developer's token, home, proxy, terminal or screen is in reach."""
    for name in list(os.environ):
        if _is_personal(name):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for kind in ("CACHE", "CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(home / kind.lower()))


@pytest.fixture(scope="session")
def shared_memory() -> Iterator[str]:
    """A folder like /dev/shm, of which nothing is left."""
    folder = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    os.chmod(folder, 0o1777)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def clean_machine(shared_memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No earlier run has left a note in this machine's own folder."""
    folders = "requests_ticktick.stores._machine.folders"
    monkeypatch.setattr(folders, lambda: [shared_memory])


@pytest.fixture(autouse=True)
def clean_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """No earlier test has completed a sign-on of the same state."""
    monkeypatch.setattr("requests_ticktick._grant.single_use.completed", {})


def _is_personal(name: str) -> bool:
    return name.startswith(("TICKTICK_", "PYTICKTICK_", "OAUTHLIB_", "PG", "SSH_")) or (
        name.upper()
        in {
            "ALL_PROXY",
            "BROWSER",
            "CI",
            "CURL_CA_BUNDLE",
            "DISPLAY",
            "HTTPS_PROXY",
            "HTTP_PROXY",
            "MSYSTEM",
            "NETRC",
            "NO_PROXY",
            "PYCHARM_HOSTED",
            "REQUESTS_CA_BUNDLE",
            "WAYLAND_DISPLAY",
        }
    )


# -- Components that a machine may lack -------------------------------------


def _missing(component: str) -> None:
    _lacking(f"{component} is not installed")


def _lacking(reason: str) -> None:
    if IN_CI:
        pytest.fail(f"{reason}, and this is CI", pytrace=False)
    pytest.skip(reason)


@pytest.fixture
def require() -> Callable[[str], str]:
    """Find a command: ``path = require("redis-server")``, or skip the test.

    In CI a command that is missing fails the test.
    """

    def find(command: str) -> str:
        # A virtual environment that was not activated has its commands too.
        own = str(Path(sys.executable).parent)
        path = shutil.which(command, path=os.pathsep.join([own, os.environ["PATH"]]))
        if path is None:
            _missing(command)
        assert path is not None
        return path

    return find


@pytest.fixture
def require_module() -> Callable[[str], ModuleType]:
    """Import a module: ``redis = require_module("redis")``, or skip the test.

    In CI a module that is missing fails the test.
    """

    def find(name: str) -> ModuleType:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not name.startswith(error.name):
                raise
            _missing(name)
            raise

    return find


@pytest.fixture
def lacking() -> Callable[[str], None]:
    """Skip the test for this reason; in CI it fails."""
    return _lacking


@pytest.fixture
def require_root() -> None:
    """Skip the test where this process is not root's; in CI it fails."""
    if os.name != "posix" or os.geteuid() != 0:
        _lacking("only root can be another user, or mount something")


# -- The loopback guard -----------------------------------------------------


class LoopbackGuard:
    """Refuses, and remembers, what would leave the loopback interface.

    The refusal is no ``Exception``, so that no code under test handles it as a
    network failure; one in a thread is found by :meth:`check`.
    """

    def __init__(self) -> None:
        self.refused: list[str] = []

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("connect", "connect_ex"):
            monkeypatch.setattr(socket.socket, name, self._guarded_connect(name))
        resolve = socket.getaddrinfo

        def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
            if host not in (None, "", b""):  # the machine's own, to listen on
                self._pass(host)
            return resolve(host, *args, **kwargs)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    def check(self) -> None:
        """Fail for what was refused, wherever that was."""
        if self.refused:
            pytest.fail(f"left the loopback interface: {self.refused}", pytrace=False)

    def _guarded_connect(self, name: str) -> Callable[[socket.socket, Any], Any]:
        connect = getattr(socket.socket, name)

        def guarded(sock: socket.socket, address: Any) -> Any:
            if sock.family in (socket.AF_INET, socket.AF_INET6):
                self._pass(address[0])
            return connect(sock, address)

        return guarded

    def _pass(self, host: str | bytes) -> None:
        name = host.decode() if isinstance(host, bytes) else host
        if not _is_loopback(name):
            self.refused.append(name)
            pytest.fail(f"{name} is not on the loopback interface")


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def loopback_guard(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackGuard]:
    """Fail the test if it, or a thread of it, turns to another machine."""
    guard = LoopbackGuard()
    guard.install(monkeypatch)
    yield guard
    guard.check()


# -- The secret scan --------------------------------------------------------


class Secrets:
    """The secrets in play: whatever shows one of them fails the test."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._sources: list[Callable[[], Iterable[str]]] = []
        #: What a test took from ``capsys`` or ``capfd`` is scanned as well.
        self.taken: list[str] = []

    def add(self, *values: str) -> None:
        """Know these values as secrets."""
        self._known.update(values)

    def watch(self, source: Callable[[], Iterable[str]]) -> None:
        """Know what ``source`` returns by the end of the test as secrets."""
        self._sources.append(source)

    def __iter__(self) -> Iterator[str]:
        known = self._known.union(*(source() for source in self._sources))
        return iter(sorted(value for value in known if value))

    def shown_in(self, text: str) -> list[str]:
        """Which secrets ``text`` shows, each with the line that does."""
        return [
            f"{secret!r} in {line!r}"
            for secret in self
            for line in text.splitlines()
            if secret in line
        ]

    def check(self, text: str) -> None:
        """Fail if ``text``, such as a subprocess's output, shows a secret."""
        shown = self.shown_in(text)
        assert not shown, shown


_secrets = pytest.StashKey[Secrets]()


@pytest.fixture(autouse=True)
def secrets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Secrets:
    """The secrets in play; fixtures and tests add theirs.

    Log records and the output are scanned when the test has ended. Where
    standard output shows a token by intent, mark the test ``prints_secrets``.
    """
    found = request.node.stash[_secrets] = Secrets()
    read = pytest.CaptureFixture.readouterr

    def readouterr(capture: pytest.CaptureFixture[Any]) -> Any:
        result = read(capture)
        streams = result if _out_is_scanned(request.node) else result[1:]
        found.taken += [text for text in streams if isinstance(text, str)]
        return result

    monkeypatch.setattr(pytest.CaptureFixture, "readouterr", readouterr)
    return found


def _out_is_scanned(item: pytest.Item) -> bool:
    return item.get_closest_marker("prints_secrets") is None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Iterator[None]:
    """Fail a test that passed, but showed a secret."""
    report: Any = yield
    secrets = item.stash.get(_secrets, None)
    if secrets is not None and report.passed and report.when != "setup":
        # A report has the output of the phases before it, too.
        texts = [report.caplog, report.capstderr, *secrets.taken]
        if _out_is_scanned(item):
            texts.append(report.capstdout)
        shown = secrets.shown_in("\n".join(texts))
        if shown:
            report.outcome = "failed"
            report.longrepr = "\n".join(["A secret was shown:", *shown])
            secrets.taken.clear()
            del item.stash[_secrets]  # told once; not again after the teardown
    return report


# -- A TickTick, and a client of it -----------------------------------------


@pytest.fixture
def sandbox(secrets: Secrets) -> Iterator[Any]:
    """A TickTick on the loopback interface, new for this test."""
    from requests_ticktick.sandbox import Sandbox

    with Sandbox() as running:
        secrets.watch(lambda: running.secrets)
        yield running


@pytest.fixture
def clock() -> Any:
    """A clock that stands still until it is told to move."""
    from requests_ticktick.testing import FakeClock

    return FakeClock()


@pytest.fixture
def auth(sandbox: Any, tmp_path: Path) -> Any:
    """A client of the sandbox that has not signed on yet."""
    from requests_ticktick import FileStore, TickTickAuth

    return TickTickAuth(
        client_id=sandbox.client_id,
        client_secret=sandbox.client_secret,
        redirect_uri=sandbox.redirect_uri,
        store=FileStore(tmp_path / "token.json"),
        sign_on=sandbox.sign_on,
        service=sandbox.service,
    )


@pytest.fixture
def session(auth: Any) -> Iterator[requests.Session]:
    """A session whose requests carry a token of the sandbox."""
    with requests.Session() as session:
        session.auth = auth
        yield session


@pytest.fixture
def disk(
    tmp_path: Path, require_root: None, require: Any, lacking: Any
) -> Iterator[Callable[..., Path]]:
    """Make a real file system of 64 KiB, or of some files; root may."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = require("mount")
    if sys.platform != "linux":
        pytest.skip("a small file system is mounted on Linux alone")

    def made(options: str = "size=64k") -> Path:
        how = [mount, "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if subprocess.run(how, capture_output=True).returncode:
            lacking("nothing can be mounted here")
        return folder

    yield made
    subprocess.run(["umount", str(folder)], capture_output=True)


@pytest.fixture
def start_redis(require: Callable[[str], str], tmp_path: Path) -> Iterator[Any]:
    """Start a Redis of this test's own, with some options."""
    from redis_server import RedisServer

    with contextlib.ExitStack() as stack:

        def start(*options: str) -> RedisServer:
            server = RedisServer(require("redis-server"), tmp_path, *options)
            stack.callback(server.close)
            return server.start()

        yield start


@pytest.fixture
def browser(require: Callable[[str], str], tmp_path: Path) -> Iterator[Any]:
    """A headless browser."""
    from browser import Browser

    # A browser that is killed leaves things in the system's temporary folder;
    # tmp_path is too long a name for the socket among them.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(require("chromium"), tmp_path / "profile", folder)
        yield browser
        browser.quits()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    """A PostgreSQL for all tests of this process, started when first needed."""
    try:
        from postgres_server import PostgresServer, folder_of_commands
    except ImportError as error:
        _missing(str(error.name))
    commands = folder_of_commands()
    if commands is None:
        _missing("postgresql")
    server = PostgresServer(commands)
    yield server.start()
    server.close()


@pytest.fixture
def postgres(postgres_server: Any) -> Any:
    """The PostgreSQL, which runs; ``url(new_user())`` is that of an empty one."""
    return postgres_server.start()


# -- The table of the stress tests --------------------------------------------


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Fill a row of the table that a run of the stress tests ends with.

    ``with tally("herd", tried=64) as row: row.lost = ...`` fails where anything
    was lost or done twice.
    """
    rows = request.config.stash.setdefault(_table, [])

    @contextlib.contextmanager
    def add(case: str, tried: int) -> Iterator[Row]:
        row, began = Row(case, tried), time.monotonic()
        rows.append(row)
        yield row
        row.seconds = round(time.monotonic() - began, 1)
        assert (row.lost, row.duplicated) == (0, 0)

    return add


class Row:
    """What became of so many tries; without a time where it broke off.

    What a case does not count is a dash.
    """

    def __init__(self, case: str, tried: int) -> None:
        self.case = case
        self.tried = tried
        self.lost = self.duplicated = 0
        #: Token requests, persons asked, refresh tokens used twice, and calls
        #: that ended in an error of ours that names the place.
        self.requests = self.asked = self.reused = self.refused = "-"
        self.seconds: float | str = "broke off"


_table = pytest.StashKey[list[Row]]()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the table, whatever became of the tests."""
    rows = config.stash.get(_table, [])
    if rows:
        terminalreporter.section("what the stress tests tried")
        columns = tuple(vars(rows[0]))
        for cells in (columns, *(vars(row).values() for row in rows)):
            line = "{:<56}{:>9}{:>6}{:>12}{:>10}{:>7}{:>8}{:>9}{:>11}".format(*cells)
            terminalreporter.line(line)
