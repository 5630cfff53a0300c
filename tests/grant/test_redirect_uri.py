"""The redirect URI, and what comes back to it (RFC 8252, RFC 9700)."""

from __future__ import annotations

import json
import logging
import pickle
import threading
from urllib.parse import parse_qs, urlsplit

import pytest
from clients import client_of
from inside import grant_of, send_by, send_of, streams_of, wallet_of
from people import a_request, piped

from requests_ticktick import (
    DIDA365,
    TICKTICK,
    AuthorizationRequest,
    InsecureTransportError,
    Service,
    SignOnError,
    StateMismatchError,
    TickTickAuth,
    TickTickAuthError,
    TokenEndpointError,
)
from requests_ticktick._grant import single_use
from requests_ticktick.sandbox import Sandbox


def begun(redirect_uri=None, service=TICKTICK):
    return TickTickAuth("id", "secret", redirect_uri, service=service).begin_sign_on()


def query_of(url):
    return {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}


# -- which redirect URIs there are -------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/ticktick/callback",
        "https://app.example:8443/cb?tenant=1",
        "http://127.0.0.1:8765/callback",
        "http://127.9.9.9/",
        "http://[::1]:8765/callback",
        "http://LocalHost:8765",
        "com.example.app:/callback",
        "com.example.app://callback",
    ],
)
def test_a_redirect_uri_is_sent_as_it_was_registered(uri):
    """TickTick compares it letter for letter."""
    request = begun(uri)

    assert request.redirect_uri == uri
    assert query_of(request.url)["redirect_uri"] == uri


@pytest.mark.parametrize(
    ("uri", "error"),
    [
        ("http://example.com/cb", InsecureTransportError),
        ("http://192.168.1.5/cb", InsecureTransportError),
        ("http://127.0.0.1.evil.test:8765/cb", InsecureTransportError),
        ("http://127.0.0.1@evil.test/cb", InsecureTransportError),
        ("http://evil.test\\@127.0.0.1/cb", SignOnError),
        ("http://0.0.0.0:8765/cb", InsecureTransportError),
        ("HTTP://example.com/cb", InsecureTransportError),
        ("http:///cb", InsecureTransportError),
        ("https:///cb", InsecureTransportError),
        ("https://[::1/cb", InsecureTransportError),
        ("https://app.example:99999/cb", InsecureTransportError),
        ("ftp://x.test/cb", InsecureTransportError),
        ("file:///etc/passwd", InsecureTransportError),
        ("javascript:alert(1)", InsecureTransportError),
        ("data:text/html,x", InsecureTransportError),
        ("myapp:/callback", InsecureTransportError),
        ("/callback", InsecureTransportError),
        ("127.0.0.1:8765/callback", InsecureTransportError),
        ("app.example:443/callback", InsecureTransportError),
        ("com.example.app:callback", InsecureTransportError),
        ("https://app.example/cb#fragment", SignOnError),
        ("https://app.example/cb#", SignOnError),
        ("https://app.example/c b", SignOnError),
        ("https://app.example/cb\nX", SignOnError),
        ("https://user:hunter2@app.example/cb#x?y=hunter3", SignOnError),
    ],
)
def test_an_insecure_redirect_uri_is_refused(uri, error):
    """Before anybody is asked. The message says what is allowed."""
    with pytest.raises(error, match=r"[Rr]egister") as caught:
        begun(uri)

    assert isinstance(caught.value, TickTickAuthError)
    assert "hunter" not in str(caught.value)


def test_each_service_has_a_redirect_uri_of_its_own():
    """The address then shows whose response it is (RFC 9700 4.4.2)."""
    services = [
        TICKTICK,
        DIDA365,
        Service("https://as.test/one/a", "https://as.test/t", "https://as.test"),
        Service("https://as.test/two/a", "https://as.test/t", "https://as.test"),
        Service("http://[::1]:1/a?x=1", "http://[::1]:1/t", "http://[::1]:1"),
    ]

    uris = [begun(service=service).redirect_uri for service in services]

    assert uris == [
        "http://127.0.0.1:8765/callback",
        "http://127.0.0.1:8765/dida365/callback",
        "http://127.0.0.1:8765/as.test/one/a/callback",
        "http://127.0.0.1:8765/as.test/two/a/callback",
        "http://127.0.0.1:8765/---1--1/a/callback",
    ]


# -- PKCE --------------------------------------------------------------------------


@pytest.mark.parametrize("service", [TICKTICK, DIDA365], ids=["ticktick", "dida365"])
def test_pkce_is_used_with_a_client_secret(service):
    """A stolen code is useless (RFC 9700 2.1.1)."""
    request = begun(service=service)

    assert query_of(request.url)["code_challenge_method"] == "S256"
    assert request.code_verifier
    assert request.code_verifier not in request.url


