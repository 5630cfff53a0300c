"""Giving a token back: revoked by the service first, then forgotten."""

from __future__ import annotations

import contextlib
import gc
import json
import logging
from urllib.parse import parse_qs

import pytest
import requests
from clients import client_of
from inside import faults_of, wallet_of
from leaks import Everything, told_by
from raw_server import RawServer, answer

from requests_ticktick import (
    DIDA365,
    TICKTICK,
    ChainStore,
    EnvStore,
    FileStore,
    MemoryStore,
    RevocationError,
    Service,
    SignOnRequiredError,
    TickTickAuth,
    Token,
    TokenStoreError,
    refuse,
)
from requests_ticktick._grant import token_endpoint
from requests_ticktick.sandbox import Sandbox

PROJECT = "/open/v1/project"
SECRET = "s3^(%2F)!*&~+/Secret=ü"
TOKEN = Token("an-access-token-7f3a", refresh_token="a-refresh-token-91c2")


def revocations(sandbox):
    """Return the forms that the revocation endpoint got."""
    return [
        {name: values[0] for name, values in parse_qs(r.body.decode()).items()}
        for r in sandbox.received
        if r.endpoint == "revoke"
    ]


def client_at(url, store=None, *, client_id="my-client", session=None):
    """Return a client whose revocation endpoint this is."""
    service = Service(
        f"{url}/authorize",
        f"{url}/token",
        url,
        revocation_endpoint=f"{url}/revoke",
    )
    return TickTickAuth(
        client_id,
        SECRET,
        session=session,
        store=MemoryStore(TOKEN) if store is None else store,
        service=service,
        sign_on=refuse,
    )


def refusal_of(*said, status=400, store=None, **headers):
    """Return the error that a server's answer ends in; the token is kept."""
    store = MemoryStore(TOKEN) if store is None else store
    with RawServer(lambda *_: answer(status, *said, **headers)) as server:
        with pytest.raises(RevocationError) as caught:
            client_at(server.url(), store).revoke()
        assert store.load() == TOKEN
    return caught.value


def api_status(sandbox, token):
    headers = {"Authorization": f"Bearer {token.access_token}"}
    return requests.get(sandbox.url(PROJECT), headers=headers, timeout=20).status_code


# -- what is revoked, and what is left ------------------------------------------------


def test_a_token_is_worthless_and_forgotten(auth, sandbox):
    """For whoever has a copy of it, and in the store."""
    token = auth.token()

    assert auth.revoke() is True

    assert api_status(sandbox, token) == 401
    assert auth.source.store.load() is None
    assert sandbox.revocation_requests == 1
    assert revocations(sandbox) == [
        {"token": token.access_token, "token_type_hint": "access_token"}
    ]


def test_nothing_is_sent_where_there_is_no_token(auth, sandbox):
    """Nor the second time."""
    assert auth.revoke() is False

    auth.token()
    assert auth.revoke() is True
    assert auth.revoke() is False
    assert sandbox.revocation_requests == 1


def test_the_refresh_token_goes_first(auth, sandbox):
    """While it is good, there could be further access tokens."""
    sandbox.refresh_tokens = True
    token = auth.token()

    assert auth.revoke()

    hints = [form["token_type_hint"] for form in revocations(sandbox)]
    tokens = [form["token"] for form in revocations(sandbox)]
    assert hints == ["refresh_token", "access_token"]
    assert tokens == [token.refresh_token, token.access_token]
    kept = MemoryStore(token.replace(expires_at=1.0))
    with pytest.raises(SignOnRequiredError):
        client_of(sandbox, kept, sign_on=refuse).token()


def test_the_next_call_signs_on_anew(session, sandbox):
    """The same auth goes on with another token."""
    url = sandbox.url(PROJECT)
    assert session.get(url).status_code == 200

    session.auth.revoke()

    assert session.get(url).status_code == 200
    assert sandbox.sign_ons == 2


def test_tokens_in_memory_and_in_the_store_are_revoked(sandbox):
    """Another process has signed on since; both tokens are this client's."""
    store = MemoryStore()
    auth = client_of(sandbox, store)
    first = auth.token()
    second = client_of(sandbox, store).sign_on(force=True)

    assert auth.revoke()

    assert {form["token"] for form in revocations(sandbox)} == {
        first.access_token,
        second.access_token,
    }


def test_a_token_that_was_never_saved_is_revoked(sandbox, tmp_path, caplog):
    """It is in memory alone."""

    class Full(MemoryStore):
        def save(self, token):
            raise TokenStoreError("It is full.")

    auth = client_of(sandbox, Full())
    token = auth.token()

    assert auth.revoke()

    assert api_status(sandbox, token) == 401
    assert wallet_of(auth).unsaved is None


