"""Clients that registered themselves: shared, forgotten, refused."""

from __future__ import annotations

import json
import multiprocessing
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from clients import Person
from leaks import Everything
from raw_server import RawServer, answer
from registering import registering_client

from requests_ticktick import (
    DIDA365,
    TICKTICK,
    AuthorizationDeniedError,
    ChainStore,
    EnvStore,
    FileStore,
    MemoryStore,
    RegistrationError,
    Service,
    SignOnError,
    SignOnTimeoutError,
    TickTickAuth,
    Token,
    TokenEndpointError,
    TokenStoreError,
    refuse,
)
from requests_ticktick._stamp import REGISTERED

PROJECT = "/open/v1/project"
URI = "http://127.0.0.1:18765/callback"

pytestmark = pytest.mark.usefixtures("own_default_uri")


# -- once for all ---------------------------------------------------------------------


def test_ten_threads_register_one_client(sandbox, tmp_path):
    """Each with an auth of its own."""
    store = FileStore(tmp_path / "t.json")
    barrier = threading.Barrier(10)

    def sign_on(_):
        auth = registering_client(sandbox, FileStore(store.path))
        barrier.wait(60)
        return auth.sign_on().access_token

    with ThreadPoolExecutor(10) as pool:
        tokens = set(pool.map(sign_on, range(10)))

    assert len(tokens) == 1
    assert (sandbox.registration_requests, sandbox.sign_ons) == (1, 1)


def _sign_on(service, sign_on, path, barrier, results):
    auth = TickTickAuth(
        store=FileStore(path), service=service, sign_on=sign_on, register=True
    )
    barrier.wait(60)
    results.put(auth.sign_on().access_token)


def test_ten_processes_register_one_client(sandbox, tmp_path):
    """Under the store's lock."""
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(10), context.Queue()
    args = (sandbox.service, sandbox.sign_on, str(tmp_path / "t.json"))
    processes = [
        context.Process(target=_sign_on, args=(*args, barrier, results), daemon=True)
        for _ in range(10)
    ]
    for process in processes:
        process.start()

    tokens = {results.get(timeout=60) for _ in processes}

    for process in processes:
        process.join(60)
    assert len(tokens) == 1
    assert (sandbox.registration_requests, sandbox.sign_ons) == (1, 1)


def test_two_threads_that_begin_at_once_register_one_client(sandbox):
    """With one auth, in a web application."""
    auth = registering_client(sandbox)
    barrier = threading.Barrier(4)

    def begin(_):
        barrier.wait(60)
        return auth.begin_sign_on().client_id

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(begin, range(4)))) == 1
    assert sandbox.registration_requests == 1


def test_a_person_who_says_no_leaves_the_client_for_the_next_time(sandbox):
    """In the same process."""
    sandbox.deny()
    auth = registering_client(sandbox)

    with pytest.raises(AuthorizationDeniedError):
        auth.token()

    assert auth.sign_on()
    assert sandbox.registration_requests == 1


# -- the service has forgotten the client ---------------------------------------------


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"error": "invalid_client"}),
        (400, {"error": "invalid_client"}),
        (400, {"error": "unauthorized_client"}),
        (401, "<html>Unauthorized"),
    ],
)
def test_an_unknown_client_is_registered_anew_once(sandbox, tmp_path, status, body):
    """The person is asked a second time, and the new token is kept."""
    store = FileStore(tmp_path / "t.json")
    old = registering_client(sandbox, store).token()
    sandbox.fail(1, status, body)
    person = Person(sandbox)

    token = registering_client(sandbox, store, sign_on=person).sign_on(force=True)

    assert person.asked == 2
    assert sandbox.registration_requests == 2
    assert token.extra["client_id"] != old.extra["client_id"]
    assert store.load() == token


