"""What comes back to the authorization code grant, and what is shown of it."""

from __future__ import annotations

import logging
import socket
import threading
import time
import traceback
from urllib.parse import parse_qs, urlsplit

import pytest
from clients import client_of
from inside import grant_of
from raw_server import RawServer, answer
from token_endpoints import client_at

from requests_ticktick import (
    TICKTICK,
    AuthorizationDeniedError,
    AuthorizationRequest,
    Service,
    SignOnError,
    StateMismatchError,
    TickTickAuth,
    TokenEndpointError,
)
from requests_ticktick._grant import token_endpoint

# -- the redirect ----------------------------------------------------------------


REQUEST = AuthorizationRequest(
    "https://as.test/a?state=right-state",
    state="right-state",
    redirect_uri="http://127.0.0.1:1/cb",
)


@pytest.mark.parametrize(
    "redirected_url",
    [
        "http://127.0.0.1:1/cb?code=c0de&state=right-state",
        "http://127.0.0.1:1/cb?state=right-state&code=c0de#fragment",
        "?code=c0de&state=right-state",
        "code=c0de&state=right-state",
        "  code=c0de&state=right-state\n",
    ],
)
def test_the_code_is_found_in_the_redirect(redirected_url):
    """The redirect may be the whole URL or its query."""
    assert REQUEST.code_from(redirected_url) == "c0de"
    assert REQUEST.accepts(redirected_url)


@pytest.mark.parametrize(
    "redirected_url",
    [
        "http://127.0.0.1:1/cb?code=c0de",
        "http://127.0.0.1:1/cb?code=c0de&state=",
        "http://127.0.0.1:1/cb?code=c0de&state=wrong",
        "http://127.0.0.1:1/cb?code=c0de&state=RIGHT-STATE",
        "http://127.0.0.1:1/cb?code=c0de&state=right-state&state=right-state",
        "http://127.0.0.1:1/cb?code=c0de&state=%F0%9F%92%A9",
        "http://127.0.0.1:1/cb?code=c0de&state=\ud800",
        "http://127.0.0.1:1/cb?error=access_denied&state=wrong",
        "&".join(["x=y"] * 1000),
        "c0de",
        "",
    ],
)
def test_a_redirect_with_a_wrong_state_is_refused(redirected_url):
    """The state may be different, missing, doubled or absurd (RFC 6749 10.12)."""
    assert not REQUEST.accepts(redirected_url)
    with pytest.raises(StateMismatchError, match="whole address") as caught:
        REQUEST.code_from(redirected_url)

    assert "c0de" not in str(caught.value)


def test_a_redirect_without_a_code_is_refused():
    """The right state alone grants nothing."""
    for url in ("?state=right-state", "?code=&state=right-state"):
        with pytest.raises(SignOnError, match="no authorization code"):
            REQUEST.code_from(url)


@pytest.mark.parametrize("code", ["&code=c0de", ""])
def test_an_authorization_error_carries_its_fields(code):
    """An error has precedence over a code."""
    with pytest.raises(AuthorizationDeniedError, match="allow access") as caught:
        REQUEST.code_from(
            f"?error=access_denied&error_description=No+way&state=right-state{code}"
        )

    assert caught.value.error == "access_denied"
    assert caught.value.description == "No way"
    assert "c0de" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (
            "At least one redirect_uri must be registered with the client.",
            r"add http://127.0.0.1:1/cb to it",
        ),
        (
            "Invalid redirect: http://x does not match one of the registered values: "
            "[http://y]",
            r"equal letter for letter",
        ),
        ("Bad client credentials", r"client_id and client_secret"),
    ],
)
def test_ticktick_s_error_texts_are_explained(text, advice):
    """The most frequent problems get the advice that solves them."""
    from urllib.parse import quote

    url = f"?error=invalid_request&error_description={quote(text)}&state=right-state"
    with pytest.raises(AuthorizationDeniedError, match=advice) as caught:
        REQUEST.code_from(url)

    assert text.rstrip(".") in str(caught.value)
    assert ".)" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("access_denied", "Sign on again, and allow access."),
        (
            "invalid_scope",
            "The service does not grant these scopes to your app: correct scope=... "
            "(--scope), then sign on again.",
        ),
        ("server_error", "Wait a minute, then sign on again."),
        ("temporarily_unavailable", "Wait a minute, then sign on again."),
    ],
)
def test_an_authorization_error_has_its_own_advice(error, advice):
    """Allowing access again helps only if the person denied it."""
    with pytest.raises(AuthorizationDeniedError) as caught:
        REQUEST.code_from(f"?error={error}&state=right-state")

    assert str(caught.value) == f"Access was not granted ({error}). {advice}"


