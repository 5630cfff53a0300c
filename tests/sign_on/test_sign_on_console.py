"""The console's input: terminals, pipes and their end, on each system."""

from __future__ import annotations

import io
import os
import select
import sys
from pathlib import Path

import pytest
from pasting import REDIRECTED, console
from people import SECONDS, Nobody, a_request, piped, run

from requests_ticktick._errors import (
    SignOnError,
    SignOnRequiredError,
    SignOnTimeoutError,
)
from requests_ticktick._sign_on import ConsoleSignOn, terminal

# -- the input and its end -----------------------------------------------------


@pytest.mark.parametrize("sign_on", [piped(""), piped("wrong\n")])
def test_the_end_of_the_input_names_the_command_to_run(sign_on):
    """No EOFError is raised."""
    with pytest.raises(SignOnRequiredError, match="Run: requests-ticktick login"):
        sign_on(a_request())


def test_control_d_ends_the_sign_on(person):
    """It ends the input at a terminal."""
    person.types("half a li\x04\x04\x04")

    with pytest.raises(SignOnRequiredError):
        console(person)(a_request())


def test_a_closed_terminal_window_ends_the_sign_on(person):
    """Nobody can paste any more."""
    sign_on = console(person)
    person.leaves()

    with pytest.raises(SignOnRequiredError):
        sign_on(a_request())


def test_a_closed_descriptor_ends_the_input(person):
    """Another part of the program may close it."""
    descriptor = os.dup(person.input.fileno())
    with os.fdopen(descriptor, closefd=False) as stream:
        lines = terminal.lines_from(stream)
        os.close(descriptor)

        assert lines.read(1.0) == ""


@pytest.mark.parametrize("stdin", ["missing", "closed", "closed underneath"])
def test_a_missing_standard_input_ends_the_sign_on(monkeypatch, stdin):
    """Daemons and windowed programs have none."""
    reading, writing = os.pipe()
    stream = None if stdin == "missing" else os.fdopen(reading, closefd=False)
    monkeypatch.setattr(sys, "stdin", stream)
    if stdin == "closed":
        stream.close()
    os.close(reading)
    os.close(writing)

    with pytest.raises(SignOnRequiredError):
        ConsoleSignOn(output=io.StringIO())(a_request())


@pytest.fixture
def full():
    """A stream to a disk that is full."""
    stream = Path("/dev/full").open("w", buffering=1)  # noqa: SIM115 - closing fails
    yield stream
    # Closing it tries once more to write what it could not.
    with pytest.raises(OSError, match="28"):
        stream.close()


@pytest.fixture
def closed():
    """A stream that takes nothing any more."""
    with open(os.devnull, "w") as stream:
        pass
    return stream


@pytest.mark.parametrize("stderr", ["missing", "closed", "full"])
def test_a_missing_standard_error_does_not_stop_the_sign_on(
    monkeypatch, request, stderr
):
    """The messages are lost, but the paste counts."""
    stream = None if stderr == "missing" else request.getfixturevalue(stderr)
    monkeypatch.setattr(sys, "stderr", stream)

    url = ConsoleSignOn(input=io.StringIO(f"{REDIRECTED}\n"))(a_request())

    assert url == REDIRECTED


def test_an_idle_terminal_times_out(person):
    """The message says how to allow more time."""
    with pytest.raises(SignOnTimeoutError, match=r"ConsoleSignOn\(timeout=...\)"):
        console(person, timeout=0.05)(a_request())


def test_an_idle_pipe_times_out():
    """A parent process that never writes does not block this one."""
    reading, writing = os.pipe()
    with open(reading) as stream, open(writing, "w"):
        sign_on = ConsoleSignOn(timeout=0.05, input=stream, output=io.StringIO())

        with pytest.raises(SignOnTimeoutError):
            sign_on(a_request())


def test_undecodable_bytes_are_one_wrong_paste():
    """A pipe that sends garbage gets the same few tries."""
    reading, writing = os.pipe()

    class Screen(Nobody):
        def write(self, text):
            if "not an address with a code" in text:
                os.write(writing, f"{REDIRECTED}\n".encode())

    os.write(writing, b"\xff\xfe\n")
    with open(reading, encoding="utf-8") as stream:
        sign_on = ConsoleSignOn(input=stream, output=Screen())

        assert sign_on(a_request()) == REDIRECTED
    os.close(writing)


def test_an_endless_line_is_one_wrong_paste():
    """A pipe without line breaks does not fill the memory."""
    with open("/dev/zero") as stream:
        sign_on = ConsoleSignOn(input=stream, output=io.StringIO())

        with pytest.raises(SignOnError, match="Start again"):
            sign_on(a_request())


def test_an_endless_line_at_a_terminal_is_one_wrong_paste(person):
    """A terminal in raw mode does not fill the memory."""
    import tty

    tty.setraw(person.input)
    lines = terminal.lines_from(person.input)
    line = None
    for _ in range(1000):
        person.types("x" * 1024)
        line = lines.read(1.0)
        if line is not None:
            break

    assert line == "x" * 65_536


def test_two_lines_in_one_read_are_two_lines(person):
    """A terminal in raw mode delivers all there is."""
    import tty

    tty.setraw(person.input)
    lines = terminal.lines_from(person.input)
    person.types("one\ntwo\n")

    assert (lines.read(5.0), lines.read(5.0)) == ("one\n", "two\n")


