"""A 401 renews the token once, and the request is sent again once."""

from __future__ import annotations

import pytest
import requests
from clients import Person, client_of
from paths import PROJECT

from requests_ticktick import (
    AuthorizationDeniedError,
    ChainStore,
    EnvStore,
    FileStore,
    TickTickAuth,
    Token,
    TokenEndpointError,
)
from requests_ticktick.sandbox import Sandbox


def test_a_revoked_token_is_replaced_once(sandbox, session):
    """The first 401 starts one sign-on; the request is sent again and succeeds."""
    session.get(sandbox.url(PROJECT))
    sandbox.revoke_all()

    response = session.get(sandbox.url(PROJECT))

    assert response.status_code == 200
    assert [r.status_code for r in response.history] == [401]
    assert sandbox.sign_ons == 2
    assert sandbox.api_calls == 3


def test_a_second_401_is_returned_to_the_caller(sandbox, session):
    """A request that was sent again is not sent a third time."""
    session.get(sandbox.url(PROJECT))
    sandbox.fail(2, 401, endpoint="api")

    response = session.get(sandbox.url(PROJECT))

    assert response.status_code == 401
    assert sandbox.api_calls == 3
    assert sandbox.sign_ons == 2


def test_a_401_uses_a_token_from_the_store_first(sandbox, tmp_path):
    """The store is read before a person is asked."""
    store = FileStore(tmp_path / "t.json")
    one, two = client_of(sandbox, store), client_of(sandbox, store)
    old = one.token()
    two.token()
    sandbox.revoke_all()
    assert two.source.token(instead_of=old) is not old

    response = requests.get(sandbox.url(PROJECT), auth=one)

    assert response.status_code == 200
    assert sandbox.sign_ons == 2


def test_two_revoked_tokens_do_not_alternate(sandbox, tmp_path, monkeypatch):
    """If a literal and a file are both revoked, a person is asked once."""
    monkeypatch.setenv("A_TOKEN", sandbox.issue_token("tp_of-a-literal"))
    file = FileStore(tmp_path / "t.json")
    kept = sandbox.issue_token("tp_of-a-file")
    file.save(Token(kept, scope="tasks:read tasks:write"))
    auth = client_of(sandbox, ChainStore([EnvStore("A_TOKEN"), file]))
    sandbox.revoke_all()

    statuses = [requests.get(sandbox.url(PROJECT), auth=auth) for _ in range(3)]

    # The first one's answer to a 401 was the file's token, refused as well.
    assert [response.status_code for response in statuses] == [401, 200, 200]
    assert sandbox.sign_ons == 1


def test_without_a_way_to_renew_the_caller_gets_the_401(sandbox, caplog):
    """That is so for a revoked personal token, or without a person."""
    auth = TickTickAuth.from_token("tp_unknown", service=sandbox.service)

    response = requests.get(sandbox.url(PROJECT), auth=auth)

    assert response.status_code == 401
    assert response.history == []
    assert sandbox.api_calls == 1
    assert "refused the token" in caplog.text


@pytest.mark.parametrize(
    "error", [AuthorizationDeniedError("no"), TokenEndpointError("down")]
)
def test_a_failed_sign_on_after_a_401_raises(sandbox, error):
    """If the person denies access, the caller gets that error."""
    auth = client_of(sandbox, sign_on=Person(sandbox, None, error))
    requests.get(sandbox.url(PROJECT), auth=auth)
    sandbox.revoke_all()

    received = []

    class Recorder(requests.adapters.HTTPAdapter):
        def send(self, *args, **kwargs):
            received.append(super().send(*args, **kwargs))
            return received[-1]

    with requests.Session() as session:
        session.mount("http://", Recorder())
        with pytest.raises(type(error)):
            session.get(sandbox.url(PROJECT), auth=auth)
        # Nobody else could have closed it: the caller never saw it.
        assert received[0].raw.closed


def test_an_api_that_refuses_every_token_asks_one_person_once(sandbox):
    """A sign-on for each request would not help."""
    person = Person(sandbox)
    auth = client_of(sandbox, sign_on=person)
    requests.get(sandbox.url(PROJECT), auth=auth)
    sandbox.fail(8, 401, endpoint="api")

    for _ in range(4):
        assert requests.get(sandbox.url(PROJECT), auth=auth).status_code == 401

    assert person.asked == 2
    sandbox.fail(0, 401, endpoint="api")
    while requests.get(sandbox.url(PROJECT), auth=auth).status_code == 401:
        pass
    assert person.asked == 2


