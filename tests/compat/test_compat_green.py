"""With green threads: eventlet and gevent, and all that they replace."""

from __future__ import annotations

import pytest
from optional import installed
from people import run
from ports import free_port

PATCHED = {
    "eventlet": "import eventlet; eventlet.monkey_patch()\n",
    "gevent": "from gevent import monkey; monkey.patch_all()\n",
}

SIGN_ON = """
import io, os, sys, threading
from requests_ticktick import ConsoleSignOn, LoopbackSignOn, TickTickAuthError
from requests_ticktick._grant.request import AuthorizationRequest
request = AuthorizationRequest(
    "http://127.0.0.1/authorize", state="S" * 20, redirect_uri={redirect_uri!r}
)
redirected = f"{{request.redirect_uri}}?code=c&state={{request.state}}"
line = f"{{redirected}}\\n".encode()
def pipe():
    reading, writing = os.pipe()
    os.write(writing, line)
    return ConsoleSignOn(input=os.fdopen(reading), timeout=10)(request)
def pipe_written_later():
    reading, writing = os.pipe()
    threading.Timer(0.3, os.write, (writing, line)).start()
    return ConsoleSignOn(input=os.fdopen(reading), timeout=10)(request)
def idle_pipe():
    reading, writing = os.pipe()
    return ConsoleSignOn(input=os.fdopen(reading), timeout=0.3)(request)
def file():
    with open({folder!r} + "/typed", "wb") as typed:
        typed.write(line)
    with open({folder!r} + "/typed") as typed:
        return ConsoleSignOn(input=typed, timeout=10)(request)
def terminal():
    ours, theirs = os.openpty()
    os.write(ours, line)
    typed = io.TextIOWrapper(os.fdopen(theirs, "r+b", buffering=0))
    return ConsoleSignOn(input=typed, timeout=10)(request)
def idle_terminal():
    ours, theirs = os.openpty()
    typed = io.TextIOWrapper(os.fdopen(theirs, "r+b", buffering=0))
    return ConsoleSignOn(input=typed, timeout=0.3)(request)
def listener():
    import requests
    def browse(url):
        assert request.state not in url
        requests.get(redirected, timeout=10)
    return LoopbackSignOn(20, browse)(request)
try:
    print({what}() == redirected)
except TickTickAuthError as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize("library", PATCHED)
@pytest.mark.parametrize(
    ("what", "printed"),
    [
        ("pipe", "True"),
        ("pipe_written_later", "True"),
        ("idle_pipe", "SignOnTimeoutError"),
        ("file", "True"),
        ("terminal", "True"),
        ("idle_terminal", "SignOnTimeoutError"),
        ("listener", "True"),
    ],
)
def test_a_sign_on_works_in_green_threads(library, what, printed, tmp_path):
    """Celery and gunicorn patch the standard library before anything else."""
    installed(library)  # to import it would change how this process forks
    redirect_uri = f"http://127.0.0.1:{free_port()}/callback"
    code = PATCHED[library] + SIGN_ON.format(
        redirect_uri=redirect_uri, folder=str(tmp_path), what=what
    )

    done = run(code)

    assert done.stdout == f"{printed}\n", done.stderr
