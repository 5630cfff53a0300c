"""With green threads: eventlet and gevent, and all that they replace."""

from __future__ import annotations

from contextlib import suppress

import pytest
from optional import installed
from people import run
from ports import free_port
from raw_server import RawServer, answer

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


#: One of the waits is a second here. The reads' own time-outs are longer.
SLOW = """
import requests
import requests_ticktick._replay as replay
from requests_ticktick import MemoryStore, Service, TickTickAuth, TickTickAuthError
from requests_ticktick._grant import token_endpoint
{wait} = 1.0
url = {url!r}
service = Service(f"{{url}}/a", f"{{url}}/t", url)
auth = TickTickAuth(
    "id", "secret", store=MemoryStore(), service=service,
    sign_on=lambda request: f"?code=c0de&state={{request.state}}",
)
try:
    print(requests.get(f"{{url}}/x", auth=auth, timeout=30).status_code)
except TickTickAuthError as error:
    print("in time" in str(error))
"""


@pytest.mark.parametrize("library", PATCHED)
@pytest.mark.parametrize(
    ("slow", "wait", "printed"),
    [
        (b"GET /x", "replay.BODY_SECONDS", "200"),
        (b"POST /t", "token_endpoint.DEADLINE", "True"),
    ],
)
def test_a_slow_response_ends_in_green_threads(library, slow, wait, printed):
    """That of the token endpoint, and a 401 that is read to its end."""
    installed(library)
    tokens = iter(["first", "second"])

    def respond(connection, request):
        if b"Bearer second" in request:
            return answer(200)
        if not request.startswith(slow):
            token = next(tokens)
            return answer(200, b'{"access_token": "%s"}' % token.encode())
        connection.sendall(b"HTTP/1.1 401 Said\r\nContent-Length: 100000\r\n\r\n")
        with suppress(OSError):
            while not server.closed.wait(0.05):
                connection.sendall(b"x")
        return None

    with RawServer(respond) as server:
        done = run(PATCHED[library] + SLOW.format(url=server.url(), wait=wait))

    assert done.stdout == f"{printed}\n", done.stderr
