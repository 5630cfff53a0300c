"""The authorization code grant, against a server that takes it at its word."""

from __future__ import annotations

import base64
import json
import logging
import socket
import threading
import time
import traceback
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests
from clients import client_of

from requests_ticktick import (
    TICKTICK,
    AuthorizationDeniedError,
    AuthorizationRequest,
    Service,
    SignOnError,
    SignOnRequiredError,
    StateMismatchError,
    TickTickAuth,
    TickTickAuthError,
    TokenEndpointError,
)
from requests_ticktick._grant import single_use, token_endpoint
from requests_ticktick.sandbox import Sandbox


def query_of(url):
    return dict(parse_qsl(urlsplit(url).query))


def token_request(sandbox):
    (received,) = [r for r in sandbox.received if r.endpoint == "token"]
    return received, dict(parse_qsl(received.body.decode()))


# -- the authorization request ---------------------------------------------------


def test_the_authorization_request_follows_ticktick_s_documentation():
    """It has the documented endpoint and parameters."""
    auth = TickTickAuth("my-id", "my-secret", "http://localhost:1234/x/?a=b")

    request = auth.begin_sign_on()

    assert request.url.startswith("https://ticktick.com/oauth/authorize?")
    query = query_of(request.url)
    assert len(query.pop("code_challenge")) == 43
    assert query == {
        "response_type": "code",
        "client_id": "my-id",
        "redirect_uri": "http://localhost:1234/x/?a=b",
        "scope": "tasks:read tasks:write",
        "state": request.state,
        "code_challenge_method": "S256",
    }


def test_every_request_has_its_own_state():
    """256 random bits: a redirect can be neither guessed nor used twice."""
    auth = TickTickAuth("id", "secret")

    states = {auth.begin_sign_on().state for _ in range(50)}

    assert len(states) == 50
    assert min(map(len, states)) >= 43


def test_extra_parameters_are_sent():
    """A service may require parameters of its own."""
    service = Service(
        "http://127.0.0.1:1/a",
        "http://127.0.0.1:1/t",
        "http://127.0.0.1:1",
        extra_authorization_params={"prompt": "consent"},
    )

    request = TickTickAuth("id", "secret", service=service).begin_sign_on()

    assert request.url.startswith("http://127.0.0.1:1/a?")
    assert query_of(request.url)["prompt"] == "consent"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ((None, "secret"), "TICKTICK_CLIENT_ID"),
        (("id", None), "TICKTICK_CLIENT_SECRET"),
    ],
)
def test_a_missing_credential_is_reported_before_anybody_is_asked(given, named):
    """Nobody grants access that could not be used."""
    with pytest.raises(SignOnRequiredError, match=named):
        TickTickAuth(*given).begin_sign_on()


# -- the token request -----------------------------------------------------------


def test_the_token_request_follows_ticktick_s_documentation(sandbox):
    """Basic with the raw id and secret, the scope, no secret in the form."""
    auth = client_of(sandbox)

    auth.sign_on()

    received, form = token_request(sandbox)
    raw = f"{sandbox.client_id}:{sandbox.client_secret}".encode()
    expected = f"Basic {base64.b64encode(raw).decode()}"
    assert received.headers["Authorization"] == expected
    assert received.query == ""
    code = form.pop("code")
    assert len(code) == 6
    assert len(form.pop("code_verifier")) >= 43
    assert form == {
        "grant_type": "authorization_code",
        "redirect_uri": sandbox.redirect_uri,
        "scope": "tasks:read tasks:write",
    }


def test_client_secret_post_sends_the_secret_in_the_form():
    """The secret is in no header."""
    with Sandbox(auth_method="client_secret_post") as sandbox:
        client_of(sandbox).sign_on()

        received, form = token_request(sandbox)

    assert "Authorization" not in received.headers
    assert form["client_id"] == sandbox.client_id
    assert form["client_secret"] == sandbox.client_secret


def test_client_secret_post_refreshes_in_the_form_as_well():
    """The id and the secret are in the form and in no header."""
    with Sandbox(auth_method="client_secret_post", refresh_tokens=True) as sandbox:
        auth = client_of(sandbox)
        auth.source.token(instead_of=auth.token())

        form = dict(parse_qsl(sandbox.received[-1].body.decode()))
        assert sandbox.sign_ons == 1

    assert form["grant_type"] == "refresh_token"
    assert form["client_id"] == sandbox.client_id
    assert form["client_secret"] == sandbox.client_secret
    assert "Authorization" not in sandbox.received[-1].headers


def test_a_client_without_a_secret_uses_pkce():
    """The challenge is sent first, the verifier later. Neither is guessable."""
    with Sandbox(public=True) as sandbox:
        auth = client_of(sandbox)
        requests_made = [auth.begin_sign_on() for _ in range(3)]
        auth.complete_sign_on(requests_made[0], sandbox.sign_on(requests_made[0]))

        received, form = token_request(sandbox)

    query = query_of(requests_made[0].url)
    assert query["code_challenge_method"] == "S256"
    assert form["code_verifier"] == requests_made[0].code_verifier
    assert form["code_verifier"] not in requests_made[0].url
    assert form["client_id"] == sandbox.client_id
    assert "client_secret" not in form
    assert "Authorization" not in received.headers
    assert len({r.code_verifier for r in requests_made}) == 3