def test_another_client_s_token_stays(sandbox, tmp_path):
    """It is neither revoked nor deleted."""
    store = FileStore(tmp_path / "token.json")
    client_of(sandbox, store).token()
    other = TickTickAuth("other", "s", store=store, service=sandbox.service)

    assert other.revoke() is False

    assert store.load() is not None
    assert sandbox.revocation_requests == 0


def test_a_variable_s_token_is_not_used_again(sandbox, monkeypatch, tmp_path, caplog):
    """A program cannot unset it for others, and says so."""
    monkeypatch.setenv("MY_TOKEN", sandbox.issue_token("a-token-of-mine"))
    store = ChainStore([EnvStore("MY_TOKEN"), FileStore(tmp_path / "t.json")])
    auth = client_of(sandbox, store, sign_on=refuse)
    token = auth.token()

    assert auth.revoke()

    assert api_status(sandbox, token) == 401
    assert f"EnvStore('MY_TOKEN') still has the token {token.fingerprint}" in (
        caplog.text
    )
    with pytest.raises(SignOnRequiredError):
        auth.token()


def test_a_personal_token_may_have_to_be_deleted_by_hand(sandbox, caplog):
    """The endpoint answers 200 for what it does not know."""
    auth = client_of(sandbox, MemoryStore(Token(sandbox.issue_token())))

    assert auth.revoke()

    assert "Settings, Account, API Token" in caplog.text


# -- who revokes ----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_the_client_authenticates_itself_as_for_a_token(secrets, method):
    """By the method of the token endpoint (RFC 7009 2.1)."""
    with Sandbox(auth_method=method) as sandbox:
        secrets.watch(lambda: sandbox.secrets)
        auth = client_of(sandbox)
        auth.token()

        assert auth.revoke()

        sent = sandbox.received[-1]
        has_header = "Authorization" in sent.headers
        assert has_header is (method == "client_secret_basic")
        assert ("client_secret" in revocations(sandbox)[0]) is not has_header


def test_a_public_client_sends_its_id(secrets):
    """RFC 6749 3.2.1."""
    with Sandbox(public=True) as sandbox:
        secrets.watch(lambda: sandbox.secrets)
        auth = client_of(sandbox)
        auth.token()

        assert auth.revoke()

        assert revocations(sandbox)[0]["client_id"] == sandbox.client_id


def test_the_client_id_of_the_token_is_sent_where_none_is_configured(monkeypatch):
    """A command that forgets tokens need not be told whose they are."""
    stamped = TOKEN.replace(extra={"client_id": "the-app"}, refresh_token=None)
    with RawServer(lambda *_: answer(200, b"")) as server:
        auth = client_at(server.url(), MemoryStore(stamped), client_id=None)
        assert auth.revoke()
        unknown = client_at(server.url(), MemoryStore(Token("x" * 20)), client_id=None)
        assert unknown.revoke()
    forms = [r.partition(b"\r\n\r\n")[2].decode() for r in server.requests]
    assert "client_id=the-app" in forms[0]
    assert "client_id" not in forms[1]
    assert not any(b"Authorization" in request for request in server.requests)


# -- what may go wrong ----------------------------------------------------------------


def test_nothing_is_forgotten_where_the_server_has_trouble(auth, sandbox):
    """RFC 7009 2.2.1: the token exists, and it can be tried again."""
    token = auth.token()
    sandbox.fail(1, 503, "<h1>Busy</h1>", "revoke", {"Retry-After": "7"})

    with pytest.raises(RevocationError, match="wait 7 seconds") as caught:
        auth.revoke()

    assert (caught.value.status_code, caught.value.retry_after) == (503, 7.0)
    assert auth.source.store.load() == token
    assert auth.token() == token
    assert auth.revoke() is True
    assert api_status(sandbox, token) == 401


def test_a_revocation_that_failed_halfway_can_be_repeated(auth, sandbox):
    """To revoke the refresh token twice does no harm."""
    sandbox.refresh_tokens = True
    token = auth.token()
    faults, asked = faults_of(sandbox), []
    next_failure = faults.next_failure

    def only_the_second(endpoint):
        asked.append(endpoint)
        if asked == ["revoke", "revoke"]:
            sandbox.fail(1, 500, "", "revoke")
        return next_failure(endpoint)

    faults.next_failure = only_the_second

    with pytest.raises(RevocationError):
        auth.revoke()

    assert auth.source.store.load() == token
    assert auth.revoke() is True
    assert sandbox.revocation_requests == 4