def test_a_response_without_a_token_is_one_sentence(sandbox):
    """Messages within messages keep neither their full stop nor their advice."""
    sandbox.fail(1, 200, {"access_token": "two words"})

    with pytest.raises(TokenEndpointError) as caught:
        client_of(sandbox).token()

    assert str(caught.value) == (
        "The token endpoint answered with HTTP status 200 and no valid token (The "
        "access_token contains spaces, control characters or non-ASCII characters). "
        "Check the service's token_endpoint, then sign on again."
    )


def test_the_servers_text_is_cleaned():
    """The message has no control characters and no pages of text."""
    with pytest.raises(AuthorizationDeniedError) as caught:
        REQUEST.code_from("?state=right-state&error=x%1b[31m%0d%0ay" + "z" * 9999)

    assert len(str(caught.value)) < 700
    assert str(caught.value).isprintable()


# -- what the token endpoint may answer -------------------------------------------


HTML = "<html><title>401</title>Bad client credentials</html>"


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        pytest.param(200, HTML, "web page", id="HTML"),
        pytest.param(401, HTML, "client_id and client_secret", id="HTML with 401"),
        pytest.param(403, {}, "client_id and client_secret", id="403"),
        pytest.param(200, "", "not a JSON object", id="empty"),
        pytest.param(204, "", "not a JSON object", id="204"),
        pytest.param(200, [1], "not a JSON object", id="a list"),
        pytest.param(200, b"\xff\xfe\x00", "not a JSON object", id="binary"),
        pytest.param(200, "{" * 100_000, "not a JSON object", id="nested"),
        pytest.param(200, b"x" * 3_000_000, "not a JSON object", id="3 MB"),
        pytest.param(200, {}, "has no access_token", id="no token"),
        pytest.param(200, {"error": "oops"}, "oops", id="200 with an error"),
        pytest.param(200, {"error": {"a": 1}}, "an error", id="a strange error"),
        pytest.param(
            200, {"access_token": "a", "token_type": "mac"}, "bearer", id="mac"
        ),
        pytest.param(400, {"error": "invalid_scope"}, "correct scope=", id="400"),
        pytest.param(429, "slow down", "Wait a minute", id="429"),
        pytest.param(500, HTML.replace("Bad", "x"), "Wait a minute", id="500"),
        pytest.param(503, "", "Wait a minute", id="503"),
    ],
)
def test_an_invalid_response_is_one_clear_error(sandbox, status, body, said):
    """The message names the problem, the status and the next step."""
    sandbox.fail(1, status, body)

    with pytest.raises(TokenEndpointError, match=said) as caught:
        client_of(sandbox).sign_on()

    assert caught.value.status_code == status
    assert f"HTTP status {status}" in str(caught.value)
    assert sandbox.token_requests == 1


def test_the_errors_fields_contain_no_secrets(sandbox, secrets):
    """Spring's servers quote the code that they refuse."""
    auth = client_of(sandbox)
    request = auth.begin_sign_on()
    redirected_url = sandbox.sign_on(request)
    code = parse_qs(urlsplit(redirected_url).query)["code"][0]
    secrets.add(code)
    sandbox.fail(
        1,
        400,
        {
            "error": "invalid_grant",
            "error_description": f"Invalid authorization code: {code}",
        },
    )

    with pytest.raises(TokenEndpointError) as caught:
        auth.complete_sign_on(request, redirected_url)

    assert caught.value.error == "invalid_grant"
    assert "withheld" in caught.value.description
    assert code not in str(caught.value)


@pytest.mark.parametrize("lifetime", ["3600", 3600, 3600.9])
def test_a_lifetime_may_be_any_form_of_a_number(sandbox, lifetime):
    """Servers send some that oauthlib would refuse."""
    sandbox.fail(1, 200, {"access_token": "a", "expires_in": lifetime})

    assert client_of(sandbox).sign_on().lifetime == pytest.approx(float(lifetime))


@pytest.mark.parametrize("lifetime", ["9" * 5000, "-" + "9" * 5000, "1e400", "NaN"])
def test_a_lifetime_of_any_size_costs_no_token(lifetime):
    """Python parses no integer of 5000 digits; a person has granted access."""
    body = f'{{"access_token": "a", "expires_in": {lifetime}}}'.encode()
    with RawServer(lambda *_: answer(200, body)) as server:
        token = client_at(server.url()).token()

    assert (token.access_token, token.expires_at) == ("a", None)