def test_pkce_and_a_secret_are_used_together():
    """Both are sent where the service requires both (RFC 9700 2.1.1)."""
    with Sandbox(code_challenge_method="S256") as sandbox:
        assert client_of(sandbox).sign_on()
        received, form = token_request(sandbox)

    assert form["code_verifier"]
    assert received.headers["Authorization"].startswith("Basic ")


def test_the_users_session_sends_the_token_request(sandbox):
    """Its proxies, certificates and adapters apply; its auth does not."""
    sent = []

    class Recorder(requests.adapters.HTTPAdapter):
        def send(self, request, **kwargs):
            sent.append((request.url, request.headers["Authorization"][:6], kwargs))
            return super().send(request, **kwargs)

    own = requests.Session()
    own.mount("http://", Recorder())
    own.verify = "/my/ca.pem"
    auth = client_of(sandbox, session=own)
    own.auth = auth

    auth.sign_on()
    own.close()

    ((url, scheme, kwargs),) = sent
    assert url == sandbox.service.token_endpoint
    assert scheme == "Basic "
    assert kwargs["verify"] == "/my/ca.pem"
    assert kwargs["timeout"] == token_endpoint.TIMEOUT


def test_a_loopback_address_is_not_requested_through_a_proxy(sandbox, monkeypatch):
    """``HTTP_PROXY`` does not apply to the sandbox on this machine."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    assert client_of(sandbox).sign_on()


def test_a_redirect_of_the_token_endpoint_is_not_followed(sandbox):
    """A 307 would send the code and the secret to another address."""
    with Sandbox() as elsewhere:
        sandbox.fail(1, 307, headers={"Location": elsewhere.url("/oauth/token")})

        with pytest.raises(TokenEndpointError, match="Redirects are not followed"):
            client_of(sandbox).sign_on()

        assert elsewhere.received == []


# -- two steps -------------------------------------------------------------------

#: A request that is stored, as plain data.
COMPLETE = {
    "url": "u",
    "state": "s",
    "redirect_uri": "r",
    "code_verifier": None,
    "issuer": "https://as.test",
    "client_id": "id",
    "token_endpoint": "https://as.test/t",
}


def test_a_web_application_signs_on_in_two_steps(sandbox):
    """The request is stored as plain data and completed by another process."""
    request = client_of(sandbox).begin_sign_on()
    in_the_session = json.dumps(request.to_dict())
    redirected_url = sandbox.sign_on(request)
    other = client_of(sandbox)

    again = AuthorizationRequest.from_dict(json.loads(in_the_session))
    token = other.complete_sign_on(again, redirected_url)

    assert again == request
    assert token == other.token()
    assert sandbox.token_requests == 1


@pytest.mark.parametrize(
    "fields",
    [
        *({}, None, [], {"url": 1}),
        {**COMPLETE, "state": ""},
        {**COMPLETE, "code_verifier": 5},
        {**COMPLETE, "issuer": None},
        # As they were before they named their service and client.
        {name: COMPLETE[name] for name in ("url", "state", "redirect_uri")},
    ],
)
def test_an_invalid_stored_request_is_refused(fields):
    """A changed or lost session ends in a clear error."""
    with pytest.raises(SignOnError, match="begin the sign-on again"):
        AuthorizationRequest.from_dict(fields)


def test_a_code_can_be_used_once(sandbox, monkeypatch):
    """TickTick refuses a redirect that another process has used."""
    auth = client_of(sandbox)
    request = auth.begin_sign_on()
    redirected_url = sandbox.sign_on(request)
    auth.complete_sign_on(request, redirected_url)
    monkeypatch.setattr(single_use, "_completed", {})  # as it is in another process

    with pytest.raises(TokenEndpointError, match="sign on again") as caught:
        auth.complete_sign_on(request, redirected_url)

    assert caught.value.error == "invalid_grant"
    assert caught.value.status_code == 400


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
    auth.source._grant.begin = lambda: request

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


def test_begin_raises_only_this_packages_errors(sandbox):
    """A client id from a configuration file may have another type."""
    auth = TickTickAuth(12345, "s3cret", service=sandbox.service)

    with pytest.raises(TickTickAuthError, match="AttributeError"):
        auth.begin_sign_on()


@pytest.mark.parametrize(
    "scope", [["tasks:read", "tasks:write"], "tasks:read, tasks:write"]
)
def test_scopes_may_be_a_list_or_a_string(sandbox, scope):
    """Commas are read as well."""
    request = client_of(sandbox, scope=scope).begin_sign_on()

    assert query_of(request.url)["scope"] == "tasks:read tasks:write"
    assert client_of(sandbox, scope=scope).token()