@pytest.mark.parametrize(
    ("said", "status", "told"),
    [
        (b"", 503, "wait a minute, then call auth.revoke()"),
        (b"", 429, "wait a minute, then call auth.revoke()"),
        (b'{"errorCode": "exceed_query_limit"}', 200, "wait a minute"),
        (b'{"error": "invalid_client"}', 401, "Compare client_id and client_secret"),
        (b"<html>Bad client credentials", 401, "Compare client_id and client_secret"),
        (b'{"error": "access_denied"}', 403, "Compare client_id and client_secret"),
        (b'{"error": "invalid_request"}', 400, "TickTick's settings, then call auth."),
        (b"<html><title>Hotel</title>", 200, 'a web page ("Hotel"), probably from a'),
        (b"<html><title>No</title>", 403, "and the service's revocation_endpoint."),
        (b"not found", 404, "and the service's revocation_endpoint."),
    ],
)
def test_the_error_says_what_to_do(said, status, told):
    """And what the server said."""
    error = refusal_of(said, status=status)

    assert f"The revocation endpoint answered with HTTP status {status}" in str(error)
    assert told in str(error)
    assert error.status_code == status


def test_a_redirect_is_not_followed():
    """It would lead the token elsewhere."""
    with RawServer(lambda *_: answer(200, b"")) as elsewhere:
        error = refusal_of(b"", status=307, Location=elsewhere.url("/there"))

        assert "a redirect to 127.0.0.1" in str(error)
        assert elsewhere.requests == []


def test_a_kind_of_token_that_is_not_revoked_does_not_spare_the_other():
    """RFC 7009 2.2.1: unsupported_token_type."""

    def respond(_, request):
        if b"hint=refresh_token" in request:
            return answer(400, b'{"error": "unsupported_token_type"}')
        return answer(200, b"")

    store = MemoryStore(TOKEN)
    with RawServer(respond) as server:
        with pytest.raises(RevocationError, match="does not revoke tokens of this"):
            client_at(server.url(), store).revoke()
        assert len(server.requests) == 2
    assert store.load() == TOKEN


def test_a_service_without_the_endpoint_says_what_a_person_can_do():
    """Whether there is a token or not."""
    for store in (MemoryStore(TOKEN), MemoryStore()):
        auth = TickTickAuth("id", "secret", store=store, service=DIDA365)

        with pytest.raises(RevocationError, match=r"settings, then call auth\.forget"):
            auth.revoke()
    assert TICKTICK.revocation_endpoint == "https://api.ticktick.com/oauth/revoke"


def test_a_server_that_drips_ends_at_the_deadline(monkeypatch):
    """As at the token endpoint."""
    monkeypatch.setattr(token_endpoint, "TIMEOUT", (20.0, 20.0))
    monkeypatch.setattr(token_endpoint, "DEADLINE", 0.5)
    running = []

    def drip(connection, _):
        with contextlib.suppress(OSError):
            while not running[0].closed.wait(0.05):
                connection.sendall(b"H")

    store = MemoryStore(TOKEN)
    with RawServer(drip) as server:
        running.append(server)
        with pytest.raises(RevocationError, match=r"No response .* in time") as caught:
            client_at(server.url(), store).revoke()
    assert caught.value.status_code is None
    assert store.load() == TOKEN


def test_a_server_that_is_away_leaves_the_token():
    """The error names the parameter to correct."""
    with RawServer(lambda *_: None) as server:
        url = server.url()
    store = MemoryStore(TOKEN)

    with pytest.raises(RevocationError, match="revocation_endpoint may be wrong"):
        client_at(url, store).revoke()

    assert store.load() == TOKEN


def test_a_flood_is_not_read():
    """A body of more than a megabyte counts as none; the status decides."""
    body = b"<html>" + b"a" * 2_000_000
    with RawServer(lambda *_: answer(200, body)) as server:
        assert client_at(server.url()).revoke()


def test_no_error_shows_a_secret(secrets):
    """Not even where the server repeats the request, or a session quotes it."""

    def echo(_, request):
        return answer(400, json.dumps({"message": request.decode("latin-1")}).encode())

    class Quoting(requests.adapters.HTTPAdapter):
        def send(self, request, **_):
            raise requests.ConnectionError(request.body, request=request)

    with RawServer(echo) as server, Everything() as everything:
        errors = []
        for session in (None, requests.Session()):
            if session is not None:
                session.mount("http://", Quoting())
            auth = client_at(server.url(), session=session)
            with pytest.raises(RevocationError) as caught:
                auth.revoke()
            errors.append(caught.value)
    told = "\n".join([*map(told_by, errors), *everything.lines])
    for secret in (TOKEN.access_token, TOKEN.refresh_token, SECRET):
        assert secret not in told
    assert all(error.request is None for error in errors)
    gc.collect()


def test_an_error_can_be_told_in_the_log(auth, sandbox, caplog):
    """At any level, without the token."""
    caplog.set_level(logging.DEBUG)
    auth.token()
    sandbox.fail(1, 500, "", "revoke")

    with pytest.raises(RevocationError):
        auth.revoke()
    auth.revoke()