def test_the_server_checks_the_verifier_of_a_client_with_a_secret(sandbox):
    """The sandbox refuses a wrong or missing verifier, as TickTick does."""
    auth = client_of(sandbox)
    for verifier in ("another" * 7, None):
        fields = auth.begin_sign_on().to_dict()
        request = AuthorizationRequest(**{**fields, "code_verifier": verifier})

        with pytest.raises(TokenEndpointError) as caught:
            auth.complete_sign_on(request, sandbox.sign_on(request))

        assert caught.value.status_code == 400


def test_pkce_can_be_disabled_for_a_confidential_client():
    """A public client needs it."""
    with Sandbox(code_challenge_method=None) as sandbox:
        request = client_of(sandbox).begin_sign_on()
        assert client_of(sandbox).token()

    assert request.code_verifier is None
    assert "code_challenge" not in query_of(request.url)
    with pytest.raises(ValueError, match="PKCE"):
        Service(
            "https://as.test/a",
            "https://as.test/t",
            "https://as.test",
            token_endpoint_auth_method="none",
            code_challenge_method=None,
        )


# -- where a response may come -----------------------------------------------------

REDIRECT_URI = "https://app.example/ticktick/callback"


def request_at(redirect_uri):
    return AuthorizationRequest(
        "https://as.test/a", state="S", redirect_uri=redirect_uri
    )


@pytest.mark.parametrize(
    ("redirect_uri", "redirected_url"),
    [
        (REDIRECT_URI, f"{REDIRECT_URI}?code=c0de&state=S"),
        (REDIRECT_URI, f"{REDIRECT_URI}?state=S&scope=a%2fb&code=c0de"),
        (REDIRECT_URI, f"{REDIRECT_URI}?code=c0de&state=S#_=_"),
        (REDIRECT_URI, "HTTPS://App.Example:443/ticktick/callback?code=c0de&state=S"),
        (REDIRECT_URI, "/ticktick/callback?code=c0de&state=S"),
        (REDIRECT_URI, "?code=c0de&state=S"),
        (REDIRECT_URI, "code=c0de&state=S"),
        (REDIRECT_URI, "state=S&iss=https://as.test/?x&code=c0de"),
        ("https://app.example", "https://app.example/?code=c0de&state=S"),
        ("https://app.example/", "https://app.example?code=c0de&state=S"),
        ("http://localhost:80/cb", "http://localhost/cb?code=c0de&state=S"),
        ("https://a.test/c%c3%a9", "https://a.test/c%C3%A9?code=c0de&state=S"),
        ("https://a.test/c%C3%A9", "https://a.test/c\u00e9?code=c0de&state=S"),
        ("https://a.test/cb?a=1&b=", "https://a.test/cb?b=&code=c0de&a=1&state=S"),
        ("com.example.app:/cb", "com.example.app:/cb?code=c0de&state=S"),
    ],
)
def test_equivalent_spellings_of_the_redirect_uri_are_accepted(
    redirect_uri, redirected_url
):
    """Parameter order, case, the default port and a fragment may differ."""
    request = request_at(redirect_uri)

    assert request.accepts(redirected_url)
    assert request.code_from(redirected_url) == "c0de"


@pytest.mark.parametrize(
    ("redirect_uri", "redirected_url"),
    [
        (REDIRECT_URI, "http://app.example/ticktick/callback?code=c0de&state=S"),
        (REDIRECT_URI, "https://evil.example/ticktick/callback?code=c0de&state=S"),
        (REDIRECT_URI, "https://app.example:8443/ticktick/callback?code=c0de&state=S"),
        (REDIRECT_URI, "https://u@app.example/ticktick/callback?code=c0de&state=S"),
        (REDIRECT_URI, "https://app.example/dida365/callback?code=c0de&state=S"),
        (REDIRECT_URI, "https://app.example/ticktick/callback/?code=c0de&state=S"),
        (REDIRECT_URI, "https://app.example/ticktick/Callback?code=c0de&state=S"),
        (REDIRECT_URI, "https://app.example/ticktick%2Fcallback?code=c0de&state=S"),
        (REDIRECT_URI, "https://app.example/?code=c0de&state=S"),
        (REDIRECT_URI, "/dida365/callback?code=c0de&state=S"),
        (REDIRECT_URI, "//evil.example/ticktick/callback?code=c0de&state=S"),
        (REDIRECT_URI, "https://[::1/ticktick/callback?code=c0de&state=S"),
        (REDIRECT_URI, f"{REDIRECT_URI}:x/?code=c0de&state=S"),
        (REDIRECT_URI, "https://evil.example/&code=c0de&state=S"),
        (REDIRECT_URI, f"https://evil.example/#{REDIRECT_URI}?code=c0de&state=S"),
        (REDIRECT_URI, f"{REDIRECT_URI}?code=c0de&state=S&x={'x' * 70_000}"),
        ("https://a.test/cb?as=1", "https://a.test/cb?as=2&code=c0de&state=S"),
        ("https://a.test/cb?as=1", "https://a.test/cb?code=c0de&state=S"),
        ("http://localhost:1/cb", "http://127.0.0.1:1/cb?code=c0de&state=S"),
        ("com.example.app:/cb", "com.example.other:/cb?code=c0de&state=S"),
    ],
)
def test_a_response_at_another_address_is_refused(redirect_uri, redirected_url):
    """It may be another server's (RFC 8252 8.10). The message helps."""
    request = request_at(redirect_uri)

    assert not request.accepts(redirected_url)
    with pytest.raises(StateMismatchError, match="ProxyFix") as caught:
        request.code_from(redirected_url)
    assert "c0de" not in str(caught.value)
    assert redirect_uri in str(caught.value)


