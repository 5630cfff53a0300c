"""Who is asked to sign on, and when nobody is."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
import time

import pytest
from people import (
    PERSONAL,
    STATE,
    Person,
    a_request,
    run,
)
from ports import free_port

from requests_ticktick._errors import SignOnRequiredError
from requests_ticktick._sign_on import (
    ConsoleSignOn,
    LoopbackSignOn,
    default_sign_on,
    person_can_be_here,
    refuse,
)


@pytest.fixture(autouse=True)
def nobody(monkeypatch):
    """No terminal, no display, no continuous integration."""
    for variable in PERSONAL:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys, "platform", "linux")


@pytest.fixture
def person():
    """Somebody who may sit down at a terminal."""
    with Person() as person:
        yield person


def test_refusing_names_the_command_to_run():
    """A program that nobody watches fails with the next step."""
    with pytest.raises(SignOnRequiredError, match="Run: requests-ticktick login"):
        refuse(a_request())


@pytest.mark.parametrize(
    "sign_on",
    [refuse, default_sign_on, LoopbackSignOn(timeout=5.0), ConsoleSignOn(timeout=5.0)],
    ids=["refuse", "default_sign_on", "LoopbackSignOn", "ConsoleSignOn"],
)
def test_a_sign_on_pickles(sign_on):
    """A worker process gets the auth object with its sign-on."""
    copy = pickle.loads(pickle.dumps(sign_on))

    assert type(copy) is type(sign_on)
    assert getattr(copy, "__dict__", {}) == getattr(sign_on, "__dict__", {})


def test_importing_the_sign_on_is_cheap():
    """Programs that never sign on import neither a server nor webbrowser."""
    done = run(
        "import sys, requests; before = set(sys.modules)\n"
        "import requests_ticktick._sign_on\n"
        "print(*{'http.server', 'socketserver', 'webbrowser', 'html', 'queue'}"
        " & (set(sys.modules) - before))"
    )

    assert (done.stdout, done.stderr) == ("\n", "")


def test_without_terminal_and_display_the_sign_on_refuses_at_once():
    """It does not wait where nobody can answer."""
    started = time.monotonic()

    with pytest.raises(SignOnRequiredError):
        default_sign_on(a_request(f"http://127.0.0.1:{free_port()}/"))

    assert time.monotonic() - started < 5.0


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stdin", [None, closed(), io.StringIO()])
def test_a_missing_or_closed_input_is_no_terminal(monkeypatch, stdin):
    """Daemons, windowed programs and workers have no standard input."""
    monkeypatch.setattr(sys, "stdin", stdin)

    assert not person_can_be_here()


def test_a_terminal_has_a_person(person, monkeypatch):
    """Standard input and standard error are both a terminal."""
    person.sits_down(monkeypatch)

    assert person_can_be_here()


def test_a_terminal_without_output_has_no_person(person, monkeypatch):
    """With standard error in a file, nobody would see the URL."""
    person.sits_down(monkeypatch)
    monkeypatch.setattr(sys, "stderr", io.StringIO())

    assert not person_can_be_here()


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        pytest.param("linux", {"BROWSER": "firefox"}, True, id="a browser is named"),
        pytest.param("linux", {}, False, id="a Linux server"),
        pytest.param("darwin", {}, True, id="a Mac"),
        pytest.param("win32", {}, True, id="a Windows machine"),
        pytest.param("darwin", {"SSH_CONNECTION": "a b"}, False, id="a Mac by SSH"),
        pytest.param("darwin", {"CI": "true"}, False, id="CI"),
        pytest.param("darwin", {"CI": "false"}, True, id="CI is off"),
    ],
)
def test_a_display_has_a_person(monkeypatch, platform, variables, expected):
    """A visible browser is as good as a terminal."""
    monkeypatch.setattr(sys, "platform", platform)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert person_can_be_here() is expected


def test_continuous_integration_has_no_person_even_with_a_terminal(person, monkeypatch):
    """Runners often give jobs a terminal that nobody reads."""
    person.sits_down(monkeypatch)
    monkeypatch.setenv("CI", "1")

    assert not person_can_be_here()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_worker_process_has_no_terminal(method):
    """Only the main program may ask at the terminal."""
    with Person() as person:
        done = run(
            "import multiprocessing as mp, sys\n"
            "from requests_ticktick._sign_on import person_can_be_here as here\n"
            "if __name__ == '__main__':\n"
            f"    with mp.get_context({method!r}).Pool(1) as pool:\n"
            "        print(here(), pool.apply(here))\n",
            capture_output=False,
            stdin=person.input,
            stderr=person.output,
            stdout=subprocess.PIPE,
        )

    assert done.stdout == "True False\n"


def test_a_loopback_redirect_uri_gets_a_listener(person, monkeypatch):
    """A paste is accepted as well."""
    redirected = f"http://127.0.0.1:{free_port()}/cb?code=abc&state={STATE}"
    person.sits_down(monkeypatch)
    person.types(f"{redirected}\n")

    assert default_sign_on(a_request(redirected.partition("?")[0])) == redirected
    assert person.sees("Waiting for the browser")


def test_any_other_redirect_uri_is_pasted(person, monkeypatch):
    """No listener can wait at https:// or on another machine."""
    redirected = f"https://app.example/callback?code=abc&state={STATE}"
    person.sits_down(monkeypatch)
    person.types(f"{redirected}\n")

    assert default_sign_on(a_request()) == redirected
    assert person.sees("Paste that whole address here")


def test_a_display_alone_cannot_paste(monkeypatch):
    """A windowed program without a listener cannot get the redirect."""
    monkeypatch.setattr(sys, "platform", "darwin")

    with pytest.raises(SignOnRequiredError, match=r"^No usable TickTick token"):
        default_sign_on(a_request())


SIGN_ON = """
from requests_ticktick._grant.request import AuthorizationRequest
from requests_ticktick._sign_on import LoopbackSignOn, default_sign_on
request = AuthorizationRequest(
    "https://ticktick.example/oauth/authorize?state=S",
    state="S",
    redirect_uri={redirect_uri!r},
)
print({sign_on}(request))
"""


def test_a_display_without_a_browser_still_has_the_listener(tmp_path):
    """The person opens the URL on another machine."""
    redirect_uri = f"http://127.0.0.1:{free_port()}/callback"

    done = run(
        SIGN_ON.format(
            sign_on="LoopbackSignOn(timeout=0.5)", redirect_uri=redirect_uri
        ),
        env={"DISPLAY": ":99", "PATH": str(tmp_path)},
    )

    assert "open this address in a browser" in done.stderr
    assert "SignOnTimeoutError" in done.stderr.splitlines()[-1]
    assert "webbrowser" not in done.stderr
