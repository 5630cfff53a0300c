"""What users of other libraries suffered, and nobody may here: the sign-on.

Each test has the circumstances of one report, which its docstring cites.
"""

from __future__ import annotations

import base64
import io
import re
import socket
import time
import webbrowser
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWaiting
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest
import requests
from clients import client_of
from people import (
    SECONDS,
    STATE,
    Nobody,
    Person,
    browse,
    connected,
    run,
    waiting,
)
from ports import free_port

from requests_ticktick import (
    DIDA365,
    TICKTICK,
    ConsoleSignOn,
    FileStore,
    LoopbackSignOn,
    SignOnError,
    SignOnTimeoutError,
    TickTickAuth,
    TokenEndpointError,
)


def redirect_of(sandbox, url):
    """Grant access as a browser does that was opened at this address."""
    return sandbox.sign_on(SimpleNamespace(url=url))


def listening(sandbox, open_url=None, timeout=SECONDS):
    """A sign-on by a browser, at a machine that has no terminal."""

    def open_and_grant(url):
        browse(redirect_of(sandbox, url))

    return LoopbackSignOn(
        timeout,
        open_and_grant if open_url is None else open_url,
        input=io.StringIO(),
        output=Nobody(),
    )


# -- google-auth-oauthlib, msal: the listener --------------------------------------


def test_the_wait_outlasts_the_default_time_out_of_sockets():
    """In google-auth-oauthlib 109, the listener was gone before anybody could click."""
    redirect_uri = f"http://127.0.0.1:{free_port()}/callback"
    redirected = f"{redirect_uri}?code=abc123&state={STATE}"
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(0.05)

    try:
        with waiting(redirect_uri) as answer:
            with pytest.raises(StillWaiting):
                answer.result(0.5)
            browse(redirected)

            assert answer.result(SECONDS) == redirected
    finally:
        socket.setdefaulttimeout(before)


def test_a_browser_that_was_closed_ends_in_an_error_that_says_so(sandbox):
    """In google-auth-oauthlib 276, that was an AttributeError of 'NoneType'."""
    closed = listening(sandbox, open_url=lambda url: None, timeout=0.1)

    with pytest.raises(SignOnTimeoutError, match="No browser came back") as caught:
        client_of(sandbox, sign_on=closed).token()

    assert sandbox.redirect_uri in str(caught.value)
    assert "Start again" in str(caught.value)


def test_the_port_is_free_after_a_sign_on_without_a_browser(sandbox):
    """In google-auth-oauthlib 338, after a webbrowser.Error the port stayed taken."""

    def no_browser(url):
        raise webbrowser.Error("could not locate runnable browser")

    first = listening(sandbox, open_url=no_browser, timeout=0.1)
    with pytest.raises(SignOnTimeoutError):
        client_of(sandbox, sign_on=first).token()

    token = client_of(sandbox, sign_on=listening(sandbox)).token()

    assert token.access_token in sandbox.secrets


def test_a_silent_connection_does_not_block_the_redirect(sandbox):
    """In msal 950, a browser's idle connection came first, and the wait had no end."""
    silent = []

    def preconnects(url):
        silent.extend(connected(sandbox.redirect_uri) for _ in range(3))
        browse(redirect_of(sandbox, url))

    began = time.monotonic()
    token = client_of(sandbox, sign_on=listening(sandbox, preconnects)).token()

    assert time.monotonic() - began < 8
    assert len(silent) == 3
    assert token.access_token in sandbox.secrets
    for connection in silent:
        connection.close()


# -- spotipy: no browser, no port --------------------------------------------------


def test_a_port_in_use_is_named_with_the_way_out(sandbox):
    """In spotipy 600, it was "[Errno 48] Address already in use", and that was all."""
    port = int(sandbox.redirect_uri.rpartition(":")[2].partition("/")[0])

    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(SignOnError, match=f"Port {port} .* in use") as caught,
    ):
        client_of(sandbox, sign_on=listening(sandbox)).token()

    assert "redirect_uri" in str(caught.value)
    assert "ConsoleSignOn" in str(caught.value)
    assert sandbox.token_requests == 0


def test_without_a_browser_a_program_does_not_hang():
    """In spotipy 492, on a machine without a screen, the first call never returned."""
    done = run(
        "import requests; from requests_ticktick import TickTickAuth;"
        "auth = TickTickAuth('id', 'secret');"
        "requests.get('https://api.ticktick.com/open/v1/project', auth=auth)"
    )

    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "SignOnRequiredError" in last
    assert "Run: requests-ticktick login" in last