def test_a_code_in_a_fragment_is_ignored():
    """A server never receives a fragment."""
    with pytest.raises(StateMismatchError):
        request_at(REDIRECT_URI).code_from(f"{REDIRECT_URI}#?code=c0de&state=S")


def test_a_pasted_address_at_another_place_is_explained():
    """The message does not speak of another sign-on."""
    console = piped(f"https://evil.example/x?code=c0de&state={a_request().state}\n" * 5)

    with pytest.raises(SignOnError, match="Nothing that was pasted"):
        console(a_request())

    said = streams_of(console)[1].getvalue()
    assert "That is not the address that the browser" in said


@pytest.mark.parametrize("query", ["error=locked&error_description=Call+555-0100", ""])
def test_an_error_without_a_state_is_not_shown(query):
    """Anybody can send one (RFC 6749 4.1.2.1)."""
    with pytest.raises(StateMismatchError) as caught:
        request_at(REDIRECT_URI).code_from(f"{REDIRECT_URI}?{query}")

    assert "555" not in str(caught.value)


# -- where a sign-on may be completed ----------------------------------------------


def test_a_request_records_issuer_client_and_token_endpoint():
    """The stored data has them as well."""
    for service, issuer in ((TICKTICK, "https://ticktick.com"), (DIDA365, None)):
        request = begun(service=service)

        fields = json.loads(json.dumps(request.to_dict()))

        assert fields["issuer"] == issuer
        assert fields["client_id"] == "id"
        assert fields["token_endpoint"] == service.token_endpoint
        assert AuthorizationRequest.from_dict(fields) == request


def elsewhere(sandbox, other):
    yield client_of(sandbox, service=other.service)
    yield client_of(other, service=sandbox.service)
    own = sandbox.service
    yield client_of(
        sandbox,
        service=Service(
            own.authorization_endpoint, other.service.token_endpoint, own.api_origins
        ),
    )
    yield client_of(
        sandbox,
        service=Service(
            other.service.authorization_endpoint, own.token_endpoint, own.api_origins
        ),
    )


def test_a_sign_on_is_completed_where_it_was_begun(sandbox):
    """No other server gets its code and verifier (RFC 9700 4.4.2)."""
    request = client_of(sandbox).begin_sign_on()
    redirected_url = sandbox.sign_on(request)
    stored = AuthorizationRequest.from_dict(request.to_dict())

    with Sandbox(redirect_uri=sandbox.redirect_uri) as other:
        for auth in elsewhere(sandbox, other):
            for each in (request, stored):
                with pytest.raises(StateMismatchError, match="begin again"):
                    auth.complete_sign_on(each, redirected_url)
        assert other.received == []

    assert sandbox.token_requests == 0
    assert client_of(sandbox).complete_sign_on(stored, redirected_url)


def test_a_request_without_an_issuer_cannot_be_completed(sandbox):
    """A request made by hand has to be created again."""
    made = AuthorizationRequest("u", state="S", redirect_uri=sandbox.redirect_uri)

    with pytest.raises(SignOnError, match="begin again"):
        client_of(sandbox).complete_sign_on(made, "?code=c0de&state=S")
    assert sandbox.received == []


@pytest.mark.parametrize("given", [None, {}, "request"])
def test_an_object_of_another_type_cannot_be_completed(sandbox, given):
    """The session has expired, or from_dict() was not called."""
    with pytest.raises(SignOnError, match="begin again") as caught:
        client_of(sandbox).complete_sign_on(given, "?code=c0de&state=S")

    assert type(given).__name__ in str(caught.value)
    assert "from_dict" in str(caught.value)
    assert sandbox.received == []


# -- once --------------------------------------------------------------------------