def test_a_second_refusal_is_the_error(sandbox, tmp_path):
    """There is no loop."""
    store = FileStore(tmp_path / "t.json")
    registering_client(sandbox, store).token()
    sandbox.fail(5, 401, {"error": "invalid_client"})
    person = Person(sandbox)

    with pytest.raises(TokenEndpointError, match="invalid_client"):
        registering_client(sandbox, store, sign_on=person).sign_on(force=True)

    assert (person.asked, sandbox.registration_requests) == (2, 2)


def test_a_redirect_may_say_that_the_client_is_unknown(sandbox, tmp_path):
    """RFC 6749 4.1.2.1: unauthorized_client."""
    store = FileStore(tmp_path / "t.json")
    registering_client(sandbox, store).token()
    said = []

    def answer_once(request):
        if said:
            return sandbox.sign_on(request)
        said.append(request)
        return f"{request.redirect_uri}?error=unauthorized_client&state={request.state}"

    assert registering_client(sandbox, store, sign_on=answer_once).sign_on(force=True)
    assert sandbox.registration_requests == 2


def test_a_person_who_says_no_leaves_the_kept_client(sandbox, tmp_path):
    """The page was that of a client that the service knows."""
    store = FileStore(tmp_path / "t.json")
    registering_client(sandbox, store).token()
    sandbox.deny()
    auth = registering_client(sandbox, store)

    with pytest.raises(AuthorizationDeniedError):
        auth.sign_on(force=True)

    assert auth.sign_on(force=True)
    assert sandbox.registration_requests == 1


@pytest.mark.parametrize("error", [SignOnTimeoutError("x"), SignOnError("x")])
def test_a_page_that_never_redirects_has_the_next_sign_on_register(
    sandbox, tmp_path, error
):
    """The page may have said that the client is unknown; nobody can tell."""
    store = FileStore(tmp_path / "t.json")
    registering_client(sandbox, store).token()
    person = Person(sandbox, error)
    auth = registering_client(sandbox, store, sign_on=person)

    with pytest.raises(SignOnError):
        auth.sign_on(force=True)
    assert sandbox.registration_requests == 1

    assert auth.sign_on(force=True)
    assert sandbox.registration_requests == 2


def test_the_sandbox_can_forget_its_clients(sandbox, tmp_path):
    """Its page is what a person sees then."""
    store = FileStore(tmp_path / "t.json")
    registering_client(sandbox, store).token()
    sandbox.forget_clients()
    auth = registering_client(sandbox, store)

    with pytest.raises(SignOnError, match="AuthorizationPageError"):
        auth.sign_on(force=True)

    assert auth.sign_on(force=True)
    assert sandbox.registered_clients == [auth.token().extra["client_id"]]


# -- refresh tokens, and others' tokens -----------------------------------------------


def test_a_refresh_token_is_used_by_its_client(sandbox, tmp_path):
    """Should the service ever issue one."""
    sandbox.refresh_tokens = True
    store = FileStore(tmp_path / "t.json")
    token = registering_client(sandbox, store).token()
    store.save(token.replace(expires_at=1.0))

    renewed = registering_client(sandbox, store, sign_on=refuse).token()

    assert renewed.access_token != token.access_token
    assert renewed.extra == token.extra
    assert sandbox.sign_ons == 1


@pytest.mark.parametrize(
    ("status", "body", "registrations"),
    [(400, {"error": "invalid_grant"}, 1), (401, {"error": "invalid_client"}, 2)],
)
def test_a_refresh_token_that_is_refused_has_a_person_asked(
    sandbox, tmp_path, status, body, registrations
):
    """An unknown client is registered anew for it."""
    sandbox.refresh_tokens = True
    store = FileStore(tmp_path / "t.json")
    token = registering_client(sandbox, store).token()
    store.save(token.replace(expires_at=1.0))
    sandbox.fail(1, status, body)

    assert registering_client(sandbox, store).token()

    assert sandbox.sign_ons == 2
    assert sandbox.registration_requests == registrations


