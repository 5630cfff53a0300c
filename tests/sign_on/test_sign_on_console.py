"""A person who pastes the address into the terminal."""

from __future__ import annotations

import io
import os
import select
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from people import SECONDS, STATE, Nobody, Person, a_request, piped, run

from requests_ticktick._errors import (
    SignOnError,
    SignOnRequiredError,
    SignOnTimeoutError,
)
from requests_ticktick._sign_on import ConsoleSignOn, paste, terminal
from requests_ticktick._sign_on.paste import problem_with, redirected_url

REDIRECT_URI = "https://app.example/callback"
REDIRECTED = f"{REDIRECT_URI}?code=abc123&state={STATE}"


@pytest.fixture
def person():
    """Somebody at a terminal."""
    with Person() as person:
        yield person


def console(person, **options):
    return ConsoleSignOn(input=person.input, output=person.output, **options)


def test_the_url_is_shown_and_the_pasted_url_returned(person, capsys):
    """Standard output stays free for the program."""
    person.types(f"{REDIRECTED}\n")

    assert console(person)(a_request()) == REDIRECTED
    assert person.sees(a_request().url)
    assert person.sees(REDIRECT_URI)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("pasted", "returned"),
    [
        pytest.param(REDIRECTED, REDIRECTED, id="the whole address"),
        pytest.param(f"  {REDIRECTED} \t", REDIRECTED, id="spaces around it"),
        pytest.param(f"'{REDIRECTED}'", REDIRECTED, id="single quotes"),
        pytest.param(f'"{REDIRECTED}"', REDIRECTED, id="double quotes"),
        pytest.param(f"<{REDIRECTED}>", REDIRECTED, id="angle brackets"),
        pytest.param(f'<"{REDIRECTED}">', REDIRECTED, id="both"),
        pytest.param(f"` {REDIRECTED} `", REDIRECTED, id="backticks and spaces"),
        pytest.param(f"\u201c{REDIRECTED}\u201d", REDIRECTED, id="a writer's quotes"),
        pytest.param(
            f"\x1b[200~{REDIRECTED}\x1b[201~", REDIRECTED, id="a terminal's marks"
        ),
        pytest.param(f"code=abc123&state={STATE}", REDIRECTED, id="the query"),
        pytest.param(f"?code=abc123&state={STATE}", REDIRECTED, id="with its mark"),
        pytest.param(f"&code=abc123&state={STATE}", REDIRECTED, id="the query's rest"),
        pytest.param(
            f"app.example/callback?code=abc123&state={STATE}",
            REDIRECTED,
            id="an address whose scheme the browser hides",
        ),
        pytest.param(
            f"state={STATE}&iss=https://ticktick.example&code=abc123",
            f"{REDIRECT_URI}?state={STATE}&iss=https://ticktick.example&code=abc123",
            id="a query that holds an address",
        ),
        pytest.param(
            f"error=access_denied&state={STATE}",
            f"{REDIRECT_URI}?error=access_denied&state={STATE}",
            id="a refusal",
        ),
    ],
)
def test_the_address_is_accepted_as_pasted(pasted, returned):
    """Quotes, spaces and a missing scheme or host do not matter."""
    assert piped(f"{pasted}\n")(a_request()) == returned


def test_the_query_of_the_redirect_uri_is_kept():
    """The pasted query is added to it (RFC 6749 3.1.2)."""
    request = a_request(f"{REDIRECT_URI}?app=1")

    answer = piped(f"code=abc123&state={STATE}\n")(request)

    assert answer == f"{REDIRECT_URI}?app=1&code=abc123&state={STATE}"
    assert request.accepts(answer)


def test_a_bare_code_is_accepted_if_allowed():
    """For authorization pages that show nothing but the code."""
    request = a_request()

    answer = piped("'4/0Ab+c='\n", allow_bare_code=True)(request)

    assert request.code_from(answer) == "4/0Ab+c="


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        pytest.param("", "That was empty", id="nothing"),
        pytest.param(a_request().url, "address to open", id="the URL that was shown"),
        pytest.param(
            "https://ticktick.example/oauth/authorize?response_type=code&state=x",
            "address to open",
            id="an older URL",
        ),
        pytest.param("abc123", "the code alone", id="the code alone"),
        pytest.param(
            f"{REDIRECT_URI}?code=abc123", "its 'state'", id="no state: cut short"
        ),
        pytest.param(f"state={STATE}", "its 'code'", id="no code: cut short"),
        pytest.param(
            f"{REDIRECT_URI}?code=abc123&state=another",
            "belongs to another sign-on",
            id="another sign-on's",
        ),
        pytest.param(
            f"error=access_denied&state={STATE}x", "another sign-on", id="a refusal"
        ),
        pytest.param(REDIRECT_URI, "not an address with a code", id="no query"),
        pytest.param("what is this", "not an address with a code", id="a sentence"),
    ],
)
def test_a_wrong_paste_is_explained_and_asked_for_again(person, pasted, said):
    """The message says what the text was, and the next paste counts."""
    person.types(f"{pasted}\n{REDIRECTED}\n")

    assert console(person)(a_request()) == REDIRECTED
    assert person.sees(said)
    assert person.sees(f"The address begins with {REDIRECT_URI}")


