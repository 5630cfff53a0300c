"""Together with requests-ratelimiter."""

from __future__ import annotations

import io

import pytest
import requests
from optional import library
from wire_servers import TOKENS, Answer, knows_tokens

requests_ratelimiter = library("requests_ratelimiter")

PROJECT = "/open/v1/project"


@pytest.fixture
def limited():
    with requests_ratelimiter.LimiterSession(per_second=1000) as session:
        yield session


def test_the_rate_limiter_counts_and_the_401_is_answered(limited, server):
    """A file is sent again as it was."""
    limited.auth = knows_tokens(f"{server.url}/open/")
    server.answers.append(Answer(401))

    response = limited.post(f"{server.url}{PROJECT}", data=io.BytesIO(b"abc"))

    assert response.status_code == 200
    assert [seen.length for seen in server.seen] == [3, 3]
    sent = [seen.headers["authorization"] for seen in server.seen]
    assert sent == [f"Bearer {token}" for token in TOKENS[:2]]


def test_the_adapter_of_the_rate_limiter_is_passed_for_the_second_request(server):
    """So that it counts that one as well."""
    calls = []

    class Counting(requests_ratelimiter.LimiterAdapter):
        def send(self, request, **kwargs):
            calls.append(request.headers["Authorization"])
            return super().send(request, **kwargs)

    with requests.Session() as session:
        session.mount(server.url, Counting(per_second=1000))
        session.auth = knows_tokens(f"{server.url}/open/")
        server.answers.append(Answer(401))

        assert session.get(f"{server.url}{PROJECT}").status_code == 200

    assert len(calls) == 2
