"""Clients that register themselves: no app, no portal, one click."""

from __future__ import annotations

import json
import pickle
import socket
from urllib.parse import urlsplit

import pytest
import requests
from raw_server import RawServer, answer
from registering import registering_client

from requests_ticktick import (
    DIDA365,
    TICKTICK,
    AuthorizationRequest,
    FileStore,
    InsecureTransportError,
    MemoryStore,
    RegistrationError,
    Service,
    SignOnError,
    SignOnRequiredError,
    TickTickAuth,
    TokenEndpointError,
    refuse,
    register,
)
from requests_ticktick._stamp import REGISTERED, Stamp

PROJECT = "/open/v1/project"
URI = "http://127.0.0.1:18765/callback"

pytestmark = pytest.mark.usefixtures("own_default_uri")


def metadata_of(sandbox):
    return [json.loads(r.body) for r in sandbox.received if r.endpoint == "register"]


def service_at(url):
    return Service(
        f"{url}/authorize", f"{url}/token", url, registration_endpoint=f"{url}/register"
    )


def registration_at(url):
    return register(service_at(url), URI, client_name="Mine", scope="tasks:read")


def refusal_of(*said, status=400, **headers):
    with RawServer(lambda *_: answer(status, *said, **headers)) as server:
        with pytest.raises(RegistrationError) as caught:
            registration_at(server.url())
        assert len(server.requests) == 1
    return caught.value


# -- register() -----------------------------------------------------------------------


def test_a_public_client_is_registered(sandbox):
    """It has no secret, one redirect URI, and the name that a person is shown."""
    client_id = register(
        sandbox.service, URI, client_name="My program", scope=["tasks:read"]
    )

    assert sandbox.registered_clients == [client_id]
    assert metadata_of(sandbox) == [
        {
            "client_name": "My program",
            "redirect_uris": [URI],
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
            "scope": "tasks:read",
            "token_endpoint_auth_method": "none",
        }
    ]
    [request] = sandbox.received
    assert request.headers["Content-Type"] == "application/json"
    assert "Authorization" not in request.headers


def test_a_person_signs_on_with_a_registered_client(sandbox):
    """Without a secret, as any public client does."""
    client_id = register(sandbox.service, URI, client_name="x", scope="tasks:read")
    public = Service(
        sandbox.service.authorization_endpoint,
        sandbox.service.token_endpoint,
        sandbox.url(""),
        token_endpoint_auth_method="none",
    )
    auth = TickTickAuth(
        client_id,
        redirect_uri=URI,
        service=public,
        scope="tasks:read",
        store=MemoryStore(),
        sign_on=sandbox.sign_on,
    )

    assert auth.token().scopes == {"tasks:read"}


def test_a_session_lends_its_settings(new_session, sandbox):
    """Headers, proxies, certificates; never its hooks and auth."""
    session = new_session
    session.headers.update({"User-Agent": "mine/1", "Content-Type": "text/plain"})
    session.auth = ("name", "password")

    register(sandbox.service, URI, client_name="x", scope="", session=session)

    [request] = sandbox.received
    assert request.headers["User-Agent"] == "mine/1"
    assert request.headers["Content-Type"] == "application/json"
    assert "Authorization" not in request.headers


def test_both_services_are_known_to_register_clients():
    """As their discovery documents say."""
    for service in (TICKTICK, DIDA365):
        host = urlsplit(service.registration_endpoint or "").hostname
        assert host == urlsplit(service.api_origins[0]).hostname