def test_a_sign_on_is_completed_once(sandbox):
    """A reloaded page, a stored copy or another auth cannot do it again."""
    request = client_of(sandbox).begin_sign_on()
    client_of(sandbox).complete_sign_on(request, sandbox.sign_on(request))
    again = sandbox.sign_on(request)

    for copy in (request, pickle.loads(pickle.dumps(request))):
        with pytest.raises(SignOnError, match="has already been completed"):
            client_of(sandbox).complete_sign_on(copy, again)
    assert sandbox.token_requests == 1


@pytest.mark.parametrize("status", [503, 429, 400])
def test_a_failed_completion_can_be_tried_again(sandbox, status):
    """Only the server knows whether its code was used."""
    auth = client_of(sandbox)
    request = auth.begin_sign_on()
    redirected_url = sandbox.sign_on(request)
    sandbox.fail(1, status)

    with pytest.raises(TokenEndpointError):
        auth.complete_sign_on(request, redirected_url)

    assert auth.complete_sign_on(request, redirected_url)


def test_a_stray_redirect_does_not_end_a_sign_on(sandbox):
    """Otherwise anybody could end the sign-ons of others."""
    auth = client_of(sandbox)
    request = auth.begin_sign_on()

    for stray in ("?code=a&state=b", "https://evil.example/?code=a", "?error=x"):
        with pytest.raises(StateMismatchError):
            auth.complete_sign_on(request, stray)

    assert auth.complete_sign_on(request, sandbox.sign_on(request))


def test_one_of_two_simultaneous_completions_wins(sandbox):
    """After a double click, the code is sent once."""
    auth = client_of(sandbox)
    request = auth.begin_sign_on()
    redirected_url = sandbox.sign_on(request)
    arrived, go_on = threading.Event(), threading.Event()
    send = send_of(grant_of(auth))

    def slow(*args, **kwargs):
        arrived.set()
        assert go_on.wait(20)
        return send(*args, **kwargs)

    send_by(grant_of(auth), slow)
    first = threading.Thread(
        target=auth.complete_sign_on, args=(request, redirected_url)
    )
    first.start()
    try:
        assert arrived.wait(20)
        with pytest.raises(SignOnError, match="has already been completed"):
            auth.complete_sign_on(request, redirected_url)
    finally:
        go_on.set()
        first.join(20)

    assert sandbox.token_requests == 1
    assert auth.source.store.load() is not None


def test_the_latest_sign_ons_are_remembered(monkeypatch):
    """A server that runs for years does not fill its memory."""
    monkeypatch.setattr(single_use, "completed", {})
    for number in range(single_use.MAX_STATES + 5):
        with single_use.completed_once(f"state-{number}"):
            pass

    assert len(single_use.completed) == single_use.MAX_STATES
    with pytest.raises(SignOnError), single_use.completed_once(f"state-{number}"):
        pass
    with single_use.completed_once("state-0"):
        pass


# -- what was granted --------------------------------------------------------------


@pytest.mark.parametrize(
    ("granted", "told"),
    [
        ("tasks:read", ["without the scopes tasks:write: the API answers 403"]),
        ("tasks:write tasks:read", []),
        ("tasks:read tasks:write admin\x1b[2J", ["not requested: admin [2J"]),
        (
            "profile",
            ["without the scopes tasks:read tasks:write", "not requested: profile"],
        ),
        ("", []),
        (None, []),
    ],
)
def test_a_difference_in_scopes_is_logged_once(sandbox, caplog, granted, told):
    """It explains a later 403, and the token is found again."""
    answer = {"access_token": "t", "token_type": "bearer", "scope": granted}
    sandbox.fail(1, 200, answer)
    auth = client_of(sandbox)

    token = auth.token()

    assert auth.token() is token
    assert client_of(sandbox, auth.source.store).token() == token
    assert token.scope == (granted or None)
    warnings = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(warnings) == len(told)
    assert all(a in b and b.isprintable() for a, b in zip(told, warnings, strict=True))


def test_a_refresh_logs_only_new_differences_in_scopes(sandbox, caplog):
    """The scopes of the old token were logged before."""
    sandbox.refresh_tokens = True
    first = {"access_token": "a", "scope": "tasks:read", "refresh_token": "r"}
    second = {"access_token": "b", "scope": "tasks:read", "refresh_token": "s"}
    third = {"access_token": "c", "scope": "tasks:write"}
    auth = client_of(sandbox)
    counts = []
    for answer in (first, second, third):
        sandbox.fail(1, 200, {"token_type": "bearer", **answer})
        held = wallet_of(auth).current
        auth.source.token(instead_of=held and held.token)
        counts.append(sum("403" in r.getMessage() for r in caplog.records))

    assert counts == [1, 1, 2]
    assert sandbox.sign_ons == 1