def test_a_server_in_trouble_is_no_reason_to_register(sandbox, tmp_path):
    """Nor to ask a person."""
    sandbox.refresh_tokens = True
    store = FileStore(tmp_path / "t.json")
    store.save(registering_client(sandbox, store).token().replace(expires_at=1.0))
    sandbox.fail(1, 503)

    with pytest.raises(TokenEndpointError):
        registering_client(sandbox, store).token()

    assert (sandbox.sign_ons, sandbox.registration_requests) == (1, 1)


def test_an_app_s_refresh_token_is_not_tried_by_another_client(sandbox, monkeypatch):
    """The app may have a secret; its token works until it expires."""
    fields = {"client_id": "app", "token_endpoint": sandbox.service.token_endpoint}
    token = Token("a-token-1", refresh_token="r-1", expires_at=1.0, extra=fields)
    monkeypatch.setenv("MY_TOKEN", json.dumps(token.to_dict()))
    store = ChainStore([EnvStore("MY_TOKEN"), MemoryStore()])

    assert registering_client(sandbox, store).token()

    assert (sandbox.token_requests, sandbox.sign_ons) == (1, 1)


def test_an_app_s_token_is_not_overwritten(sandbox, tmp_path, caplog):
    """Another place has to be chosen."""
    store = FileStore(tmp_path / "t.json")
    fields = {"client_id": "app", "token_endpoint": sandbox.service.token_endpoint}
    kept = Token("a-token-1", expires_at=1.0, extra=fields)
    store.save(kept)

    assert registering_client(sandbox, store).token()

    assert store.load() == kept
    assert "not overwritten" in caplog.text


def test_an_app_does_not_use_a_registered_client_s_token(sandbox, tmp_path):
    """A file belongs to one client."""
    store = FileStore(tmp_path / "t.json")
    registering_client(sandbox, store).token()
    auth = TickTickAuth("app", "s", store=store, service=sandbox.service)

    with pytest.raises(TokenStoreError, match="a token of another client"):
        auth.token()


def test_revoking_forgets_the_client_with_the_token(sandbox, tmp_path):
    """The client's id goes with the request."""
    store = FileStore(tmp_path / "t.json")
    auth = registering_client(sandbox, store)
    token = auth.token()

    assert auth.revoke()

    body = sandbox.received[-1].body.decode()
    assert f"client_id={token.extra['client_id']}" in body
    assert store.load() is None
    assert registering_client(sandbox, store).token()
    assert sandbox.registration_requests == 2


def test_a_kept_client_that_makes_no_sense_is_not_used(sandbox):
    """The file may be anybody's."""
    for uri in ("", 7, "http://[", "http://127.0.0.1:99999/"):
        extra = {"client_id": "x", REGISTERED: uri}
        token = Token("a-token-1", expires_at=1.0, extra=extra)
        assert registering_client(sandbox, MemoryStore(token)).token()
    assert sandbox.registration_requests == 4


# -- registrations that fail ----------------------------------------------------------


def test_a_registration_that_fails_is_not_tried_in_a_loop(sandbox, clock):
    """Requests pause, as after a sign-on that failed."""
    sandbox.fail(9, 429, {"error": "slow_down"}, "register", {"Retry-After": "90"})
    auth = registering_client(sandbox)
    auth.source.clock = clock

    for _ in range(3):
        with pytest.raises(RegistrationError, match="90 seconds"):
            auth.token()
    assert sandbox.registration_requests == 1

    clock.advance(91)
    with pytest.raises(RegistrationError):
        auth.token()
    with pytest.raises(RegistrationError):
        auth.sign_on()
    assert sandbox.registration_requests == 3
    assert sandbox.sign_ons == 0


