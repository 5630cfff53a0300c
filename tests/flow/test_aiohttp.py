"""What is aiohttp's own: its errors, its redirects, its bodies."""

from __future__ import annotations

import asyncio
import io
import pickle

import pytest
import requests
from clients import Person, client_of
from ways_in import Way
from wire_servers import TOKENS, Answer, knows_tokens

from requests_ticktick import (
    AuthorizationDeniedError,
    SignOnError,
    SignOnRequiredError,
    TokenEndpointError,
    refuse,
)

PROJECT = "/open/v1/project"


@pytest.fixture
def way(require_module):
    return Way("aiohttp", require_module)


def test_an_error_is_one_of_aiohttp_s_as_well(way, sandbox):
    """``except aiohttp.ClientError`` is what its programs say."""
    auth = client_of(sandbox, sign_on=refuse)

    with pytest.raises(way.library.ClientError) as caught:
        way.call(auth, "GET", sandbox.url(PROJECT))

    error = caught.value
    assert isinstance(error, SignOnRequiredError)
    assert isinstance(error, requests.RequestException)
    assert type(error).__name__ == "SignOnRequiredError"
    assert type(error).__module__ == SignOnRequiredError.__module__


def test_an_error_keeps_its_fields_its_cause_and_its_pickle(way, sandbox):
    """A pickle is read where there is no aiohttp."""
    sandbox.fail(1, 400, {"error": "invalid_grant", "error_description": "Used."})

    with pytest.raises(TokenEndpointError) as caught:
        way.call(client_of(sandbox), "GET", sandbox.url(PROJECT))

    error = caught.value
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is TokenEndpointError
    assert (
        (copy.error, copy.status_code) == (error.error, 400) == ("invalid_grant", 400)
    )
    assert str(copy) == str(error)


def test_a_mistake_of_ones_own_is_the_cause(way, sandbox):
    """As it is in requests."""
    auth = client_of(sandbox, sign_on=Person(sandbox, ValueError("a mistake")))

    with pytest.raises(SignOnError) as caught:
        way.call(auth, "GET", sandbox.url(PROJECT))

    assert isinstance(caught.value.__cause__, ValueError)


def test_others_do_not_get_an_error_of_aiohttp_s(way, sandbox):
    """Threads with requests share the failure, and not its class."""
    person = Person(sandbox, AuthorizationDeniedError("no"))
    auth = client_of(sandbox, sign_on=person)
    with pytest.raises(way.library.ClientError):
        way.call(auth, "GET", sandbox.url(PROJECT))

    with pytest.raises(AuthorizationDeniedError) as caught:
        auth.token()

    assert not isinstance(caught.value, way.library.ClientError)
    assert person.asked == 1


def test_a_connection_is_not_lost_with_an_error(way, sandbox):
    """The 401 that nobody gets is closed."""
    person = Person(sandbox, None, AuthorizationDeniedError("no"))
    auth = client_of(sandbox, sign_on=person)
    auth.token()
    sandbox.fail(1, 401, b"x" * 1_000_000, endpoint="api")  # more than was read

    async def main():
        connector = way.library.TCPConnector(limit=1)
        middleware = way.kind.of(auth)
        async with way.library.ClientSession(
            connector=connector, middlewares=[middleware]
        ) as session:
            with pytest.raises(AuthorizationDeniedError) as caught:
                await session.get(sandbox.url(PROJECT))
            assert caught.tb is not None  # which has the response
            async with session.get(sandbox.url("/oauth/authorize")) as response:
                return response.status

    assert asyncio.run(main()) >= 400


def test_a_form_with_a_file_gets_its_401_back(way, server):
    """A form of values alone is bytes, and is sent again."""
    auth = knows_tokens(f"{server.url}/open/")
    server.answers += [Answer(401), Answer(401)]

    for body, status in (({"file": io.BytesIO(b"abc")}, 401), ({"a": "b"}, 200)):
        assert way.call(auth, "POST", f"{server.url}{PROJECT}", body=body).status == (
            status
        )

    assert [seen.length for seen in server.seen][1:] == [3, 3]


def test_a_call_is_sent_again_once_whatever_its_redirects(way, server):
    """Aiohttp calls the middleware for each of them."""
    server.answers += [Answer(401), *[Answer(302, {"Location": "/open/a"})] * 2]
    server.otherwise = lambda seen: Answer(401)
    auth = knows_tokens(f"{server.url}/open/")

    assert way.call(auth, "GET", f"{server.url}/open/b").status == 401

    headers = [f"Bearer {TOKENS[number]}" for number in (0, 1, 1, 1)]
    assert [seen.headers["authorization"] for seen in server.seen] == headers


def test_a_redirect_that_is_not_followed_is_forgotten(way, server):
    """A later call to where it led is sent again like any other."""
    redirect = Answer(302, {"Location": "/open/a"})
    server.answers += [Answer(401), redirect, Answer(200), Answer(401), Answer(200)]

    async def main():
        middleware = way.kind.of(knows_tokens(f"{server.url}/open/"))
        async with way.library.ClientSession(middlewares=[middleware]) as session:
            for path in "bca":
                url = f"{server.url}/open/{path}"
                async with session.get(url, allow_redirects=False) as response:
                    yield response.status

    async def statuses():
        return [status async for status in main()]

    assert asyncio.run(statuses()) == [302, 200, 200]


def test_a_redirect_that_leads_nowhere_is_aiohttp_s_error(way, server):
    """Not one of the middleware."""
    nowhere = {"Location": "http://[nowhere"}
    server.answers += [Answer(401), Answer(302, nowhere), Answer(302, nowhere)]

    with pytest.raises(way.library.InvalidURL):
        way.call(knows_tokens(f"{server.url}/open/"), "GET", f"{server.url}/open/b")


def test_a_response_of_an_error_does_not_show_the_token(way, server):
    """Error trackers send the text of an exception."""
    server.otherwise = lambda seen: Answer(404)

    async def main():
        middleware = way.kind.of(knows_tokens(f"{server.url}/open/"))
        async with way.library.ClientSession(
            middlewares=[middleware], raise_for_status=True
        ) as session:
            await session.get(f"{server.url}/open/b")

    with pytest.raises(way.library.ClientResponseError) as caught:
        asyncio.run(main())

    assert TOKENS[0] not in repr(caught.value) + str(caught.value)
