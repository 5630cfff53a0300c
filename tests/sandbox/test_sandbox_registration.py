"""The sandbox's revocation and registration endpoints, and its metadata."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from inside import clients_of
from sandbox_app import CHALLENGE, SECONDS, VERIFIER, App, call

from requests_ticktick._named import sandbox_service
from requests_ticktick.sandbox import AuthorizationPageError, Sandbox
from requests_ticktick.sandbox._clients import MAX_CLIENTS

URI = "http://127.0.0.1:18765/callback"
GOOD = {
    "client_name": "Somebody's program",
    "redirect_uris": [URI],
    "grant_types": ["authorization_code"],
    "response_types": ["code"],
    "scope": "tasks:read",
    "token_endpoint_auth_method": "none",
}


def revokes(sandbox: Sandbox, auth: Any = (), **form: str) -> requests.Response:
    """Send a revocation request, by default with Basic credentials."""
    credentials = (sandbox.client_id, sandbox.client_secret)
    return requests.post(
        sandbox.url("/oauth/revoke"),
        data=form,
        auth=credentials if auth == () else auth,
        timeout=SECONDS,
    )


def registers(sandbox: Sandbox, **changes: Any) -> requests.Response:
    """Send a registration request. ``None`` leaves a field out."""
    fields = {name: v for name, v in {**GOOD, **changes}.items() if v is not None}
    return requests.post(sandbox.url("/oauth/register"), json=fields, timeout=SECONDS)


def registered(sandbox: Sandbox, **changes: Any) -> dict[str, str]:
    """Register a client, and return what its requests say of it."""
    client_id: str = registers(sandbox, **changes).json()["client_id"]
    return {"client_id": client_id, "redirect_uri": URI, "scope": "tasks:read"}


# -- RFC 7009 -----------------------------------------------------------------


def test_an_access_token_is_revoked_alone(sandbox: Sandbox) -> None:
    """Its refresh token is good for another."""
    sandbox.refresh_tokens = True
    app = App(sandbox)
    token = app.gets_a_token()

    answer = revokes(sandbox, token=token["access_token"])

    assert (answer.status_code, answer.content) == (200, b"")
    assert call(sandbox, token["access_token"]).status_code == 401
    assert app.refreshes(token["refresh_token"]).status_code == 200
    assert sandbox.revocation_requests == 1


def test_revoking_a_refresh_token_ends_its_whole_grant(sandbox: Sandbox) -> None:
    """Whatever the hint says (RFC 7009 2.1). Other grants go on."""
    sandbox.refresh_tokens = True
    app = App(sandbox)
    token, other = app.gets_a_token(), app.gets_a_token()

    answer = revokes(
        sandbox, token=token["refresh_token"], token_type_hint="access_token"
    )

    assert answer.status_code == 200
    assert call(sandbox, token["access_token"]).status_code == 401
    assert app.refreshes(token["refresh_token"]).status_code == 400
    assert sandbox.reuse_detected == 0
    assert call(sandbox, other["access_token"]).status_code == 200


def test_an_unknown_token_is_no_error(sandbox: Sandbox) -> None:
    """RFC 7009 2.2."""
    assert revokes(sandbox, token="nobody-s").status_code == 200


def test_a_client_that_names_itself_has_to_authenticate(sandbox: Sandbox) -> None:
    """By Basic or by the form; wrong credentials are worse than none."""
    token = sandbox.issue_token()
    form = {"client_id": sandbox.client_id, "client_secret": sandbox.client_secret}

    half = {"client_id": sandbox.client_id}
    assert revokes(sandbox, auth=None, token=token, **half).status_code == 401
    half = {"client_secret": "x"}
    assert revokes(sandbox, auth=None, token=token, **half).status_code == 401
    assert revokes(sandbox, auth=("x", "y"), token=token).status_code == 401
    assert call(sandbox, token).status_code == 200
    assert revokes(sandbox, auth=None, token=token, **form).status_code == 200
    assert call(sandbox, token).status_code == 401


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_token_alone_will_do(sandbox: Sandbox, kind: str) -> None:
    """As TickTick's document has it, and as multipart/form-data."""
    sandbox.refresh_tokens = True
    token, other = App(sandbox).gets_a_token(), App(sandbox).gets_a_token()

    answer = requests.post(
        sandbox.url("/oauth/revoke"),
        files={"token": (None, token[kind])},
        timeout=SECONDS,
    )

    assert (answer.status_code, answer.content) == (200, b"")
    assert call(sandbox, token["access_token"]).status_code == 401
    assert call(sandbox, other["access_token"]).status_code == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"token": ""}, "invalid_request"),
    ],
)
def test_a_request_without_a_token_is_refused(
    sandbox: Sandbox, form: dict[str, str], error: str
) -> None:
    """RFC 7009 2.2.1."""
    answer = revokes(sandbox, **form)

    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_another_client_s_token_stays(sandbox: Sandbox) -> None:
    """RFC 7009 2.1: the client is told."""
    token = sandbox.issue_token()
    other = registered(sandbox)["client_id"]

    answer = revokes(sandbox, auth=None, token=token, client_id=other)

    assert answer.status_code == 400
    assert answer.json()["error"] == "unauthorized_client"
    assert call(sandbox, token).status_code == 200


