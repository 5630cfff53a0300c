"""An app without a client secret: PKCE protects its codes."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from clients import client_of
from wire_servers import Answer, Server

from requests_ticktick import (
    MemoryStore,
    Service,
    SignOnRequiredError,
    TickTickAuth,
    Token,
    TokenEndpointError,
    refuse,
)
from requests_ticktick.sandbox import Sandbox

METHODS = ["client_secret_basic", "client_secret_post", "none"]

#: What a token endpoint says to a client that it wants a secret of.
REFUSALS = {
    "401": (401, {"error": "invalid_client"}),
    "401 in words": (401, {"error": "unauthorized", "error_description": "Bad"}),
    "401 as a page": (401, "<html><title>Unauthorized</title>"),
    "400": (400, {"error": "invalid_client"}),
    "400, Bad client credentials": (
        400,
        {"error": "invalid_request", "error_description": "Bad client credentials"},
    ),
    "400, in words": (
        400,
        {"error": "invalid_request", "error_description": "Missing client_secret."},
    ),
    "400, in other words": (
        400,
        {"error": "x", "error_description": "Client authentication failed"},
    ),
    "403": (403, {"error": "access_denied"}),
}


def public_client(sandbox, *, method="client_secret_basic", challenge="S256", **more):
    service = Service(
        sandbox.service.authorization_endpoint,
        sandbox.service.token_endpoint,
        sandbox.service.api_origins,
        token_endpoint_auth_method=method,
        code_challenge_method=challenge,
    )
    more.setdefault("store", MemoryStore())
    more.setdefault("sign_on", sandbox.sign_on)
    return TickTickAuth(
        sandbox.client_id, redirect_uri=sandbox.redirect_uri, service=service, **more
    )


@pytest.fixture
def public():
    with Sandbox(public=True, refresh_tokens=True) as sandbox:
        yield sandbox


@pytest.mark.parametrize("method", METHODS)
def test_a_client_without_a_secret_signs_on_by_pkce(public, method):
    """Whatever the service takes from clients that have one."""
    auth = public_client(public, method=method)

    request = auth.begin_sign_on()
    auth.complete_sign_on(request, public.sign_on(request))

    query = parse_qs(urlsplit(request.url).query)
    assert query["code_challenge_method"] == ["S256"]
    received = public.received[-1]
    form = parse_qs(received.body.decode())
    assert form["code_verifier"] == [request.code_verifier]
    assert form["client_id"] == [public.client_id]
    assert "client_secret" not in form
    assert "Authorization" not in received.headers


@pytest.mark.parametrize("method", METHODS)
def test_a_public_client_refreshes_with_its_id_alone(public, method):
    """RFC 6749 6, and no Basic with an empty password."""
    auth = public_client(public, method=method)
    first = auth.token()

    second = auth.sign_on(force=True)

    received = public.received[-1]
    form = parse_qs(received.body.decode())
    assert second.access_token != first.access_token
    assert form["grant_type"] == ["refresh_token"]
    assert form["client_id"] == [public.client_id]
    assert "client_secret" not in form
    assert "Authorization" not in received.headers


@pytest.mark.parametrize("blank", ["", " ", "''", None])
def test_an_empty_secret_is_none(public, monkeypatch, blank):
    """As compose files and CI systems pass a variable that is not set."""
    if blank is not None:
        monkeypatch.setenv("TICKTICK_CLIENT_SECRET", blank)
    auth = TickTickAuth(
        public.client_id,
        blank,
        public.redirect_uri,
        service=public.service,
        store=MemoryStore(),
        sign_on=public.sign_on,
    )

    assert auth.token()


def test_a_placeholder_for_the_secret_is_reported(sandbox):
    """A template that was not filled in: nobody is asked in vain."""
    auth = TickTickAuth(
        sandbox.client_id, "${SECRET}", service=sandbox.service, store=MemoryStore()
    )

    with pytest.raises(SignOnRequiredError, match="was not filled in"):
        auth.begin_sign_on()


def test_neither_a_secret_nor_pkce_is_not_enough(sandbox):
    """Whoever saw the code could use it (RFC 9700 2.1.1)."""
    auth = public_client(sandbox, challenge=None)

    with pytest.raises(SignOnRequiredError, match="TICKTICK_CLIENT_SECRET"):
        auth.begin_sign_on()


# -- whoever has forgotten the secret ----------------------------------------------


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_forgotten_secret_is_named_as_the_likely_cause(sandbox, refusal):
    """The token endpoint does not say so."""
    status, body = REFUSALS[refusal]
    sandbox.fail(1, status, body)

    with pytest.raises(TokenEndpointError, match="No client_secret is conf") as caught:
        public_client(sandbox).token()

    assert caught.value.status_code == status
    assert "TICKTICK_CLIENT_SECRET" in str(caught.value)


def test_the_sandbox_refuses_a_client_that_forgot_its_secret(sandbox):
    """As TickTick does with an app that has one."""
    with pytest.raises(TokenEndpointError, match="No client_secret is configured"):
        public_client(sandbox).token()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "invalid_grant"}),
        (429, {"error": "slow_down"}),
        (500, "<html>"),
        (403, "<html>"),
        (400, {"error_description": "Invalid redirect: x does not match"}),
    ],
)
def test_other_errors_do_not_mention_the_secret(sandbox, status, body):
    """It has nothing to do with them."""
    sandbox.fail(1, status, body)

    with pytest.raises(TokenEndpointError) as caught:
        public_client(sandbox).token()

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_the_hint_at_a_forgotten_secret_is_given_to_nobody_else(
    sandbox, public, refusal
):
    """One has sent its secret; of the other the service wants none."""
    status, body = REFUSALS[refusal]
    for each, auth in (
        (sandbox, client_of(sandbox)),
        (public, public_client(public, method="none")),
    ):
        each.fail(1, status, body)

        with pytest.raises(TokenEndpointError) as caught:
            auth.token()

        assert "No client_secret" not in str(caught.value)


# -- where nobody is ---------------------------------------------------------------


@pytest.mark.parametrize("sign_on", [None, refuse], ids=["default", "refuse"])
@pytest.mark.parametrize("client_id", ["an-id", None])
@pytest.mark.parametrize("secret", [None, "${SECRET}"])
def test_after_180_days_a_jobs_error_does_not_mention_the_secret(
    clock, client_id, secret, sign_on
):
    """A person is looked for first: no secret of a job's would help."""
    token = Token("a", expires_at=clock.time() + 3600, issued_at=clock.time())
    auth = TickTickAuth(client_id, secret, store=MemoryStore(token), sign_on=sign_on)
    auth.source.clock = clock
    assert auth.token() == token
    clock.advance(3600)

    with pytest.raises(SignOnRequiredError, match="requests-ticktick login") as caught:
        auth.token()

    assert "secret" not in str(caught.value).lower()


