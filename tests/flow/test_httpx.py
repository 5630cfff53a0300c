"""What is httpx's own: its headers, its multipart bodies, its history."""

from __future__ import annotations

import io
import pickle

import pytest
import requests
from observing import warnings_in
from ways_in import Pipe
from wire_servers import TOKENS, Answer, knows_tokens

from requests_ticktick import TickTickAuth

URL = "https://api.ticktick.com/open/v1/project"


@pytest.fixture
def refuses_once(server):
    """An API that refuses the first token, with an auth that has a second."""
    server.answers.append(Answer(401, {"Set-Cookie": "seen=1"}))
    server.auth = knows_tokens(f"{server.url}/open/")
    server.address = f"{server.url}/open/v1/task"
    return server


def upload(way, server, file):
    """Send a file among other fields, and return the answer."""
    files = {"file": ("a.txt", file), "note": (None, b"a note")}
    return way.call(server.auth, "POST", server.address, body=files)


@pytest.mark.parametrize("offset", [0, 2])
def test_files_of_a_form_are_sent_again(httpx_way, refuses_once, offset):
    """As httpx sent them at first, which is from their beginning."""
    file = io.BytesIO(b"the content")
    file.seek(offset)

    assert upload(httpx_way, refuses_once, file).status == 200

    first, second = refuses_once.seen
    assert first.length == second.length > 100
    assert first.sha256 == second.sha256


class Grows(io.BytesIO):
    """A file that another program goes on writing to."""

    def read(self, *args):
        block = super().read(*args)
        if not block:
            position = self.tell()
            self.write(b" and more")
            self.seek(position + 9)
        return block


class Closed(io.BytesIO):
    """A file that is closed once it has been read."""

    def read(self, *args):
        block = super().read(*args)
        if not block:
            self.close()
        return block


class Reads:
    """Something that can be read, and nothing else."""

    def __init__(self, content):
        self.read = io.BytesIO(content).read


@pytest.mark.parametrize("kind", [Pipe, Grows, Closed, Reads])
def test_files_of_a_form_that_are_not_the_same_again(
    httpx_way, refuses_once, caplog, kind
):
    """The caller gets the 401."""
    assert upload(httpx_way, refuses_once, kind(b"the content")).status == 401

    assert len(refuses_once.seen) == 1
    assert "make the call again" in warnings_in(caplog)[-1]


def test_a_redirect_within_the_api_does_not_empty_a_form(httpx_way, refuses_once):
    """What httpx sent on with nothing in it is not sent with the token."""
    refuses_once.answers.clear()
    refuses_once.answers.append(Answer(307, {"Location": refuses_once.address}))
    refuses_once.otherwise = lambda seen: Answer(
        200 if "authorization" in seen.headers else 401
    )

    assert upload(httpx_way, refuses_once, Pipe(b"the content")).status == 401

    assert "authorization" not in refuses_once.seen[-1].headers


def test_the_history_has_what_was_sent(httpx_way, refuses_once):
    """The first request with the first token, the second with the second."""
    answer = httpx_way.call(refuses_once.auth, "GET", refuses_once.address)

    (first,) = answer.response.history
    sent = [r.request.headers["Authorization"] for r in (first, answer.response)]
    assert sent == [f"Bearer {token}" for token in TOKENS[:2]]
    assert refuses_once.seen[1].headers["cookie"] == "seen=1"


def test_neither_a_repr_nor_a_pickle_shows_the_token(httpx_way, refuses_once):
    """Caches pickle responses, with their requests."""
    response = httpx_way.call(refuses_once.auth, "GET", refuses_once.address).response
    shown = [repr(each.request.headers) for each in (response, *response.history)]
    pickled = pickle.dumps(response)

    assert not any(token in text for token in TOKENS for text in shown)
    assert not any(token.encode() in pickled for token in TOKENS)
    request = pickle.loads(pickled).request
    assert request.headers["Authorization"] == "Bearer ***"
    assert request.url == refuses_once.address


@pytest.fixture
def sent(sync_way, server):
    """Make a request as ``change`` has it, and return the header that came."""
    library = sync_way.library

    def send(change):
        auth = sync_way.kind.of(knows_tokens(f"{server.url}/open/"))
        hooks = {"request": [lambda request: change(request.headers)]}
        with library.Client(
            auth=auth, event_hooks=hooks, trust_env=False, verify=False
        ) as client:
            response = client.get(f"{server.url}/open/v1/project")
        return server.seen[-1].headers.get("authorization"), response

    return send


def test_a_hook_sees_the_header(sent):
    """In the ways that programs look at it."""
    seen = []

    def look(headers):
        seen.append(headers["authorization"])
        seen.append(headers.get("Authorization"))
        seen.append(dict(headers.multi_items())["authorization"])
        assert "AUTHORIZATION" in headers
        assert "accept" in headers
        assert "x-other" not in headers
        headers["X-Mine"] = "1"
        del headers["x-mine"]

    header, _ = sent(look)

    assert seen == [f"Bearer {TOKENS[0]}"] * 3
    assert header == seen[0]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda headers: headers.update({"Authorization": "My own"}), "My own"),
        (lambda headers: headers.__setitem__("authorization", "Mine"), "Mine"),
        (lambda headers: headers.pop("Authorization"), None),
    ],
)
def test_a_hook_may_change_the_header(sent, server, change, expected):
    """Then the API's 401 is no answer to ours."""
    server.otherwise = lambda seen: Answer(401)

    header, response = sent(change)

    assert header == expected
    assert response.status_code == 401
    assert response.request.headers.get("Authorization") == expected
    items = dict(response.request.headers.multi_items())
    assert items.get("authorization") == expected
    assert pickle.loads(pickle.dumps(response)).request.headers == (
        response.request.headers
    )
    assert len(server.seen) == 1


def test_the_auth_of_requests_says_that_it_is_not_httpx_s(sync_way):
    """Httpx takes any function, and calls it with something else."""
    auth = TickTickAuth.from_token("tp_1")

    with (
        sync_way.library.Client(auth=auth, verify=False) as client,
        pytest.raises(TypeError, match=r"requests_ticktick\.httpx"),
    ):
        client.get(URL)


def test_one_object_serves_requests_as_well(sync_way, server):
    """It is an auth of both."""
    auth = sync_way.kind.of(knows_tokens(f"{server.url}/open/"))
    server.answers += [Answer(401), Answer(200)]

    assert requests.get(f"{server.url}/open/v1/project", auth=auth).status_code == 200

    assert isinstance(auth, sync_way.library.Auth)
    assert isinstance(auth, requests.auth.AuthBase)