def test_scopes_that_differ_from_the_request_are_no_error(sandbox):
    """The server may grant fewer scopes, and says so (RFC 6749 3.3)."""
    sandbox.fail(1, 200, {"access_token": "a", "scope": "tasks:read"})
    auth = client_of(sandbox)

    assert auth.sign_on().scopes == {"tasks:read"}
    assert auth.token().access_token == "a"
    assert sandbox.sign_ons == 1


def test_a_refused_connection_is_tried_again(sandbox, monkeypatch):
    """Nothing was sent, so a second try is safe."""
    auth = client_of(sandbox)
    request = auth.begin_sign_on()
    redirected_url = sandbox.sign_on(request)
    real, refused = socket.socket.connect, []

    def flaky(sock, address):
        if not refused:
            refused.append(address)
            raise ConnectionRefusedError(111, "refused")
        return real(sock, address)

    monkeypatch.setattr(socket.socket, "connect", flaky)

    assert auth.complete_sign_on(request, redirected_url)
    assert len(refused) == 1


def test_a_token_request_is_not_sent_twice(sandbox):
    """A server that hangs up after reading gets no second copy of the code."""
    listener = socket.create_server(("127.0.0.1", 0))
    accepted = []

    def hang_up():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            accepted.append(connection.recv(65536))
            connection.close()

    thread = threading.Thread(target=hang_up, daemon=True)
    thread.start()
    port = listener.getsockname()[1]
    service = Service(
        sandbox.service.authorization_endpoint,
        f"http://127.0.0.1:{port}/t",
        sandbox.service.api_origins,
    )
    try:
        with pytest.raises(TokenEndpointError, match="No response") as caught:
            client_of(sandbox, service=service).sign_on()
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)

    assert len(accepted) == 1
    assert caught.value.status_code is None


def test_a_silent_token_endpoint_times_out(sandbox, monkeypatch):
    """The error names the endpoint."""
    monkeypatch.setattr(token_endpoint, "TIMEOUT", (5.0, 1.0))
    sandbox.delay(30)

    with pytest.raises(TokenEndpointError, match="/oauth/token"):
        client_of(sandbox).sign_on()

    end = time.monotonic() + 30
    while sandbox.token_requests == 0:  # it may be slower than the client
        assert time.monotonic() < end
        time.sleep(0.005)
    assert sandbox.token_requests == 1


# -- nothing is shown ------------------------------------------------------------


def test_no_secret_is_logged_by_any_library(sandbox, secrets, caplog):
    """The placeholders that requests-oauthlib gets are all that it can log."""
    caplog.set_level(logging.DEBUG)
    sandbox.refresh_tokens = True
    secrets.watch(lambda: sandbox.secrets)
    auth = client_of(sandbox)
    request = auth.begin_sign_on()
    secrets.add(request.state)

    auth.complete_sign_on(request, sandbox.sign_on(request))
    sandbox.expire_all()
    auth.source.token(instead_of=auth.token())

    assert sandbox.token_requests == 2
    names = {record.name for record in caplog.records}
    assert "requests_oauthlib.oauth2_session" in names
    assert len(sandbox.secrets) >= 6
    secrets.check(caplog.text)


@pytest.mark.parametrize(
    "fault",
    [
        (400, {"error": "invalid_grant"}),
        (200, "<html>"),
        (200, {"access_token": "a b"}),
    ],
)
def test_no_secret_is_in_a_tracebacks_local_variables(sandbox, secrets, fault):
    """Error trackers send the variables of every frame."""
    sandbox.fail(1, *fault)
    request = client_of(sandbox).begin_sign_on()
    redirects = [sandbox.sign_on(request)]
    secrets.add(*parse_qs(urlsplit(redirects[0]).query)["code"], request.state)
    secrets.add(sandbox.client_secret)
    auth = client_of(sandbox, sign_on=lambda request: redirects.pop())
    grant_of(auth).begin = lambda kept: request

    with pytest.raises(TokenEndpointError) as caught:
        auth.sign_on()

    shown = "".join(
        traceback.TracebackException.from_exception(
            caught.value, capture_locals=True
        ).format()
    )
    ours = "".join(p for p in shown.split('  File "') if "requests_ticktick" in p[:200])
    assert "renewal.py" in ours
    secrets.check(ours)
    assert caught.value.__context__ is None
    assert caught.value.request is None


def test_the_requests_repr_shows_neither_state_nor_verifier():
    """It shows only the redirect URI."""
    service = Service(
        TICKTICK.authorization_endpoint,
        TICKTICK.token_endpoint,
        TICKTICK.api_origins,
        token_endpoint_auth_method="none",
    )
    request = TickTickAuth("id", service=service).begin_sign_on()

    assert request.state not in repr(request)
    assert request.code_verifier not in repr(request)
    assert request.url not in repr(request)