# -- where tokens are refreshed, and how they are written --------------------------


@pytest.fixture
def endpoint():
    with Server("refresh") as server:
        yield server


def test_a_service_may_refresh_elsewhere(public, endpoint):
    """The code goes to one endpoint, the refresh token to the other."""
    there = public.service
    service = Service(
        there.authorization_endpoint,
        there.token_endpoint,
        there.api_origins,
        refresh_endpoint=f"{endpoint.url}/refresh",
    )
    answer = json.dumps({"access_token": "new", "expires_in": 60}).encode()
    endpoint.answers.append(Answer(body=answer))
    auth = client_of(public, service=service)
    auth.token()

    assert auth.sign_on(force=True).access_token == "new"

    assert public.token_requests == 1
    assert [seen.path for seen in endpoint.seen] == ["/refresh"]


def test_an_error_names_the_refresh_endpoint(public, endpoint):
    """And not the token endpoint, which was not called."""
    there = public.service
    service = Service(
        there.authorization_endpoint,
        there.token_endpoint,
        there.api_origins,
        refresh_endpoint="http://127.0.0.1:9/refresh",
    )
    auth = client_of(public, service=service)
    auth.token()

    with pytest.raises(TokenEndpointError, match=r"http://127\.0\.0\.1:9/refresh"):
        auth.sign_on(force=True)


def test_the_refresh_endpoint_is_the_token_endpoint_by_default(public):
    """RFC 6749 6 knows no other, and an insecure one is refused."""
    service = public.service

    assert service.refresh_endpoint == service.token_endpoint
    with pytest.raises(requests.RequestException, match="https"):
        Service(
            "https://a.test/a",
            "https://a.test/t",
            "https://a.test",
            refresh_endpoint="http://a.test/r",
        )
