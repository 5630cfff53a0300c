"""Together with libraries that answer in the server's place."""

from __future__ import annotations

import io

import pytest
import requests
from optional import library
from requests.adapters import BaseAdapter
from wire_servers import TOKENS, knows_tokens

from requests_ticktick import MemoryStore, Service, TickTickAuth, Token

requests_mock = library("requests_mock")
responses = library("responses")

API = "https://api.sandbox.test"
URL = f"{API}/open/v1/project"


@pytest.fixture
def session(secrets):
    secrets.add(*TOKENS)
    with requests.Session() as session:
        session.auth = knows_tokens(API)
        yield session


def bearer(number):
    return f"Bearer {TOKENS[number]}"


def statuses(response):
    return [each.status_code for each in [*response.history, response]]


# -- responses ---------------------------------------------------------------------


def test_responses_answers_a_second_time(session):
    """What is sent again goes through the mock as well."""
    with responses.RequestsMock() as mock:
        mock.post(URL, status=401)
        mock.post(URL, json=[])

        response = session.post(URL, data=io.BytesIO(b"body"))

        assert [call.request.headers["Authorization"] for call in mock.calls] == [
            bearer(0),
            bearer(1),
        ]
        assert [call.request.body for call in mock.calls] == [b"body"] * 2
    assert statuses(response) == [401, 200]
    assert response.json() == []


def test_responses_refuses_twice(session):
    """The second 401 is the caller's."""
    with responses.RequestsMock() as mock:
        mock.get(URL, status=401)

        response = session.get(URL)

        assert len(mock.calls) == 2
    assert statuses(response) == [401, 401]


def test_responses_redirects_after_a_401(session):
    """The redirect is followed with the token that works."""
    with responses.RequestsMock() as mock:
        mock.get(URL, status=401)
        mock.get(URL, status=302, headers={"Location": f"{API}/there"})
        mock.get(f"{API}/there", json=[])

        assert session.get(URL).status_code == 200

        assert mock.calls[-1].request.headers["Authorization"] == bearer(1)


# -- requests-mock -----------------------------------------------------------------


def test_requests_mock_answers_a_second_time(session):
    """What is sent again goes through the mock as well."""
    with requests_mock.Mocker() as mock:
        mock.post(URL, [{"status_code": 401}, {"json": []}])

        response = session.post(URL, data=b"body")

        headers = [each.headers["Authorization"] for each in mock.request_history]
        assert headers == [bearer(0), bearer(1)]
        assert [each.body for each in mock.request_history] == [b"body"] * 2
    assert statuses(response) == [401, 200]


def test_requests_mock_redirects_after_a_401(session):
    """The redirect is followed with the token that works."""
    there = {"status_code": 302, "headers": {"Location": f"{API}/there"}}
    with requests_mock.Mocker() as mock:
        mock.get(URL, [{"status_code": 401}, there])
        mock.get(f"{API}/there", json=[])

        assert session.get(URL).status_code == 200

        assert mock.last_request.headers["Authorization"] == bearer(1)


def test_a_response_that_requests_mock_has_made_up(session):
    """It has a connection that cannot send: the 401 comes back."""

    class Adapter(BaseAdapter):
        def send(self, request, **_):
            return requests_mock.create_response(request, status_code=401)

        def close(self):
            pass

    session.mount(API, Adapter())

    response = session.get(URL)

    assert statuses(response) == [401]
    assert session.auth.token().access_token == TOKENS[1]


# -- token requests ----------------------------------------------------------------

TOKEN = f"{API}/token"


@pytest.fixture
def refreshing(secrets):
    """A session whose token can be refreshed, and is refused."""
    old, new = f"{TOKENS[0]}-old", f"{TOKENS[1]}-new"
    secrets.add(old, new, "the-refresh-token")
    with requests.Session() as session:
        session.auth = TickTickAuth(
            "my-client",
            "secret",
            store=MemoryStore(Token(old, refresh_token="the-refresh-token")),
            service=Service(f"{API}/authorize", TOKEN, API),
        )
        session.answer = {"access_token": new, "token_type": "bearer"}
        yield session


def test_requests_mock_answers_a_token_request_within_a_request(refreshing):
    """It holds a lock for this thread while a 401 is answered."""
    with requests_mock.Mocker() as mock:
        mock.get(URL, [{"status_code": 401}, {"json": []}])
        mock.post(TOKEN, json=refreshing.answer)

        assert statuses(refreshing.get(URL)) == [401, 200]

        assert mock.call_count == 3


def test_responses_answers_a_token_request_within_a_request(refreshing):
    """In whatever thread that is sent."""
    with responses.RequestsMock() as mock:
        mock.get(URL, status=401)
        mock.get(URL, json=[])
        mock.post(TOKEN, json=refreshing.answer)

        assert statuses(refreshing.get(URL)) == [401, 200]


def test_a_mounted_adapter_answers_a_token_request(refreshing):
    """Of the session that carries token requests."""
    adapter = requests_mock.Adapter()
    adapter.register_uri("POST", TOKEN, json=refreshing.answer)
    with requests.Session() as session:
        session.mount(API, adapter)
        auth = TickTickAuth(
            "my-client",
            "secret",
            store=MemoryStore(),
            sign_on=lambda r: f"?code=c0de&state={r.state}",
            service=Service(f"{API}/authorize", TOKEN, API),
            session=session,
        )

        assert auth.token().access_token == refreshing.answer["access_token"]