@pytest.mark.parametrize(
    ("said", "status", "told"),
    [
        (b'{"error": "invalid_redirect_uri"}', 400, "pass another redirect_uri"),
        (b'{"error": "invalid_client_metadata"}', 400, "Register an app at the serv"),
        (b'{"error": "access_denied"}', 403, "Clients cannot register themselves"),
        (b"<html><title>Forbidden</title>", 403, '("Forbidden"), probably from a'),
        (b'{"error": "invalid_scope"}', 400, "correct scope=..."),
        (b"", 429, "Wait a minute, then try again. Or else: Register an app"),
        (b"", 503, "Wait a minute"),
        (b'{"errorCode": "exceed_query_limit"}', 400, "Wait a minute"),
        (b"<html>", 200, "a web page, probably from a proxy"),
        (b"not found", 404, "the service's registration_endpoint."),
        (b"", 302, "Redirects are not followed"),
        (b"{}", 201, "no valid client id"),
        (b'{"client_id": ""}', 201, "no valid client id"),
        (b'{"client_id": 7}', 201, "no valid client id"),
        (b'{"client_id": "a b\\n"}', 201, "no valid client id"),
        (b'{"client_id": "a", "client_secret": "s-3-c-r"}', 201, "needs a secret"),
        (b'{"client_id": "a", "redirect_uris": ["http://b"]}', 201, "another redirect"),
    ],
)
def test_a_refusal_says_what_to_do(said, status, told):
    """And what the server said, but for secrets."""
    error = refusal_of(said, status=status)

    shown = f"The registration endpoint answered with HTTP status {status}"
    assert shown in str(error)
    assert told in str(error)
    assert "s-3-c-r" not in str(error)
    assert error.status_code == status
    assert isinstance(error, SignOnError)


def test_the_server_s_words_are_cleaned_and_its_pause_is_told():
    """A terminal must not obey them."""
    said = json.dumps({"error": "slow\x1b[2J", "error_description": "x" * 900})
    error = refusal_of(said.encode(), status=429, Retry_After="30")

    assert error.retry_after == 30
    assert "30 seconds (Retry-After)" in str(error)
    assert str(error).isprintable()
    assert len(str(error)) < 900


def test_a_server_that_is_away_is_told_from_one_that_refuses():
    """The error names the parameter, and no status."""
    with RawServer(lambda *_: None) as server:
        url = server.url()

    with pytest.raises(RegistrationError, match="registration_endpoint") as caught:
        registration_at(url)

    assert caught.value.status_code is None


def test_a_service_without_the_endpoint_names_the_portal():
    """And a redirect URI that others can read is refused first."""
    service = Service("https://ticktick.com/a", TICKTICK.token_endpoint, "https://a.b")

    with pytest.raises(RegistrationError, match=r"developer\.ticktick\.com/manage"):
        register(service, URI, client_name="x", scope="tasks:read")
    with pytest.raises(InsecureTransportError):
        register(service, "http://example.com/", client_name="x", scope="tasks:read")


def test_a_secret_registered_for_a_public_client_is_ignored():
    """Some servers make one up all the same."""
    said = {
        "client_id": "a",
        "client_secret": "s",
        "token_endpoint_auth_method": "none",
    }
    with RawServer(lambda *_: answer(201, json.dumps(said).encode())) as server:
        assert registration_at(server.url()) == "a"


# -- TickTickAuth(register=True) ------------------------------------------------------


def test_a_person_without_an_app_signs_on_with_one_click(
    new_session, sandbox, own_default_uri
):
    """Then the API can be called."""
    store = MemoryStore()
    session = new_session
    session.auth = registering_client(sandbox, store)

    assert session.get(sandbox.url(PROJECT)).status_code == 200

    [client_id] = sandbox.registered_clients
    [sent] = metadata_of(sandbox)
    assert (sent["redirect_uris"], sent["client_name"]) == (
        [own_default_uri],
        "requests-ticktick",
    )
    token = store.load()
    assert Stamp.of(token).client_id == client_id
    assert token.extra[REGISTERED] == own_default_uri


def test_a_program_chooses_the_name_that_a_person_sees(sandbox):
    """On the consent page."""
    pages = []

    def look(request):
        pages.append(requests.get(request.url, timeout=20).text)
        return sandbox.sign_on(request)

    registering_client(sandbox, register="My <program>", sign_on=look).token()

    assert "Allow My &lt;program&gt; to use your TickTick?" in pages[0]


def test_the_client_is_used_again(sandbox, tmp_path):
    """By whoever finds its token, for as long as the port is free."""
    store = FileStore(tmp_path / "t.json")
    first = registering_client(sandbox, store).token()

    second = registering_client(sandbox, store).sign_on(force=True)

    assert second.access_token != first.access_token
    assert sandbox.registration_requests == 1
    assert second.extra == first.extra


