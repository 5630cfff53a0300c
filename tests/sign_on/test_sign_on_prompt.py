"""Where ``input()`` reaches a person, and no terminal does."""

from __future__ import annotations

import builtins
import io
import pickle
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from inside import streams_of
from people import PERSONAL, SECONDS, STATE, Nobody, a_request
from ports import free_port

from requests_ticktick._errors import (
    SignOnError,
    SignOnRequiredError,
    SignOnTimeoutError,
)
from requests_ticktick._sign_on import (
    ConsoleSignOn,
    choice,
    default_sign_on,
    person_can_be_here,
)

REDIRECT_URI = "https://app.example/callback"
REDIRECTED = f"{REDIRECT_URI}?code=abc123&state={STATE}"


@pytest.fixture(autouse=True)
def nobody(monkeypatch):
    """No terminal, no display, no continuous integration."""
    for variable in PERSONAL:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys, "platform", "linux")


@pytest.fixture
def notebook(monkeypatch):
    """Run this process as a kernel; returns what is typed at its prompts."""
    typed = []

    def ask(prompt=""):
        if not typed:
            raise EOFError
        return typed.pop(0)

    kernel = SimpleNamespace(_allow_stdin=True)
    ipython = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=kernel))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setattr(builtins, "input", ask)
    return SimpleNamespace(kernel=kernel, typed=typed)


def test_in_a_notebook_the_person_is_asked_there(notebook, capsys):
    """The kernel passes ``input()`` to the notebook."""
    notebook.typed += ["?", "", f"{REDIRECTED[:30]}  {REDIRECTED[30:]}"]

    assert ConsoleSignOn()(a_request()) == REDIRECTED
    assert a_request().url in capsys.readouterr().err


@pytest.mark.parametrize("redirect_uri", [REDIRECT_URI, "http://127.0.0.1:{}/cb"])
def test_by_default_a_notebook_without_a_display_asks(notebook, redirect_uri):
    """The kernel may be on another machine, out of the browser's reach."""
    redirect_uri = redirect_uri.format(free_port())
    redirected = REDIRECTED.replace(REDIRECT_URI, redirect_uri)
    notebook.typed += [redirected]

    assert person_can_be_here()
    assert default_sign_on(a_request(redirect_uri)) == redirected


def test_a_notebook_at_a_display_opens_the_browser(notebook, monkeypatch):
    """If no browser comes, the error says how to be asked in the notebook."""
    monkeypatch.setenv("BROWSER", "/nowhere/browser %s")
    monkeypatch.setattr(choice, "BROWSER_SECONDS", 5.0)

    with pytest.raises(SignOnRequiredError, match=r"sign_on=ConsoleSignOn\(\)"):
        default_sign_on(a_request(f"http://127.0.0.1:{free_port()}/cb"))


@pytest.mark.parametrize(
    "how", ["nbconvert runs it", "IPython at a terminal", "a stub"]
)
def test_a_notebook_run_by_a_program_has_no_person(notebook, monkeypatch, how):
    """The kernel reports that it cannot ask."""
    if how == "nbconvert runs it":
        notebook.kernel._allow_stdin = False
    elif how == "a stub":
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace())
    else:
        shell = SimpleNamespace(get_ipython=lambda: SimpleNamespace())
        monkeypatch.setitem(sys.modules, "IPython", shell)

    assert not person_can_be_here()
    with pytest.raises(SignOnRequiredError):
        default_sign_on(a_request())


@pytest.mark.parametrize(
    "error", [EOFError, NotImplementedError, RuntimeError, OSError]
)
def test_a_failing_prompt_ends_the_input(error):
    """Whatever a console raises, the message names the next step."""

    def ask():
        raise error("no prompt here")

    with pytest.raises(SignOnRequiredError, match="nobody is here"):
        ConsoleSignOn(input=ask, output=Nobody())(a_request())


def test_the_callers_own_function_is_asked():
    """PyCharm's console or a dialogue may provide one."""
    typed = ["wrong", REDIRECTED]
    sign_on = ConsoleSignOn(input=lambda: typed.pop(0), output=Nobody())

    assert sign_on(a_request()) == REDIRECTED
    assert not typed


def test_five_wrong_answers_end_the_sign_on():
    """Each answer is a paste of its own."""
    with pytest.raises(SignOnError, match="Start again"):
        ConsoleSignOn(input=lambda: "wrong", output=Nobody())(a_request())


def test_a_sign_on_with_input_pickles():
    """A worker process gets it."""
    sign_on = pickle.loads(pickle.dumps(ConsoleSignOn(input=input)))

    assert streams_of(sign_on)[0] is input


def forever(prompt=""):
    while True:
        time.sleep(0.01)


def test_a_prompt_that_nobody_answers_times_out():
    """Other processes may wait for the end of this sign-on."""
    before = signal.getsignal(signal.SIGALRM)
    sign_on = ConsoleSignOn(input=forever, output=Nobody(), timeout=0.1)

    with pytest.raises(SignOnTimeoutError):
        sign_on(a_request())

    assert signal.getsignal(signal.SIGALRM) is before


def test_an_interruption_of_the_prompt_is_raised():
    """The person pressed the kernel's stop button."""

    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ConsoleSignOn(input=interrupted, output=Nobody())(a_request())


@pytest.mark.parametrize("where", ["in a thread", "on Windows"])
def test_without_an_alarm_the_prompt_waits_for_an_answer(monkeypatch, where):
    """The time-out is checked afterwards."""
    answered = threading.Event()

    def ask():
        answered.wait(SECONDS)
        return "too late"

    sign_on = ConsoleSignOn(input=ask, output=Nobody(), timeout=0.01)
    if where == "on Windows":
        monkeypatch.delattr(signal, "setitimer")
        answered.set()
    with ThreadPoolExecutor(1) as pool:
        if where == "on Windows":
            sign_on = ConsoleSignOn(input=lambda: "x", output=Nobody(), timeout=0.01)
            with pytest.raises(SignOnError):
                sign_on(a_request())
            return
        result = pool.submit(sign_on, a_request())
        answered.set()
        with pytest.raises(SignOnError):
            result.result(SECONDS)


class Pseudo(io.StringIO):
    """IDLE's standard input: it says that it is a terminal."""

    def isatty(self):
        return True


def test_a_console_that_claims_to_be_a_terminal_can_ask(monkeypatch):
    """IDLE's has no descriptor to check."""
    monkeypatch.setattr(sys, "stdin", Pseudo(f"{REDIRECTED}\n"))

    assert person_can_be_here()
    assert default_sign_on(a_request()) == REDIRECTED


def test_a_stream_with_a_descriptor_is_not_a_prompt(
    monkeypatch,
):
    """Both of its streams are judged as a terminal's."""

    class File(Pseudo):
        def fileno(self):
            return 0

    monkeypatch.setattr(sys, "stdin", File())

    assert not person_can_be_here()
