"""What a server repeats beside its errors: in scopes, and in the redirect."""

from __future__ import annotations

import json

import pytest
from clients import client_of
from leaks import Everything, told_by
from observing import warnings_in
from people import a_request
from raw_server import RawServer, answer

from requests_ticktick import (
    FileStore,
    MemoryStore,
    Service,
    StateMismatchError,
    TickTickAuth,
    Token,
)

SECRET, CODE, TOKEN = "s3^(2F)!*&~-Secret", "Code-0123456789", "new-token-abcdefgh"


def granted(tmp_path, scope, secret=SECRET):
    """Sign on; the token endpoint names this scope, and the file keeps it."""
    fields = {"access_token": TOKEN, "token_type": "bearer", "scope": scope}
    store = FileStore(tmp_path / "t.json")
    with RawServer(lambda *_: answer(200, json.dumps(fields).encode())) as server:
        url = server.url()
        auth = TickTickAuth(
            "my-client",
            secret,
            store=store,
            service=Service(f"{url}/a", f"{url}/t", url),
            sign_on=lambda request: f"?code={CODE}&state={request.state}",
        )
        return auth.token(), store.load()


@pytest.mark.parametrize("quoted", [SECRET, CODE, TOKEN, f"x={SECRET}", CODE.upper()])
def test_a_scope_that_quotes_a_secret_is_dropped(tmp_path, caplog, secrets, quoted):
    """A scope is logged and shown; what was requested is still known."""
    secrets.add(quoted)
    secrets.add(quoted.lower())

    for token in granted(tmp_path, f"tasks:read {quoted} other"):
        assert token.scope == "tasks:read"
        assert quoted not in repr(token)

    assert any("withheld" in text for text in warnings_in(caplog))


def test_a_scope_of_secrets_alone_is_none(tmp_path, secrets):
    """However long the text is that hides it."""
    secrets.add(SECRET)

    token, stored = granted(tmp_path, f"{'x' * 2000}{SECRET}")

    assert (token.scope, stored.scope) == (None, None)


def test_a_requested_scope_is_kept_whatever_the_secret_is(tmp_path):
    """A secret for tests may be any word."""
    token, _ = granted(tmp_path, "tasks:read tasks:write", secret="tasks")

    assert token.scopes == {"tasks:read", "tasks:write"}


def test_another_scope_is_kept(tmp_path):
    """It is told of, and known to the token."""
    token, stored = granted(tmp_path, "tasks:read admin:all")

    assert token.scopes == stored.scopes == {"tasks:read", "admin:all"}


@pytest.mark.parametrize(
    "place",
    [
        *("https://other.test/{code}", "https://other.test/cb;code={code}"),
        *("https://other.test/cb%3Fcode%3D{code}", "https://{code}.test/cb"),
        "https://other.test/{state}",
    ],
)
def test_the_address_of_a_wrong_redirect_shows_no_code(place):
    """It may be in the path as well, or the query escaped with the path."""
    request = a_request()
    address = place.format(code=CODE, state=request.state)

    with Everything() as logged, pytest.raises(StateMismatchError) as caught:
        request.code_from(f"{address}?code={CODE}&state={request.state}")

    told = f"{told_by(caught.value)} {logged.lines}".lower()
    assert CODE.lower() not in told
    assert request.state.lower() not in str(caught.value).lower()


def test_an_issuer_that_repeats_the_code_is_not_shown(sandbox):
    """The redirect is anybody's text."""
    there = sandbox.service
    service = Service(
        there.authorization_endpoint,
        there.token_endpoint,
        there.api_origins,
        issuer="https://as.test",
    )
    auth = client_of(sandbox, MemoryStore(Token("x", expires_at=1.0)), service=service)
    request = auth.begin_sign_on()

    with pytest.raises(StateMismatchError, match="withheld") as caught:
        auth.complete_sign_on(
            request, f"?code={CODE}&state={request.state}&iss=https://as.test/{CODE}"
        )

    assert CODE not in told_by(caught.value)
