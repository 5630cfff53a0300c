"""httpx, httpx2 and aiohttp carry the token as requests does."""

from __future__ import annotations

import copy
import importlib
import pickle
import sys

import pytest
import requests
from clients import Person, client_of
from observing import warnings_in
from ways_in import once
from wire_servers import TOKENS, Answer, Server, knows_tokens

from requests_ticktick import (
    AuthorizationDeniedError,
    FileStore,
    MemoryStore,
    SignOnRequiredError,
    TickTickAuth,
    refuse,
)

PROJECT = "/open/v1/project"


def bearers(server):
    """Which of the tokens each request had, by its number."""
    numbers = {f"Bearer {token}": number for number, token in enumerate(TOKENS)}
    return [numbers.get(seen.headers.get("authorization")) for seen in server.seen]


def api_of(server):
    """An auth for /open/ there, which has another token for each 401."""
    return knows_tokens(f"{server.url}/open/")


def test_the_first_call_signs_on_and_others_share_the_token(way, sandbox):
    """Calls of this client and of requests, in whichever order."""
    auth = client_of(sandbox)

    statuses = [way.call(auth, "GET", sandbox.url(PROJECT)).status for _ in range(2)]
    statuses.append(requests.get(sandbox.url(PROJECT), auth=auth).status_code)

    assert statuses == [200] * 3
    assert (sandbox.sign_ons, sandbox.api_calls) == (1, 3)


def test_a_401_is_answered_once(way, sandbox):
    """The token is renewed, and the request sent again."""
    auth = client_of(sandbox)
    auth.token()
    sandbox.revoke_all()

    assert way.call(auth, "GET", sandbox.url(PROJECT)).status == 200
    assert (sandbox.sign_ons, sandbox.api_calls) == (2, 2)


def test_a_second_401_is_final(way, server):
    """However many tokens there are."""
    server.otherwise = lambda seen: Answer(401)

    assert way.call(api_of(server), "GET", f"{server.url}{PROJECT}").status == 401

    assert bearers(server) == [0, 1]


def test_a_401_after_a_redirect_that_answered_the_second_request_is_final(way, server):
    """One call is sent again once, whatever redirects come."""
    to_itself = Answer(302, {"Location": PROJECT})
    server.answers += [Answer(401), to_itself]
    server.otherwise = lambda seen: Answer(401)

    assert way.call(api_of(server), "GET", f"{server.url}{PROJECT}").status == 401

    assert set(bearers(server)) <= {0, 1, None}
    assert bearers(server)[:2] == [0, 1]


def test_the_next_call_is_answered_again(way, server):
    """What one call was refused does not count for the next one."""
    auth = api_of(server)
    server.answers += [Answer(401), Answer(302, {"Location": "/open/a"}), Answer()]
    way.call(auth, "GET", f"{server.url}{PROJECT}")
    del server.seen[:]
    server.answers.append(Answer(401))

    assert way.call(auth, "GET", f"{server.url}{PROJECT}").status == 200

    assert bearers(server) == [1, 2]


def test_a_foreign_url_gets_no_token_and_is_called_once(way, server):
    """Not even where it answers 401."""
    with Server() as foreign:
        foreign.otherwise = lambda seen: Answer(401)

        answer = way.call(api_of(server), "GET", f"{foreign.url}{PROJECT}")

        assert answer.status == 401
        assert bearers(foreign) == [None]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_loses_the_token(way, server, status):
    """And that host's 401 is its own."""
    with Server() as foreign:
        foreign.otherwise = lambda seen: Answer(401)
        server.answers.append(Answer(status, {"Location": f"{foreign.url}{PROJECT}"}))

        answer = way.call(api_of(server), "GET", f"{server.url}{PROJECT}")

        assert answer.status == 401
        assert (bearers(server), bearers(foreign)) == ([0], [None])


@pytest.mark.parametrize(
    "place",
    [
        "/api/v2/user",
        "/open/%2e%2e/api/v2",
        "/open/..;/api",
        "//",
        "/open",
        "/openness/",
    ],
)
def test_a_redirect_to_another_path_of_the_host_loses_the_token(way, server, place):
    """The token is for /open/ alone."""
    location = f"{server.url}{place}"
    server.answers.append(Answer(302, {"Location": location}))
    server.otherwise = lambda seen: Answer(401)

    answer = way.call(api_of(server), "GET", f"{server.url}{PROJECT}")

    assert answer.status == 401
    assert bearers(server) == [0, None]


def test_a_redirect_within_the_api_keeps_the_token(way, server):
    """In the end: httpx asks once without it."""
    server.answers.append(Answer(307, {"Location": "/open/v1/other"}))
    server.otherwise = lambda seen: Answer(
        200 if "authorization" in seen.headers else 401
    )

    answer = way.call(api_of(server), "POST", f"{server.url}{PROJECT}", body=b"abc")

    assert answer.status == 200
    last = server.seen[-1]
    assert (last.path, last.length) == ("/open/v1/other", 3)
    assert set(bearers(server)) <= {0, None}


@pytest.mark.parametrize("other", ["/api/v2/project", "/open/../api/v2", "/"])
def test_the_first_request_is_looked_at_as_well(way, server, other):
    """Whatever the client makes of the address."""
    way.call(api_of(server), "GET", f"{server.url}{other}")

    assert bearers(server) == [None]


def test_the_callers_own_header_is_replaced(way, server):
    """As by every auth; there is one such header, and not two."""
    headers = {"authorization": "Bearer of-mine"}

    way.call(api_of(server), "GET", f"{server.url}{PROJECT}", headers=headers)

    assert bearers(server) == [0]