CUT = f"{REDIRECTED[:40]}|{REDIRECTED[40:55]}|{REDIRECTED[55:]}"


@pytest.mark.parametrize(
    "pasted",
    [
        pytest.param(CUT.replace("|", "  "), id="spaces"),
        pytest.param(CUT.replace("|", "\t"), id="tabs"),
        pytest.param(CUT.replace("|", "\n"), id="line ends"),
        pytest.param(CUT.replace("|", "\r\n   "), id="line ends and margins"),
        pytest.param(CUT.replace("|", "\n\n"), id="empty lines between"),
        pytest.param(CUT.replace("|", " \u2502\n\u2502 "), id="a window's frame"),
        pytest.param(CUT.replace("|", "\u00ad\n"), id="soft hyphens"),
        pytest.param(CUT.replace("|", "\u200b"), id="zero-width spaces"),
        pytest.param(CUT.replace("|", "\u00a0"), id="spaces that do not break"),
        pytest.param(CUT.replace("|", "\u2028"), id="line separators"),
        pytest.param("\u2068" + CUT.replace("|", "") + "\u2069", id="isolates"),
        pytest.param("\ufeff" + REDIRECTED, id="a byte order mark"),
        pytest.param(f"\x1b[1m{REDIRECTED}\x1b[0m", id="colours"),
        pytest.param("\n".join(REDIRECTED[i : i + 9] for i in range(0, 99, 9)), id="9"),
        pytest.param(f"'{CUT}'".replace("|", "\n"), id="quoted"),
        pytest.param(f"Location: {CUT}".replace("|", "\n"), id="a header"),
        pytest.param(
            f"code=abc123&sta\nte={STATE[:5]}\n{STATE[5:]}", id="the query alone"
        ),
        pytest.param(
            f"{REDIRECTED[:-5]}\nwhat was that?\n{REDIRECTED}", id="and then as it is"
        ),
        pytest.param(f"{REDIRECTED[:40]}\n{REDIRECTED}", id="half of it, then all"),
    ],
)
def test_an_address_broken_into_lines_is_joined(pasted):
    """White space inside is removed and costs no try."""
    answer = piped(f"{pasted}\n")(a_request())

    assert a_request().code_from(answer) == "abc123"


@pytest.mark.parametrize(
    "pasted",
    [
        f"Location: {REDIRECTED}",
        f"< location: {REDIRECTED}",
        f"curl '{REDIRECTED}'",
        f"curl -sS --max-time 5 {REDIRECTED} -H 'Accept: */*'",
        f'curl "{REDIRECTED.replace("&", "^&")}" ^',
        f"curl --url={REDIRECTED} \\",
        f"open {REDIRECTED.replace('?', chr(92) + '?').replace('&', chr(92) + '&')}",
        f"[TickTick]({REDIRECTED})",
        f"[TickTick](<{REDIRECTED}>).",
        f'<a href="{REDIRECTED.replace("&", "&amp;")}">here</a>',
        f'{{"url": "{REDIRECTED.replace("&", chr(92) + "u0026")}"}}',
        f"It says: cannot connect to {REDIRECTED}.",
        f"> {REDIRECTED}",
        f"GET {REDIRECTED} HTTP/1.1",
        f"\u00ab{REDIRECTED}\u00bb",
        f"Is it this one? {REDIRECTED}",
    ],
)
def test_the_address_is_found_within_other_text(pasted):
    """Commands, headers, links and sentences: only one URL has this state."""
    assert piped(f"{pasted}\n")(a_request()) == REDIRECTED


def test_empty_lines_cost_no_try(person):
    """Pressing Enter while the browser loads is harmless."""
    person.types("\n" * 9 + f"{REDIRECTED}\n")

    assert console(person)(a_request()) == REDIRECTED
    assert person.sees("That was empty")
    assert piped("\n \n\t\n\n\n\n" + f"{REDIRECTED}\n")(a_request()) == REDIRECTED


