"""Together with requests-toolbelt."""

from __future__ import annotations

import base64
import io

import pytest
import requests
from optional import library
from wire_servers import TOKENS, Answer, Server, knows_tokens

library("requests_toolbelt")

from requests_toolbelt import (  # noqa: E402 - after the skip
    MultipartEncoder,
    MultipartEncoderMonitor,
    StreamingIterator,
)
from requests_toolbelt.auth.handler import AuthHandler  # noqa: E402 - after the skip
from requests_toolbelt.sessions import BaseUrlSession  # noqa: E402 - after the skip

CONTENT = b"x" * 100_000


def multipart():
    return MultipartEncoder({"f": ("name", io.BytesIO(CONTENT)), "a": "1"}, "boundary")


#: What toolbelt streams can be read once.
STREAMS = {
    "MultipartEncoder": multipart,
    "MultipartEncoderMonitor": lambda: MultipartEncoderMonitor(multipart()),
    "StreamingIterator": lambda: StreamingIterator(len(CONTENT), iter([CONTENT])),
}


@pytest.fixture
def server(secrets):
    secrets.add(*TOKENS)
    with Server() as server:
        yield server


def test_an_auth_for_each_host(server):
    """AuthHandler gives the API ours, and another host its own, redirects too."""
    with Server("other") as other, requests.Session() as session:
        session.auth = AuthHandler(
            {server.url: knows_tokens(server.url), other.url: ("me", "mine")}
        )
        server.answers.append(Answer(401))
        assert session.get(server.url).status_code == 200
        session.get(other.url)
        server.answers.append(Answer(302, {"Location": other.url}))
        session.get(server.url)

    shown = [seen.headers["authorization"] for seen in server.seen]
    assert shown == [f"Bearer {TOKENS[number]}" for number in (0, 1, 1)]
    basic = f"Basic {base64.b64encode(b'me:mine').decode()}"
    assert [seen.headers.get("authorization") for seen in other.seen] == [basic, None]


@pytest.mark.parametrize("stream", STREAMS)
def test_a_stream_is_sent_once(server, stream):
    """The 401 comes back, no byte was sent twice, and the next call succeeds."""
    server.answers.append(Answer(401))

    with requests.Session() as session:
        session.auth = knows_tokens(server.url)
        statuses = [
            session.post(server.url, data=STREAMS[stream]()).status_code
            for _ in range(2)
        ]

    assert statuses == [401, 200]
    first, second = server.seen
    assert first.length >= len(CONTENT)
    assert first.sha256 == second.sha256


def test_a_session_with_a_base_url(server):
    """It is a session like any other."""
    server.answers.append(Answer(401))

    with BaseUrlSession(server.url) as session:
        session.auth = knows_tokens(server.url)

        assert session.get("/open/v1/project").status_code == 200

    assert [seen.path for seen in server.seen] == ["/open/v1/project"] * 2