def test_bytes_are_sent_again_byte_for_byte(way, server):
    """And the response to the second request is the caller's."""
    server.answers += [Answer(401), Answer(201)]

    answer = way.call(api_of(server), "POST", f"{server.url}{PROJECT}", body=b"abc\0")

    assert answer.status == 201
    first, second = server.seen
    assert first.length == second.length == 4
    assert first.sha256 == second.sha256


def test_a_body_that_was_read_gets_its_401_back(way, server, caplog):
    """It is not sent empty; and the next call has the new token."""
    auth = api_of(server)
    server.answers.append(Answer(401))

    body = once(way, b"abc")
    answer = way.call(auth, "POST", f"{server.url}{PROJECT}", body=body)

    assert answer.status == 401
    assert [seen.length for seen in server.seen] == [3]
    assert "make the call again" in warnings_in(caplog)[-1]
    assert way.call(auth, "GET", f"{server.url}{PROJECT}").status == 200
    assert bearers(server) == [0, 1]


def test_without_a_person_the_401_comes_back(way, sandbox, caplog):
    """As for a personal token that was revoked."""
    auth = TickTickAuth.from_token("tp_unknown", service=sandbox.service)

    assert way.call(auth, "GET", sandbox.url(PROJECT)).status == 401

    assert sandbox.api_calls == 1
    assert "The API refused the token." in warnings_in(caplog)[-1]


def test_without_a_token_and_a_person_the_error_is_ours(way, sandbox):
    """It names the command to run, and no request is sent."""
    auth = client_of(sandbox, sign_on=refuse)

    with pytest.raises(SignOnRequiredError, match="requests-ticktick login"):
        way.call(auth, "GET", sandbox.url(PROJECT))

    assert sandbox.api_calls == 0


def test_an_error_after_a_401_is_ours(way, sandbox):
    """The person said no."""
    auth = client_of(
        sandbox, sign_on=Person(sandbox, None, AuthorizationDeniedError("no"))
    )
    auth.token()
    sandbox.revoke_all()

    with pytest.raises(AuthorizationDeniedError):
        way.call(auth, "GET", sandbox.url(PROJECT))


def test_an_api_that_refuses_every_token_asks_one_person_once(way, sandbox):
    """A sign-on for each call would not help."""
    person = Person(sandbox)
    auth = client_of(sandbox, sign_on=person)
    auth.token()
    sandbox.fail(8, 401, endpoint="api")

    for _ in range(4):
        assert way.call(auth, "GET", sandbox.url(PROJECT)).status == 401

    assert person.asked == 2


@pytest.mark.parametrize("status", [401, 403])
def test_the_refusal_of_a_client_that_registered_itself_is_explained(
    way, sandbox, caplog, status
):
    """Once; another sign-on would be in vain."""
    person = Person(sandbox)
    auth = TickTickAuth(
        register=True, service=sandbox.service, store=MemoryStore(), sign_on=person
    )
    sandbox.fail(2, status, endpoint="api")

    for _ in range(2):
        assert way.call(auth, "GET", sandbox.url(PROJECT)).status == status

    assert person.asked == 1
    told = [text for text in warnings_in(caplog) if "registered itself" in text]
    assert len(told) == 1


def test_a_wrong_host_of_ticktick_s_is_logged(way, server, caplog):
    """The person who gets the 401 wonders why."""
    auth = TickTickAuth.from_token(TOKENS[0])
    kind = way.kind.of(auth)
    logged = kind.auth if way.is_aiohttp else kind

    assert not logged.gets_token("https://ticktick.com/open/v1/project")

    assert "Call https://api.ticktick.com/open/v1/" in warnings_in(caplog)[-1]


def test_it_is_made_like_the_auth_of_requests(way, sandbox, tmp_path):
    """By the same constructor, too."""
    file = FileStore(tmp_path / "token.json")
    made = way.kind(
        sandbox.client_id,
        client_secret=sandbox.client_secret,
        redirect_uri=sandbox.redirect_uri,
        store=file,
        sign_on=sandbox.sign_on,
        service=sandbox.service,
    )
    auth = made.auth if way.is_aiohttp else made

    assert way.call(auth, "GET", sandbox.url(PROJECT)).status == 200

    assert auth.peek() == file.load()
    assert isinstance(auth, TickTickAuth)


@pytest.mark.parametrize("name", ["httpx", "httpx2", "aiohttp"])
def test_without_the_library_the_extra_is_named(name, monkeypatch):
    """It is the first thing that a new user runs into."""
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"requests_ticktick.{name}", raising=False)

    with pytest.raises(ImportError, match=rf"pip install .*\[{name}\]'"):
        importlib.import_module(f"requests_ticktick.{name}")


def test_only_an_auth_is_shared(way):
    """A mistake shows at once."""
    with pytest.raises(TypeError, match="TickTickAuth"):
        way.kind.of("client-id")


def test_pickles_and_copies_work(way, sandbox):
    """They share the store."""
    auth = client_of(sandbox)
    auth.token()
    made = way.kind.of(auth)

    for other in (
        copy.copy(made),
        copy.deepcopy(made),
        pickle.loads(pickle.dumps(made)),
    ):
        other = other.auth if way.is_aiohttp else other
        assert way.call(other, "GET", sandbox.url(PROJECT)).status == 200
    assert sandbox.sign_ons == 1
