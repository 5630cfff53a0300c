"""The guards of conftest.py catch what they are there for."""

import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]

#: What a test might do by mistake, and what becomes of it.
CASES = """
import logging
import socket
import subprocess
import threading
import urllib.request

import pytest

SECRET = "0f1e2d3c"


@pytest.fixture(autouse=True)
def in_play(secrets):
    secrets.add(SECRET)


def connect_elsewhere():
    with socket.socket() as sock:
        sock.connect(("192.0.2.1", 80))


def failed_to_connect():
    connect_elsewhere()


def failed_to_connect_in_a_handler():
    try:
        connect_elsewhere()
    except Exception:
        pass


def failed_to_connect_in_a_thread():
    def target():
        with pytest.raises(pytest.fail.Exception):
            connect_elsewhere()

    thread = threading.Thread(target=target)
    thread.start()
    thread.join()


def failed_to_connect_without_an_error():
    with socket.socket(socket.AF_INET6) as sock:
        sock.connect_ex(("2001:db8::1", 80))


def failed_to_resolve():
    urllib.request.urlopen("http://example.com")


def failed_to_hide_it_in_a_debug_record():
    logging.getLogger("anything").debug("token=%s", SECRET)


def failed_to_hide_it_in_a_traceback():
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("anything").exception("went wrong")


def failed_to_hide_it_in_the_output():
    print("see", SECRET)


def failed_to_hide_it_in_a_childs_output(capfd):
    subprocess.run(["echo", SECRET], check=True)


def failed_to_hide_it_in_what_capsys_took(capsys):
    print(SECRET)
    assert capsys.readouterr().out


def failed_to_hide_it_in_errors(capfd):
    print(SECRET, file=__import__("sys").stderr)
    assert capfd.readouterr().err


def failed_to_hide_what_is_known_later(secrets):
    issued = []
    secrets.watch(lambda: issued)
    print("later")
    issued.append("later")


@pytest.mark.prints_secrets
def failed_to_hide_it_in_errors_only(capsys):
    print(SECRET, file=__import__("sys").stderr)


@pytest.mark.prints_secrets
def passed_by_its_mark(capsys):
    print(SECRET)
    assert SECRET in capsys.readouterr().out
    print(SECRET)


def passed_with_nothing_shown(capsys):
    logging.getLogger("anything").debug("token=%s", "***")
    print("done")
    assert capsys.readouterr().out


def skipped_for_a_command(require):
    require("no-such-command")


def skipped_for_a_module(require_module):
    require_module("no_such_module")


def passed_a_command_and_a_module(require, require_module):
    assert require("python")
    assert require_module("json").dumps
"""

CONFIG = """
[pytest]
python_files = cases.py
python_functions = failed_* passed_* skipped_*
log_level = DEBUG
markers = prints_secrets
"""


def outcomes(folder: Path, **environment: str) -> dict[str, str]:
    """Run the cases in a pytest of their own."""
    shutil.copy(HERE / "conftest.py", folder)
    (folder / "cases.py").write_text(CASES)
    (folder / "pytest.ini").write_text(CONFIG)
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "--color=no", "-p", "no:cacheprovider"],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = {}
    for line in result.stdout.splitlines():
        if line.startswith("cases.py::"):
            name, outcome = line.removeprefix("cases.py::").split()[:2]
            # A second line is an error of the teardown.
            found[name] = "FAILED" if outcome == "ERROR" else outcome
    assert found, result.stdout + result.stderr
    return found


def test_each_guard_fails_what_it_should_and_nothing_else(tmp_path: Path) -> None:
    """A case's name begins with what must become of it."""
    found = outcomes(tmp_path)

    assert {name.partition("_")[0].upper() for name in found} == set(found.values())
    assert not {
        name: outcome
        for name, outcome in found.items()
        if not name.startswith(outcome.lower())
    }


def test_in_ci_a_missing_component_fails(tmp_path: Path) -> None:
    """What is a skip on a contributor's machine is a failure in CI."""
    found = outcomes(tmp_path, CI="true")

    assert found["skipped_for_a_command"] == "FAILED"
    assert found["skipped_for_a_module"] == "FAILED"


def test_the_loopback_interface_is_open() -> None:
    """Servers of the test itself can be reached, from threads as well."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        errors: list[OSError] = []

        def connect() -> None:
            try:
                socket.create_connection(("localhost", port), timeout=5).close()
            except OSError as error:
                errors.append(error)

        thread = threading.Thread(target=connect)
        thread.start()
        thread.join()

    assert not errors


def test_the_environment_is_clean(tmp_path: Path) -> None:
    """A default token file can only be one of the test's own."""
    assert Path.home() == tmp_path / "home"
    assert os.environ["XDG_STATE_HOME"].startswith(str(tmp_path))
    for name in ("CI", "DISPLAY", "BROWSER", "TICKTICK_TOKEN", "http_proxy"):
        assert name not in os.environ


@pytest.mark.parametrize("host", ["127.0.0.2", "::1", "LOCALHOST"])
def test_loopback_has_many_names(host: str) -> None:
    """None of these is refused, though nobody listens there."""
    with pytest.raises(OSError):  # noqa: PT011 - no server, or no IPv6
        socket.create_connection((host, 1), timeout=5)


def test_a_forked_child_logs_to_nobody():
    """A lock of a stream that was held at the fork would never be released."""
    pid = os.fork()
    if pid == 0:
        os._exit(len(logging.getLogger().handlers))

    assert logging.getLogger().handlers != []
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