def test_the_endpoint_fails_on_demand(sandbox: Sandbox) -> None:
    """Nothing is revoked then."""
    token = sandbox.issue_token()
    sandbox.fail(1, 503, endpoint="revoke", headers={"Retry-After": "3"})

    answer = revokes(sandbox, token=token)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3")
    assert call(sandbox, token).status_code == 200


# -- RFC 7591 -----------------------------------------------------------------


def test_a_client_registers_itself(sandbox: Sandbox) -> None:
    """It gets an id and no secret."""
    answer = registers(sandbox)

    fields = answer.json()
    assert answer.status_code == 201
    assert {**fields, **GOOD} == fields
    assert "client_secret" not in fields
    assert sandbox.registered_clients == [fields["client_id"]]
    assert sandbox.registration_requests == 1


def test_a_registered_client_signs_on_with_pkce(sandbox: Sandbox) -> None:
    """Beside the app that was registered by hand."""
    client = registered(sandbox)
    app = App(sandbox)
    pkce = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}

    code = app.signs_on(**client, **pkce)["code"]
    answer = app.exchanges(code, auth=None, code_verifier=VERIFIER, **client)

    assert answer.status_code == 200, answer.text
    assert call(sandbox, answer.json()["access_token"]).status_code == 200
    assert app.signs_on(**client)["error"] == "invalid_request"  # without PKCE
    assert app.gets_a_token()


def test_a_registered_client_cannot_use_the_apps_redirect_uri(sandbox: Sandbox) -> None:
    """Not the app's; and the page lists what it registered."""
    client = registered(sandbox)

    with pytest.raises(AuthorizationPageError, match=rf"values: \[{URI}\]"):
        App(sandbox).signs_on(**{**client, "redirect_uri": sandbox.redirect_uri})


def test_a_code_works_for_its_own_client_only(sandbox: Sandbox) -> None:
    """A code is for the client that asked for it."""
    client = registered(sandbox)
    app = App(sandbox)
    code = app.signs_on(code_challenge=CHALLENGE, code_challenge_method="S256")["code"]

    answer = app.exchanges(code, auth=None, code_verifier=VERIFIER, **client)

    assert answer.json()["error"] == "invalid_grant"


def test_the_consent_page_shows_its_name(sandbox: Sandbox) -> None:
    """Which may be anything."""
    client = registered(sandbox, client_name="<b>Mine</b>")
    pkce = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}

    page = requests.get(App(sandbox).asks(**client, **pkce).url, timeout=SECONDS).text

    assert "Allow &lt;b&gt;Mine&lt;/b&gt; to use your TickTick?" in page


def test_a_client_without_a_name_is_called_by_its_id(sandbox: Sandbox) -> None:
    """As the app is."""
    fields = registers(sandbox, client_name=None, scope=None, grant_types=None).json()

    assert fields["client_name"] == fields["client_id"]
    assert fields["grant_types"] == ["authorization_code"]
    assert fields["scope"] == "tasks:read tasks:write"