@pytest.mark.parametrize("line", ["", "code=a", "Bad client credentials"])
def test_lines_that_cost_no_try_are_limited(line):
    """A program that writes them for ever fills no log."""
    with pytest.raises(SignOnError, match="Start again"):
        piped(f"{line}\n" * 1001)(a_request())


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        pytest.param(
            "Invalid redirect: https://x.example does not match one of the registered "
            "values: [https://y.example]",
            "must be equal letter for letter",
            id="another redirect URI",
        ),
        pytest.param(
            "At least one redirect_uri must be registered with the client.",
            f"add {REDIRECT_URI}",
            id="no redirect URI",
        ),
        pytest.param(
            "At least one redirect_uri must be regis\ntered with the client.",
            f"add {REDIRECT_URI}",
            id="a row that broke in a word",
        ),
        pytest.param(
            "At least one redirect_uri\n  must be registered with the client.",
            f"add {REDIRECT_URI}",
            id="a row that broke between words",
        ),
        pytest.param(
            "Bad client credentials", "Compare client_id", id="another client"
        ),
        pytest.param(
            '<p>error="invalid_client", <b>Bad\u00a0client credentials</b></p>',
            "Compare client_id",
            id="HTML",
        ),
    ],
)
def test_a_pasted_error_of_ticktick_s_is_explained(person, pasted, said):
    """TickTick does not redirect then. The message says what to change."""
    person.types(f"{pasted}\n")

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(console(person, timeout=SECONDS), a_request())
        assert person.sees(said)
        assert not waiting.done()
        person.types(f"{REDIRECTED}\n")

        assert waiting.result(SECONDS) == REDIRECTED


def test_a_pasted_error_costs_no_try_and_is_repeated_at_the_end():
    """However often it is pasted, the final error has the next step."""
    text = "<h1>OAuth Error</h1>\nBad client credentials\n"

    assert piped(text * 4 + f"{REDIRECTED}\n")(a_request()) == REDIRECTED
    with pytest.raises(SignOnError, match=r"Compare client_id .*Start again"):
        piped(text * 5)(a_request())


def test_a_pasted_page_costs_one_try(person, monkeypatch):
    """A terminal delivers all its lines at once."""
    monkeypatch.setattr(paste, "_PASTE_SECONDS", SECONDS)
    lines = [f"line {number} of a page" for number in range(30)]
    person.types("\n".join([*lines, "Bad client credentials", REDIRECTED, ""]))

    assert console(person)(a_request()) == REDIRECTED
    assert person.sees("Compare client_id")
    assert person.screen.count("That is not an address") == 1


def test_half_an_address_with_other_text_is_a_wrong_paste():
    """It is kept only for the rest of the address."""
    half = f"{REDIRECT_URI}?code=abc&state={STATE[:9]}"

    with pytest.raises(SignOnError, match="Start again"):
        piped(f"{half}\nwrong\n" * 5 + f"{REDIRECTED}\n")(a_request())


def test_an_overlong_partial_address_is_not_kept():
    """No address is that long."""
    half = f"{REDIRECT_URI}?code=" + "x" * 9000

    with pytest.raises(SignOnError, match="Start again"):
        piped(f"{half}\n" * 5)(a_request())


@pytest.mark.parametrize(
    "pasted", ["two words", "https://app.example/", "\x7f", "x" * 70_000]
)
def test_not_every_text_is_a_bare_code(pasted):
    """A code has no spaces and is not a URL."""
    assert redirected_url(pasted, a_request(), bare_code=True) is None


def test_a_few_wrong_pastes_end_the_sign_on():
    """After five wrong pastes the person has to start again."""
    sign_on = piped("wrong\n" * 5 + f"{REDIRECTED}\n")

    with pytest.raises(SignOnError, match="Start again"):
        sign_on(a_request())


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


@pytest.mark.parametrize(
    "pasted",
    [
        pytest.param("SECRET\n" * 5, id="wrong, to the end"),
        pytest.param(f"{REDIRECT_URI}?code=SECRET&state=SECRET\n", id="then the end"),
        pytest.param(f"code=SECRET&state={STATE}x", id="without a line break"),
    ],
)
def test_pasted_text_is_in_no_traceback(pasted):
    """Neither in messages and chained errors nor in local variables."""
    reading, writing = os.pipe()
    os.write(writing, pasted.encode())
    os.close(writing)
    shown = io.StringIO()
    with open(reading) as stream:
        sign_on = ConsoleSignOn(input=stream, output=shown)

        with pytest.raises((SignOnError, SignOnRequiredError)) as raised:
            sign_on(a_request())

    seen = traceback.TracebackException.from_exception(
        raised.value, capture_locals=True
    )
    # The first frame is this test's own, which holds what it pastes.
    seen.stack.pop(0)
    assert "SECRET" not in "".join(seen.format())
    assert "SECRET" not in shown.getvalue()


ASKING = """
from requests_ticktick._grant import AuthorizationRequest
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
        monkeypatch.setattr(terminal, "_WINDOWS", True)
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


TOKENS = """
code= state= error= response_type= & ? = :// http [ % %ff ' " < > #
"""
PIECES = st.one_of(
    st.sampled_from([*TOKENS.split(), STATE, "\x00", "\udcff", " "]),
    st.text(max_size=20),
)


@given(pasted=st.lists(PIECES, max_size=12).map("".join), bare_code=st.booleans())
def test_any_text_is_the_redirect_or_explained(pasted, bare_code):
    """Whatever is pasted gets one of the two answers."""
    request = a_request()
    began = time.thread_time()

    url = redirected_url(pasted, request, bare_code=bare_code)

    if url is None:
        assert problem_with(pasted, request).endswith(REDIRECT_URI)
    else:
        assert request.accepts(url)
    assert time.thread_time() - began < 1.0
