"""What else happens while the listener waits: pastes, threads, forks, Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
import threading
import time
import traceback
from urllib.parse import urlsplit

import pytest
from listening import QUERY, is_free
from people import (
    SECONDS,
    Nobody,
    a_request,
    browse,
    connected,
    get,
    received,
    run,
    waiting,
)
from ports import free_port
from shell import interrupt

from requests_ticktick._errors import (
    SignOnError,
    SignOnRequiredError,
    SignOnTimeoutError,
)
from requests_ticktick._sign_on import (
    LoopbackSignOn,
    loopback,
    paste,
)
from requests_ticktick._sign_on import (
    server as serving,
)
from requests_ticktick._sign_on.terminal import POLL_SECONDS
from requests_ticktick.testing import FakeClock

# -- a paste meanwhile ---------------------------------------------------------


def test_a_paste_works_while_the_listener_waits(redirect_uri, person):
    """The browser may be on another machine."""
    streams = {"input": person.input, "output": person.output}

    with waiting(redirect_uri, **streams) as answer:
        assert person.sees("paste the address")
        person.types("'abc123'\n")
        assert person.sees("the code alone")
        person.types(f"<{redirect_uri}?{QUERY}>\n")

        assert answer.result(SECONDS) == f"{redirect_uri}?{QUERY}"
    assert is_free(redirect_uri)


def test_wrong_pastes_do_not_end_the_wait_for_a_right_one(
    redirect_uri, person, monkeypatch
):
    """The browser may come after any number of them, and so may the address."""
    monkeypatch.setattr(paste, "PASTE_SECONDS", 0.0)
    streams = {"input": person.input, "output": person.output}

    with waiting(redirect_uri, **streams) as answer:
        for _ in range(7):
            person.screen = ""
            person.types("wrong\n")
            assert person.sees("the code alone")
        person.types(f"{redirect_uri}?{QUERY}\n")

        assert answer.result(SECONDS) == f"{redirect_uri}?{QUERY}"


class PollOfNoTerminals:
    """What macOS has had: it says at once that a terminal is no descriptor."""

    asked = threading.Event()

    def register(self, descriptor, events):
        self.descriptor = descriptor

    def poll(self, milliseconds):
        self.asked.set()
        return [(self.descriptor, select.POLLNVAL)]


@pytest.fixture
def unknown_to_poll(monkeypatch, person):
    """The streams of a person whose terminal poll does not know."""
    # What the listener waits by is not this one: selectors has its own name for it.
    monkeypatch.setattr(select, "poll", PollOfNoTerminals)
    PollOfNoTerminals.asked.clear()
    return {"input": person.input, "output": person.output}


def test_a_terminal_that_poll_rejects_does_not_block_the_browser(
    redirect_uri, unknown_to_poll
):
    """Its input is not taken to have ended."""
    with waiting(redirect_uri, **unknown_to_poll) as answer:
        assert PollOfNoTerminals.asked.wait(SECONDS)
        browse(f"{redirect_uri}?{QUERY}")

        assert answer.result(SECONDS) == f"{redirect_uri}?{QUERY}"


def test_a_terminal_that_poll_rejects_accepts_a_paste(
    redirect_uri, person, unknown_to_poll
):
    """The browser may be on another machine."""
    with waiting(redirect_uri, **unknown_to_poll) as answer:
        assert person.sees("paste the address")
        person.types(f"{redirect_uri}?{QUERY}\n")

        assert answer.result(SECONDS) == f"{redirect_uri}?{QUERY}"


@pytest.mark.parametrize("typed", ["", "half a line"])
def test_a_terminal_that_poll_rejects_does_not_block_the_time_out(
    redirect_uri, person, unknown_to_poll, typed
):
    """Even if a line was begun and not ended."""
    person.types(typed)
    sign_on = LoopbackSignOn(timeout=0.3, open_url=lambda url: True, **unknown_to_poll)
    began = time.monotonic()

    with pytest.raises(SignOnTimeoutError):
        sign_on(a_request(redirect_uri))

    assert 0.3 <= time.monotonic() - began < SECONDS
    assert is_free(redirect_uri)


@pytest.mark.parametrize("typed", ["wrong\n" * 6, "\x04", "half a line"])
def test_other_input_does_not_end_the_wait(redirect_uri, person, typed):
    """The browser completes the sign-on."""
    streams = {"input": person.input, "output": person.output}
    person.types(typed)

    with waiting(redirect_uri, **streams) as answer:
        browse(f"{redirect_uri}?{QUERY}")

        assert answer.result(SECONDS) == f"{redirect_uri}?{QUERY}"


def test_a_line_typed_after_the_sign_on_reaches_the_program(redirect_uri, person):
    """The sign-on no longer reads from the terminal."""
    with waiting(redirect_uri, input=person.input, output=person.output) as answer:
        browse(f"{redirect_uri}?{QUERY}")
        answer.result(SECONDS)
    person.types("for the program\n")

    assert person.input.readline() == "for the program\n"


def test_a_pipe_is_left_to_the_program(redirect_uri):
    """Only a person's input is for the sign-on."""
    reading, writing = os.pipe()
    os.write(writing, b"for the program\n")
    os.close(writing)
    with open(reading) as stream:
        sign_on = LoopbackSignOn(0.2, lambda url: None, input=stream, output=Nobody())
        with pytest.raises(SignOnTimeoutError):
            sign_on(a_request(redirect_uri))

        assert stream.readline() == "for the program\n"