@pytest.fixture(params=["no poll", "a poll that does not know terminals"])
def without_poll(request, monkeypatch):
    """As eventlet leaves it behind, and as macOS has had it."""
    if request.param == "no poll":
        monkeypatch.delattr(select, "poll")
        return

    class Poll:
        def register(self, descriptor, events):
            self.descriptor = descriptor

        def poll(self, milliseconds):
            return [(self.descriptor, select.POLLNVAL)]

    monkeypatch.setattr(select, "poll", Poll)


@pytest.mark.usefixtures("without_poll")
class TestWithoutPoll:
    """Every wait goes on, and ends."""

    def test_a_terminal_is_read(self, person):
        person.types(f"{REDIRECTED}\n")

        assert console(person)(a_request()) == REDIRECTED

    def test_an_idle_terminal_times_out(self, person):
        with pytest.raises(SignOnTimeoutError):
            console(person, timeout=0.05)(a_request())

    def test_an_idle_pipe_times_out(self):
        reading, writing = os.pipe()
        with open(reading) as stream, open(writing, "w"):
            sign_on = ConsoleSignOn(timeout=0.05, input=stream, output=io.StringIO())

            with pytest.raises(SignOnTimeoutError):
                sign_on(a_request())

    def test_a_closed_descriptor_ends_the_input(self, person):
        descriptor = os.dup(person.input.fileno())
        with os.fdopen(descriptor, closefd=False) as stream:
            lines = terminal.lines_from(stream)
            os.close(descriptor)

            assert lines.read(1.0) == ""

    def test_a_file_is_read(self, tmp_path, monkeypatch):
        (tmp_path / "typed").write_text(f"{REDIRECTED}\n")

        def of_eventlet(*args):
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(select, "select", of_eventlet)
        with open(tmp_path / "typed") as stream:
            sign_on = ConsoleSignOn(input=stream, output=io.StringIO())

            assert sign_on(a_request()) == REDIRECTED

    def test_a_descriptor_that_select_does_not_know_times_out(self, person):
        """Beyond 1024, nobody can tell whether it can be read."""
        import fcntl

        high = fcntl.fcntl(person.input.fileno(), fcntl.F_DUPFD, 1500)
        with os.fdopen(high) as stream:
            sign_on = ConsoleSignOn(timeout=0.1, input=stream, output=io.StringIO())
            person.types(f"{REDIRECTED}\n")

            with pytest.raises(SignOnTimeoutError):
                sign_on(a_request())


def test_input_after_the_sign_on_belongs_to_the_program(person):
    """No thread goes on reading."""
    person.types(f"{REDIRECTED}\nfor the program\n")

    console(person)(a_request())

    assert person.input.readline() == "for the program\n"


ASKING = """
from requests_ticktick._grant.request import AuthorizationRequest
from requests_ticktick._sign_on import ConsoleSignOn
request = AuthorizationRequest("https://x.example/", state="S", redirect_uri="r:")
try:
    ConsoleSignOn(timeout=1.0)(request)
except Exception as error:
    print(type(error).__name__)
"""


#: A shell that is given a command that ends in "&".
BACKGROUND = f"""
import fcntl, os, subprocess, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
program = subprocess.Popen([sys.executable, "-c", {ASKING!r}], preexec_fn=os.setpgrp)
_, status = os.waitpid(program.pid, os.WUNTRACED)
if os.WIFSTOPPED(status):
    print("stopped")
    program.kill()
"""


# -- in the background ---------------------------------------------------------


def test_a_program_in_the_background_is_not_stopped(person):
    """Reading from the terminal would stop the process."""
    person.types(f"{REDIRECTED}\n")

    done = run(
        BACKGROUND,
        stdin=person.input,
        stderr=person.output,
        stdout=-1,
        capture_output=False,
        start_new_session=True,
    )

    assert done.stdout == "SignOnTimeoutError\n"


class Keys:
    """What msvcrt gives to a program on Windows."""

    def __init__(self, keys):
        self.keys = list(keys)
        self.screen = ""

    def kbhit(self):
        return bool(self.keys)

    def getwch(self):
        return self.keys.pop(0)

    def getwche(self):
        key = self.getwch()
        self.putwch(key)
        return key

    def putwch(self, key):
        self.screen += key


@pytest.fixture
def types_on_windows(person, monkeypatch):
    """Let the person's keys come as Windows has them come."""

    def types(keys):
        monkeypatch.setattr(terminal, "WINDOWS", True)
        monkeypatch.setitem(sys.modules, "msvcrt", Keys(keys))

    return types


def test_on_windows_keys_become_lines(person, types_on_windows):
    """Backspace corrects, and arrow keys are ignored."""
    types_on_windows(f"wrong\r{REDIRECTED}xy\b\b\xe0K\r")

    assert console(person)(a_request()) == REDIRECTED


@pytest.mark.parametrize(
    ("keys", "timeout", "expected"),
    [
        pytest.param("half a line", 0.1, SignOnTimeoutError, id="nothing more"),
        pytest.param("\x1a", SECONDS, SignOnRequiredError, id="Control-Z"),
        pytest.param("\x03", SECONDS, KeyboardInterrupt, id="Control-C"),
    ],
)
def test_on_windows_a_wait_ends(person, types_on_windows, keys, timeout, expected):
    """It times out, ends and is interrupted as on other systems."""
    types_on_windows(keys)

    with pytest.raises(expected):
        console(person, timeout=timeout)(a_request())


def test_on_windows_a_pipe_is_read_without_waiting(types_on_windows):
    """Windows cannot poll a pipe."""
    types_on_windows("")

    assert piped(f"{REDIRECTED}\n")(a_request()) == REDIRECTED