def test_without_a_screen_the_address_is_shown_and_pasted(sandbox):
    """In spotipy 492, over SSH nobody was told what to open."""
    with Person() as person, ThreadPoolExecutor(1) as pool:
        sign_on = LoopbackSignOn(SECONDS, input=person.input, output=person.output)
        token = pool.submit(client_of(sandbox, sign_on=sign_on).token)
        assert person.sees("paste")
        shown = re.search(r"http://\S+/oauth/authorize\S+", person.screen)[0]
        person.types(redirect_of(sandbox, shown) + "\n")

        assert token.result(SECONDS).access_token in sandbox.secrets


# -- ticktick-py -------------------------------------------------------------------


def test_a_wrong_paste_is_asked_for_again(sandbox, tmp_path):
    """In ticktick-py 20, an address without 'code' and 'state' ended in a KeyError."""
    screen = Nobody()

    def pastes(request):
        pasted = [
            sandbox.redirect_uri,
            request.url,
            "http://127.0.0.1:8080/?code=mtmoDK&state=None",
            f"'{redirect_of(sandbox, request.url)}'",
        ]
        typed = io.StringIO("\n".join([*pasted, ""]))
        return ConsoleSignOn(input=typed, output=screen)(request)

    auth = client_of(sandbox, FileStore(tmp_path / "t.json"), sign_on=pastes)

    assert auth.token().access_token in sandbox.secrets
    assert "not an address with a code" in screen.screen
    assert "That is the address to open" in screen.screen
    assert "belongs to another sign-on" in screen.screen


TOMCAT = "<!doctype html><title>HTTP Status 401 \u2013 Unauthorized</title>"


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, TOMCAT, "Compare client_id and client_secret"),
        (400, {"error": "invalid_grant"}, "sign on again"),
        (400, {"error": "invalid_client"}, "TickTick or Dida365"),
        (503, "<h1>Service Unavailable</h1>", "Wait a minute"),
    ],
    ids=["the web server's 401", "a spent code", "another app", "out of service"],
)
def test_a_refused_code_says_why_and_what_to_do(sandbox, tmp_path, status, body, said):
    """In ticktick-py 30: "POST request could not be completed" (47 was not found)."""
    store = FileStore(tmp_path / "t.json")
    auth = client_of(sandbox, store)
    sandbox.fail(1, status, body)

    with pytest.raises(TokenEndpointError, match=said) as caught:
        auth.token()

    assert str(status) in str(caught.value)
    assert caught.value.status_code == status
    assert store.load() is None
    auth.sign_on()
    assert store.load() is not None


def test_dida365_is_a_service_of_its_own(sandbox):
    """In ticktick-py 41, to exchange the host was not enough: Dida365 wants Basic."""
    basic = f"{sandbox.client_id}:{sandbox.client_secret}".encode()

    # As DIDA365 says, but for the addresses.
    service = sandbox.service
    assert service.token_endpoint_auth_method == DIDA365.token_endpoint_auth_method
    client_of(sandbox, service=service).token()

    (request,) = [each for each in sandbox.received if each.endpoint == "token"]
    sent = base64.b64decode(request.headers["Authorization"].removeprefix("Basic "))
    assert sent == basic
    form = parse_qs(request.body.decode())
    fields = {"code", "code_verifier", "grant_type", "redirect_uri", "scope"}
    assert set(form) == fields
    for host in (DIDA365.token_endpoint, *DIDA365.api_origins):
        assert host.removeprefix("https://").partition("/")[0].endswith("dida365.com")
    auth = TickTickAuth.from_token("dp_1")
    request = requests.Request("GET", f"{TICKTICK.api_origins[0]}v1/project")
    request.auth = auth
    assert "Authorization" not in request.prepare().headers


# -- the end of the program --------------------------------------------------------


AT_EXIT = """
import atexit, urllib.request
from requests_ticktick import LoopbackSignOn, TickTickAuthError
from requests_ticktick._grant.request import AuthorizationRequest
request = AuthorizationRequest("https://x.example/", state="S", redirect_uri={uri!r})
@atexit.register
def flush():
    redirected = f"{{request.redirect_uri}}?code=abc&state=S"
    sign_on = LoopbackSignOn(10, lambda url: urllib.request.urlopen(redirected))
    try:
        print(sign_on(request))
    except TickTickAuthError as error:
        print(type(error).__name__, error)
"""


def test_a_sign_on_at_exit_succeeds_or_raises_this_packages_error():
    """From Python 3.12, "can't create new thread at interpreter shutdown" was all."""
    redirect_uri = f"http://127.0.0.1:{free_port()}/callback"

    done = run(AT_EXIT.format(uri=redirect_uri), env={"NO_PROXY": "*"})

    assert done.returncode == 0
    assert done.stdout.startswith(
        (f"{redirect_uri}?code=abc&", "SignOnError No thread can be started")
    )