def test_an_api_that_refuses_every_token_does_not_ask_in_each_process(
    sandbox, tmp_path
):
    """A second process does not ask again for a token just refused."""
    person = Person(sandbox)
    auths = [
        client_of(sandbox, FileStore(tmp_path / "t.json"), sign_on=person)
        for _ in range(2)
    ]
    requests.get(sandbox.url(PROJECT), auth=auths[0])
    sandbox.fail(200, 401, endpoint="api")

    for _ in range(10):
        for auth in auths:
            response = requests.get(sandbox.url(PROJECT), auth=auth)
            assert response.status_code == 401

    assert person.asked <= 3


def test_a_token_once_refused_can_still_be_replaced_later(sandbox, clock):
    """The API failed for a moment. Months later the token is revoked."""
    person = Person(sandbox)
    auth = client_of(sandbox, sign_on=person, clock=clock)
    requests.get(sandbox.url(PROJECT), auth=auth)
    sandbox.fail(2, 401, endpoint="api")
    requests.get(sandbox.url(PROJECT), auth=auth)
    clock.advance(86400)
    assert requests.get(sandbox.url(PROJECT), auth=auth).ok

    sandbox.revoke_all()

    assert requests.get(sandbox.url(PROJECT), auth=auth).ok
    assert person.asked == 3


def test_a_reissued_token_that_is_refused_starts_no_further_sign_on(
    sandbox, clock, caplog
):
    """TickTick re-issues a token that its API refuses: no loop follows."""
    sandbox.reissue = True
    person = Person(sandbox)
    auth = client_of(sandbox, sign_on=person)
    requests.get(sandbox.url(PROJECT), auth=auth)
    sandbox.fail(20, 401, endpoint="api")

    for _ in range(5):
        response = requests.get(sandbox.url(PROJECT), auth=auth)
        assert response.status_code == 401

    assert person.asked == 2
    assert "Remove this app" in caplog.text


def test_a_401_to_the_callers_own_header_is_unchanged(sandbox, auth, session):
    """The API refused the caller's header and not the auth's."""
    request = session.prepare_request(requests.Request("GET", sandbox.url(PROJECT)))
    request.headers["Authorization"] = "Bearer of-mine"

    response = session.send(request)

    assert response.status_code == 401
    assert sandbox.sign_ons == 1


def test_another_hosts_401_after_a_redirect_gets_no_token(sandbox, session):
    """Hooks survive redirects in requests, so the origin is checked again."""
    with Sandbox() as foreign:
        sandbox.fail(1, 302, endpoint="api", headers={"Location": foreign.url(PROJECT)})

        response = session.get(sandbox.url(PROJECT))

        assert response.status_code == 401
        assert response.url == foreign.url(PROJECT)
        (seen,) = foreign.received
        assert "Authorization" not in seen.headers
    assert sandbox.sign_ons == 1


def test_another_hosts_401_to_a_leaked_token_gets_no_new_token(sandbox, auth):
    """A session that keeps headers on redirects leaks one token, not two."""

    class Careless(requests.Session):
        def rebuild_auth(self, prepared_request, response):
            pass

    with Sandbox() as foreign, Careless() as session:
        session.auth = auth
        sandbox.fail(1, 302, endpoint="api", headers={"Location": foreign.url(PROJECT)})

        assert session.get(sandbox.url(PROJECT)).status_code == 401

        assert len(foreign.received) == 1
    assert sandbox.sign_ons == 1


def test_the_rate_limit_is_no_authentication_error(sandbox, session):
    """TickTick reports it with a 500, which starts no sign-on."""
    session.get(sandbox.url(PROJECT))
    sandbox.rate_limit(1)

    response = session.get(sandbox.url(PROJECT))

    assert response.status_code == 500
    assert response.json()["errorCode"] == "exceed_query_limit"
    assert sandbox.sign_ons == 1


@pytest.mark.parametrize("status", [400, 403, 404, 407, 429, 500, 503])
def test_only_a_401_is_handled(sandbox, session, status):
    """Every other status is returned to the caller."""
    session.get(sandbox.url(PROJECT))
    sandbox.fail(1, status, endpoint="api")

    assert session.get(sandbox.url(PROJECT)).status_code == status
    assert sandbox.sign_ons == 1
