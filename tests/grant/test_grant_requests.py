"""What the authorization code grant sends, and where it keeps what it sent."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from clients import client_of

from requests_ticktick import (
    AuthorizationRequest,
    Service,
    SignOnError,
    SignOnRequiredError,
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
        (("id", "${SECRET}"), "TICKTICK_CLIENT_SECRET"),
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
        {**COMPLETE, "issuer": 5},
        {**COMPLETE, "client_id": None},
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
    monkeypatch.setattr(single_use, "completed", {})  # as it is in another process

    with pytest.raises(TokenEndpointError, match="sign on again") as caught:
        auth.complete_sign_on(request, redirected_url)

    assert caught.value.error == "invalid_grant"
    assert caught.value.status_code == 400


# -- nothing is shown ------------------------------------------------------------


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