# -- threads and processes -----------------------------------------------------


def test_no_thread_is_left(redirect_uri, monkeypatch):
    """Neither the listener's nor those of open connections."""
    monkeypatch.setattr(serving.Handler, "timeout", 60.0)
    before = set(threading.enumerate())
    with contextlib.ExitStack() as stack:
        with waiting(redirect_uri) as answer:
            stack.enter_context(connected(redirect_uri))
            browse(f"{redirect_uri}?{QUERY}")
            answer.result(SECONDS)

        for thread in set(threading.enumerate()) - before:
            thread.join(SECONDS)
            assert not thread.is_alive()


def test_the_page_arrives_after_the_sign_on_returned(redirect_uri):
    """The browser may read slowly. Everything was sent before the port closed."""
    with waiting(redirect_uri) as answer, connected(redirect_uri) as connection:
        connection.sendall(get(f"{redirect_uri}?{QUERY}"))
        answer.result(SECONDS)

        head, _, body = received(connection).partition(b"\r\n\r\n")

    assert f"Content-Length: {len(body)}\r\n".encode() in head + b"\r\n"
    assert body.endswith(b"</html>\n")


def test_a_browser_that_disconnects_has_signed_on(redirect_uri):
    """The code has arrived, even if the page cannot be sent."""
    with waiting(redirect_uri) as answer:
        connection = connected(redirect_uri)
        connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0"
        )
        connection.sendall(get(f"{redirect_uri}?{QUERY}"))
        connection.close()  # a reset

        # It may come before the request was read: then another tab is used.
        with contextlib.suppress(OSError):
            browse(f"{redirect_uri}?{QUERY}")
        assert answer.result(SECONDS) == f"{redirect_uri}?{QUERY}"


INTERRUPTED = """
import os, signal, socket, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from requests_ticktick._grant.request import AuthorizationRequest
from requests_ticktick._sign_on import LoopbackSignOn
request = AuthorizationRequest(
    "https://x.example/", state="S", redirect_uri={redirect_uri!r}
)
try:
    # Not print(): at its end Python aborts if a thread has standard output's lock.
    LoopbackSignOn(open_url=lambda url: os.write(1, b"open\\n"))(request)
except KeyboardInterrupt:
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", {port}))
        listening.listen()
    print("interrupted, and free")
"""