def test_a_service_without_registration_is_an_error_that_names_the_portal(sandbox):
    """With the portal where a person can."""
    auth = registering_client(
        sandbox,
        service=Service(
            sandbox.url("/oauth/authorize"),
            sandbox.url("/oauth/token"),
            sandbox.url(""),
            code_challenge_method=None,
        ),
    )

    with pytest.raises(RegistrationError, match="no registration endpoint"):
        auth.token()


# -- the API does not accept such clients ---------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_never_worked_is_explained(new_session, sandbox, status, caplog):
    """The person is not asked again in vain; the caller gets the response."""
    sandbox.fail(3, status, {}, "api")
    person = Person(sandbox)
    session = new_session
    session.auth = registering_client(sandbox, sign_on=person)

    answers = [session.get(sandbox.url(PROJECT)).status_code for _ in range(2)]

    assert answers == [status, status]
    assert person.asked == 1
    told = [r.message for r in caplog.records if "developer portal" in r.message]
    assert len(told) == 1
    assert "Register an app at" in told[0]


def test_a_token_that_has_worked_is_renewed_as_any_other(new_session, sandbox):
    """It was revoked since."""
    session = new_session
    session.auth = registering_client(sandbox)
    assert session.get(sandbox.url(PROJECT)).status_code == 200
    sandbox.revoke_all()

    assert session.get(sandbox.url(PROJECT)).status_code == 200
    assert sandbox.sign_ons == 2


def test_a_token_that_was_granted_long_ago_is_renewed(new_session, sandbox, clock):
    """Its first use in this process says nothing about its client."""
    store = MemoryStore()
    registering_client(sandbox, store).token()
    sandbox.revoke_all()
    session = new_session
    session.auth = registering_client(sandbox, store)
    clock.jump(store.load().issued_at - clock.time() + 3600)
    session.auth.source.clock = clock

    assert session.get(sandbox.url(PROJECT)).status_code == 200
    assert sandbox.sign_ons == 2


def test_another_server_s_refusal_says_nothing_about_the_token(
    new_session, sandbox, caplog
):
    """Requests keeps the hook across redirects."""
    with RawServer(lambda *_: answer(403)) as elsewhere:
        sandbox.fail(1, 307, "", "api", {"Location": elsewhere.url("/x")})
        session = new_session
        session.auth = registering_client(sandbox)

        assert session.get(sandbox.url(PROJECT)).status_code == 403

    assert "developer portal" not in caplog.text
    assert session.get(sandbox.url(PROJECT)).status_code == 200


def test_the_portal_is_the_service_s(sandbox, caplog):
    """TickTick's, Dida365's, or nobody knows which."""
    from requests_ticktick._portal import register_by_hand

    assert "https://developer.ticktick.com/manage," in register_by_hand(TICKTICK)
    assert "https://developer.dida365.com/manage," in register_by_hand(DIDA365)
    assert "the service's developer portal," in register_by_hand(sandbox.service)


def test_no_log_shows_a_secret(sandbox, secrets):
    """At any level, whatever the registration says."""
    with Everything() as everything:
        auth = registering_client(sandbox)
        auth.token()
        auth.revoke()
    secrets.check("\n".join(everything.lines))


def test_a_client_whose_redirects_go_elsewhere_is_used_as_it_is(sandbox):
    """Nothing has to listen at an ``https`` address."""
    uri = "https://example.com/callback"
    token = Token("a-token-1", extra={"client_id": "x", REGISTERED: uri})

    request = registering_client(sandbox, MemoryStore(token)).begin_sign_on()

    assert (request.client_id, request.redirect_uri) == ("x", uri)
    assert sandbox.registration_requests == 0


def test_a_client_registers_another_port_than_one_in_use(sandbox, own_default_uri):
    """The path is the same."""
    taken = urlsplit(own_default_uri)
    with socket.create_server((taken.hostname, taken.port)):
        uri = registering_client(sandbox).begin_sign_on().redirect_uri

    found = urlsplit(uri)
    assert (found.hostname, found.path) == (taken.hostname, taken.path)
    assert found.port != taken.port