@pytest.mark.parametrize(
    "uris",
    [
        None,
        [],
        "http://127.0.0.1/",
        [7],
        ["http://example.com/callback"],
        ["https://example.com/#fragment"],
        ["com.example.app:/callback"],
        ["http://["],
    ],
)
def test_a_redirect_uri_that_others_can_read_is_refused(
    sandbox: Sandbox, uris: Any
) -> None:
    """``https://``, or the loopback interface on any port."""
    answer = registers(sandbox, redirect_uris=uris)

    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_redirect_uri"
    assert sandbox.registered_clients == []


@pytest.mark.parametrize(
    "changes",
    [
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": None},
        {"grant_types": ["implicit"]},
        {"grant_types": "authorization_code"},
        {"grant_types": [["authorization_code"]]},
        {"response_types": ["token"]},
        {"scope": "everything"},
        {"scope": ["tasks:read"]},
    ],
)
def test_other_metadata_are_refused(sandbox: Sandbox, changes: dict[str, Any]) -> None:
    """Clients are public, and use the authorization code grant."""
    answer = registers(sandbox, **changes)

    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_client_metadata"


@pytest.mark.parametrize("body", ["", "[]", "{", '{"a":' * 5000])
def test_a_body_that_is_no_object_is_refused(sandbox: Sandbox, body: str) -> None:
    """However deeply it is nested."""
    answer = requests.post(sandbox.url("/oauth/register"), data=body, timeout=SECONDS)

    assert answer.json()["error"] == "invalid_client_metadata"


def test_further_metadata_are_ignored(sandbox: Sandbox) -> None:
    """RFC 7591 2."""
    grants = ["authorization_code", "refresh_token"]

    answer = registers(sandbox, grant_types=grants, client_uri="https://a.b/")

    assert answer.json()["grant_types"] == grants
    assert "client_uri" not in answer.json()


def test_the_sandbox_can_forget_them(sandbox: Sandbox) -> None:
    """Then they are unknown, at all endpoints; the app is not."""
    client = registered(sandbox)
    sandbox.forget_clients()

    with pytest.raises(AuthorizationPageError, match="Bad client credentials"):
        App(sandbox).signs_on(**client)
    answer = App(sandbox).exchanges("a", auth=None, code_verifier=VERIFIER, **client)
    assert answer.json()["error"] == "invalid_client"
    assert App(sandbox).gets_a_token()


def test_registered_clients_are_kept_up_to_a_number(sandbox: Sandbox) -> None:
    """The oldest are forgotten."""
    clients = clients_of(sandbox)
    first = registered(sandbox)["client_id"]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: clients.register(GOOD), range(MAX_CLIENTS)))

    assert len(sandbox.registered_clients) == MAX_CLIENTS
    assert first not in sandbox.registered_clients


def test_the_endpoint_refuses_on_demand(sandbox: Sandbox) -> None:
    """Nobody is registered then."""
    sandbox.fail(1, 403, {"error": "access_denied"}, "register")

    assert registers(sandbox).status_code == 403
    assert sandbox.registered_clients == []


# -- RFC 8414 -----------------------------------------------------------------


def test_the_metadata_name_the_endpoints(sandbox: Sandbox) -> None:
    """Which are those of the service."""
    url = sandbox.url("/.well-known/oauth-authorization-server")

    fields = requests.get(url, timeout=SECONDS).json()

    assert fields["issuer"] == sandbox.url("")
    for name in ("authorization", "token", "revocation", "registration"):
        endpoint = f"{name}_endpoint"
        assert fields[endpoint] == getattr(sandbox.service, endpoint)
    assert fields["code_challenge_methods_supported"] == ["plain", "S256"]
    assert "none" in fields["token_endpoint_auth_methods_supported"]
    assert fields["grant_types_supported"] == ["authorization_code"]
    sandbox.refresh_tokens = True
    fields = requests.get(url, timeout=SECONDS).json()
    assert fields["grant_types_supported"] == ["authorization_code", "refresh_token"]


def test_a_sandbox_is_named_by_its_address(sandbox: Sandbox) -> None:
    """In ``TICKTICK_SERVICE`` and ``--service``."""
    assert sandbox_service(sandbox.url("")) == sandbox.service
