"""Together with what requests and urllib3 bring along: threads, adapters, retries."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import requests
from clients import client_of
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.util import Retry
from wire_servers import TOKENS, Answer, knows_tokens

PROJECT = "/open/v1/project"

#: urllib3's retries and our answer to a 401, of one POST of a file.
RETRIES = {
    # what is retried: (its options, the answers, the tokens shown, what comes back)
    "a 500": ({"status_forcelist": [500]}, "500 500 200", "000", "200"),
    "too often": ({"status_forcelist": [500]}, "500 500 500", "000", "RetryError"),
    "a 500, then a 401": ({"status_forcelist": [500]}, "500 401 200", "001", "401 200"),
    "a 500 after the 401": (
        {"status_forcelist": [500]},
        "401 500 200",
        "011",
        "401 200",
    ),
    "no status": ({}, "401 200", "01", "401 200"),
    # urllib3 is nearer to the wire: a 401 that it retries, it retries first.
    "a 401": ({"status_forcelist": [401]}, "401 401 401", "000", "RetryError"),
    "a 401, given up quietly": (
        {"status_forcelist": [401], "raise_on_status": False},
        "401 401 401 200",
        "0001",
        "401 200",
    ),
    "both": (
        {"status_forcelist": [401, 500], "raise_on_status": False},
        "401 500 401 401 500 200",
        "000111",
        "401 200",
    ),
}


@pytest.fixture
def session(server):
    with requests.Session() as session:
        session.auth = knows_tokens(server.url)
        yield session


def shown(server):
    headers = [seen.headers["authorization"] for seen in server.seen]
    return "".join(str(TOKENS.index(each.partition(" ")[2])) for each in headers)


def prepared(session, url, method="GET", **options):
    return session.prepare_request(requests.Request(method, url, **options))


# -- threads and sessions ----------------------------------------------------------


def takes(server, number):
    """Have the server take one of the tokens, and no other."""
    header = f"Bearer {TOKENS[number]}"
    server.otherwise = lambda seen: Answer(
        200 if seen.headers["authorization"] == header else 401
    )


@pytest.mark.parametrize("sessions", [1, 8])
def test_threads_get_a_401_at_one_time(server, sessions):
    """One session of many threads, or many sessions of one auth."""
    takes(server, 1)
    auth = knows_tokens(server.url)
    several = [requests.Session() for _ in range(sessions)]
    for session in several:
        session.auth = auth

    def call(number):
        return several[number % sessions].get(server.url).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(call, range(64))) == {200}

    assert set(shown(server)) == {"0", "1"}
    for session in several:
        session.close()


def test_a_request_prepared_here_is_sent_in_many_threads(server, session):
    """What a 401 leads to is no property of the request, nor of a thread."""
    takes(server, 1)
    request = prepared(session, server.url, "POST", data=b"body")

    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(session.send, [request] * 32))

    assert {response.status_code for response in responses} == {200}
    assert {seen.length for seen in server.seen} == {4}


def test_a_request_prepared_once_is_sent_for_ever(server, session):
    """Its 401 is answered each time that it is sent."""
    request = prepared(session, server.url)
    takes(server, 1)

    assert [session.send(request).status_code for _ in range(3)] == [200] * 3

    assert shown(server) == "010101"


def test_a_request_prepared_once_outlives_two_tokens(server, session):
    """The call whose second token is refused as well leads to a third one."""
    request = prepared(session, server.url)
    takes(server, 1)
    session.send(request)
    takes(server, 2)
    session.send(request)

    assert session.send(request).status_code == 200


def test_other_hooks_see_the_second_answer(server, session):
    """A program's own hooks are not called for what it never sees."""
    server.answers.append(Answer(401))
    seen = []
    session.hooks["response"].append(lambda response, **_: seen.append(response))

    response = session.get(server.url)

    assert seen == [response]
    assert response.status_code == 200


def test_a_hook_that_has_read_the_401_already(server, session):
    """What it has read stays read, and the second answer comes all the same."""
    server.answers.append(Answer(401, body=b"x" * 100_000))
    read = []
    request = prepared(session, server.url)
    request.hooks["response"].insert(0, lambda r, **_: read.append(len(r.content)))

    response = session.send(request)

    assert read == [100_000]
    assert len(response.history[0].content) == 100_000
    assert response.status_code == 200


# -- adapters ----------------------------------------------------------------------


@pytest.mark.parametrize("connected", [True, False])
def test_an_adapter_without_a_network(connected):
    """It answers twice if it lets itself be found, and the 401 once if not."""

    class InMemory(BaseAdapter):
        def __init__(self):
            super().__init__()
            self.answers = [401, 200]

        def send(self, request, **_):
            response = requests.Response()
            response.status_code = self.answers.pop(0)
            response._content = b"{}"
            response.request, response.url = request, request.url
            if connected:
                response.connection = self
            return response

        def close(self):
            pass

    url = "https://api.sandbox.test"
    with requests.Session() as session:
        session.auth = knows_tokens(url)
        session.mount("https://", InMemory())

        response = session.get(url)

    assert response.status_code == (200 if connected else 401)
    assert response.elapsed >= timedelta(0)


@pytest.mark.parametrize("what", RETRIES)
def test_retries_of_urllib3(server, session, tmp_path, what):
    """They are made with one token, below the answer to a 401; bodies stay whole."""
    options, answers, tokens, expected = RETRIES[what]
    server.answers.extend(Answer(int(status)) for status in answers.split())
    retry = Retry(2, allowed_methods=None, **options)
    session.mount(server.url, HTTPAdapter(max_retries=retry))
    path = tmp_path / "body"
    path.write_bytes(b"skipped, and sent")

    with path.open("rb") as file:
        file.seek(9)
        try:
            response = session.post(server.url, data=file)
        except requests.exceptions.RetryError:
            outcome = "RetryError"
        else:
            chain = [*response.history, response]
            outcome = " ".join(str(each.status_code) for each in chain)

    assert outcome == expected
    assert shown(server) == tokens
    assert {seen.length for seen in server.seen} == {8}
    assert len({seen.sha256 for seen in server.seen}) == 1


def test_a_pool_that_blocks(sandbox):
    """One connection is enough for the call, its 401 and the second request."""
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(pool_maxsize=1, pool_block=True))
        session.auth = client_of(sandbox)
        for _ in range(2):
            sandbox.revoke_all()
            response = session.get(sandbox.url(PROJECT), stream=True)
            assert response.status_code == 200
            response.close()


# -- copies ------------------------------------------------------------------------


def test_a_pickled_response_holds_no_token(server, session, secrets):
    """Who keeps responses keeps no tokens: not the one sent, nor a refused one."""
    server.answers.append(Answer(401))
    response = session.get(server.url)

    data = pickle.dumps(response)

    secrets.check(data.decode("latin-1"))
    kept = pickle.loads(data)
    assert [each.status_code for each in [*kept.history, kept]] == [401, 200]
    assert kept.request.headers["Authorization"] == "Bearer ***"


def test_a_request_does_not_show_its_token(server, session, secrets):
    """Whoever prints the headers of a request sees that there is one."""
    request = prepared(session, server.url)

    secrets.check(repr(request.headers))
    assert "***" in repr(request.headers)


@pytest.mark.parametrize("clone", [copy.deepcopy, requests.PreparedRequest.copy])
def test_a_copied_request_can_be_sent(server, session, clone):
    """Its token is with it, and so is the answer to a 401."""
    request = clone(prepared(session, server.url))
    server.answers.append(Answer(401))

    assert session.send(request).status_code == 200
    assert shown(server) == "01"