def test_a_port_that_is_in_use_has_another_client_registered(
    sandbox, tmp_path, own_default_uri
):
    """Its redirect URI has a port that is free."""
    store = FileStore(tmp_path / "t.json")
    registering_client(sandbox, store).token()

    with socket.create_server(("127.0.0.1", urlsplit(own_default_uri).port)):
        token = registering_client(sandbox, store).sign_on(force=True)

    uri = urlsplit(token.extra[REGISTERED])
    assert (uri.hostname, uri.path) == ("127.0.0.1", "/callback")
    assert uri.port != urlsplit(own_default_uri).port
    assert store.load() == token
    assert registering_client(sandbox, store).sign_on(force=True).extra == token.extra
    assert sandbox.registration_requests == 2


def test_a_configured_redirect_uri_is_registered_as_it_is(sandbox, tmp_path):
    """One that was registered before with another is not used for it."""
    store = FileStore(tmp_path / "t.json")
    registering_client(sandbox, store).token()

    auth = registering_client(
        sandbox, store, redirect_uri="https://my.host/ticktick/callback"
    )
    token = auth.sign_on(force=True)

    assert token.extra[REGISTERED] == "https://my.host/ticktick/callback"
    # And it needs no port of this machine: it is used by those who name none.
    again = registering_client(sandbox, store).sign_on(force=True)
    assert again.extra == token.extra
    assert sandbox.registration_requests == 2


def test_a_configured_client_is_not_registered(sandbox, monkeypatch):
    """Whether the program or the environment has it."""
    monkeypatch.setenv("TICKTICK_CLIENT_ID", sandbox.client_id)
    monkeypatch.setenv("TICKTICK_CLIENT_SECRET", sandbox.client_secret)
    monkeypatch.setenv("TICKTICK_REDIRECT_URI", sandbox.redirect_uri)
    sandbox.refresh_tokens = True
    store = MemoryStore()
    auth = registering_client(sandbox, store)
    token = auth.token()
    expired = token.replace(expires_at=1.0)

    assert registering_client(sandbox, MemoryStore(expired), sign_on=refuse).token()
    request = auth.begin_sign_on()
    assert auth.complete_sign_on(request, sandbox.sign_on(request))

    assert token.extra["client_id"] == sandbox.client_id
    assert sandbox.registration_requests == 0


def test_a_wrong_secret_of_a_configured_client_registers_none(sandbox):
    """The error is the person's to mend."""
    auth = registering_client(
        sandbox,
        client_id=sandbox.client_id,
        client_secret="wrong",
        redirect_uri=sandbox.redirect_uri,
    )

    with pytest.raises(TokenEndpointError, match="Compare client_id"):
        auth.token()

    assert sandbox.registration_requests == 0


def test_nobody_is_registered_where_nobody_can_be_asked(sandbox, monkeypatch):
    """A job without a token must not leave a client behind at each run."""
    monkeypatch.setenv("CI", "1")
    default = TickTickAuth(store=MemoryStore(), service=sandbox.service, register=True)

    for auth in (default, registering_client(sandbox, sign_on=refuse)):
        with pytest.raises(SignOnRequiredError, match="requests-ticktick login"):
            auth.token()

    assert sandbox.registration_requests == 0


def test_two_steps_work_in_two_processes(sandbox):
    """The request says which client it is for."""
    begun = pickle.dumps(registering_client(sandbox).begin_sign_on().to_dict())
    request = AuthorizationRequest.from_dict(pickle.loads(begun))
    auth = registering_client(sandbox)

    token = auth.complete_sign_on(request, sandbox.sign_on(request))

    assert token.extra["client_id"] == request.client_id
    assert sandbox.registration_requests == 1
    with pytest.raises(SignOnError, match="Expected an AuthorizationRequest"):
        auth.complete_sign_on(None, "?code=a")


def test_an_auth_that_registers_can_be_pickled(sandbox):
    """And works afterwards."""
    auth = pickle.loads(pickle.dumps(registering_client(sandbox)))

    assert auth.token()