def test_control_c_frees_the_port(redirect_uri):
    """At once, even with an open connection."""
    code = INTERRUPTED.format(
        redirect_uri=redirect_uri, port=urlsplit(redirect_uri).port
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout.readline() == "open\n"
        with connected(redirect_uri):
            interrupt(program)

            assert program.stdout.readline() == "interrupted, and free\n"


FORKED = """
import os, signal, socket, threading, urllib.request
from requests_ticktick._grant.request import AuthorizationRequest
from requests_ticktick._sign_on import LoopbackSignOn
request = AuthorizationRequest(
    "https://x.example/", state="S", redirect_uri={redirect_uri!r}
)
children = []
def fork_and_browse(url):
    if (child := os.fork()) == 0:
        signal.pause()
    children.append(child)
    connection = socket.create_connection(("127.0.0.1", {port}))
    connection.sendall({request!r})
    while connection.recv(65536):
        pass
LoopbackSignOn(open_url=fork_and_browse)(request)
with socket.socket() as listening:
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", {port}))
        listening.listen()
        print("free")
    finally:
        os.kill(children[0], signal.SIGKILL)
"""


def test_a_worker_forked_meanwhile_does_not_hold_the_port(redirect_uri):
    """It has a copy of the listening socket, and may live for days."""
    done = run(
        FORKED.format(
            redirect_uri=redirect_uri,
            port=urlsplit(redirect_uri).port,
            request=get(f"{redirect_uri}?code=abc&state=S"),
        )
    )

    assert done.stdout == "free\n", done.stderr


@pytest.mark.parametrize("threads", [0, 1], ids=["none", "one of two"])
def test_a_lack_of_threads_is_reported(monkeypatch, threads):
    """Nothing waits, and the port is free."""
    port = free_port()
    start = threading.Thread.start
    started = []

    def no_more(thread):
        if len(started) == threads:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", no_more)

    with pytest.raises(SignOnError, match="No thread can be started") as raised:
        LoopbackSignOn(output=Nobody())(a_request(f"http://localhost:{port}/"))

    monkeypatch.undo()
    assert "requests-ticktick login" in str(raised.value)
    assert is_free(f"http://127.0.0.1:{port}/")


def test_without_a_thread_for_the_browser_the_person_opens_the_url(
    redirect_uri, monkeypatch
):
    """The listener got the last thread, and the URL was shown."""
    start, shown = threading.Thread.start, Nobody()

    def but_the_browsers(thread):
        if "_open" in thread.name:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", but_the_browsers)
    sign_on = LoopbackSignOn(SECONDS, output=shown, browser_timeout=SECONDS)

    with pytest.raises(SignOnRequiredError):
        sign_on(a_request(redirect_uri))

    assert "open the address yourself" in shown.screen


@pytest.mark.parametrize("fails", [lambda url: False, lambda url: 1 / 0])
def test_the_waiting_thread_reports_that_no_browser_was_opened(redirect_uri, fails):
    """Before the error. A daemon thread that writes at exit could abort Python."""
    shown, tellers = Nobody(), []
    shown.flush = lambda: tellers.append(threading.current_thread())
    sign_on = LoopbackSignOn(SECONDS, fails, output=shown, browser_timeout=SECONDS)

    with pytest.raises(SignOnRequiredError):
        sign_on(a_request(redirect_uri))

    assert shown.screen.count("open the address yourself") == 1
    assert set(tellers) == {threading.current_thread()}


def test_a_browser_that_was_not_opened_is_reported_once(redirect_uri):
    """The wait goes on, because the person may open the address."""
    shown, said = Nobody(), threading.Semaphore(0)
    shown.flush = said.release

    with waiting(redirect_uri, fails=True, output=shown) as answer:
        for _ in ("the address", "that nothing was opened"):
            assert said.acquire(timeout=SECONDS)
        assert not said.acquire(
            timeout=5 * POLL_SECONDS
        )  # nothing is to happen in this time
        browse(f"{redirect_uri}?{QUERY}")

        assert answer.result(SECONDS) == f"{redirect_uri}?{QUERY}"


def test_without_further_threads_connections_are_served_in_turn(
    redirect_uri, monkeypatch
):
    """The redirect arrives although no thread is left."""
    start = threading.Thread.start

    def but_the_connections(thread):
        if "process_request" in thread.name:
            raise RuntimeError("can't start new thread")
        start(thread)

    with waiting(redirect_uri) as answer:
        monkeypatch.setattr(threading.Thread, "start", but_the_connections)
        page = browse(f"{redirect_uri}?{QUERY}")

        assert answer.result(SECONDS) == f"{redirect_uri}?{QUERY}"
    assert b"You can close this tab" in page


def test_a_failed_sign_on_shows_no_secret(redirect_uri, person, monkeypatch):
    """Neither pasted text nor requests appear, nor in local variables."""
    clock = FakeClock()
    monkeypatch.setattr(loopback, "time", clock)

    def stray(url):
        browse(f"{redirect_uri}?code=SECRET&state=SECRET")
        assert person.sees("another sign-on")
        clock.advance(SECONDS)

    sign_on = LoopbackSignOn(SECONDS, stray, input=person.input, output=person.output)
    person.types("code=SECRET&state=SECRET\n")

    with pytest.raises(SignOnTimeoutError) as raised:
        sign_on(a_request(redirect_uri))

    seen = traceback.TracebackException.from_exception(
        raised.value, capture_locals=True
    )
    seen.stack.pop(0)
    assert "SECRET" not in "".join(seen.format())
    assert person.sees("another sign-on")
