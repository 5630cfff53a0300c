"""Together with caches: of the session, and of the adapter."""

from __future__ import annotations

import pytest
import requests
from optional import library
from wire_servers import TOKENS, Answer, Server, knows_tokens

requests_cache = library("requests_cache")
cachecontrol = library("cachecontrol")

from cachecontrol.caches import FileCache  # noqa: E402 - after the skip

FRESH = {"Cache-Control": "max-age=600"}
STALE = {"Cache-Control": "max-age=0", "ETag": '"1"'}


@pytest.fixture
def server(secrets):
    secrets.add(*TOKENS)
    with Server() as server:
        yield server


def files(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


# -- requests-cache ----------------------------------------------------------------


@pytest.fixture(params=["sqlite", "filesystem"])
def cached(server, request, tmp_path):
    # As JSON, requests-cache keeps the headers of redirects and of a 401 as they
    # were: it redacts those of the last request alone. See its serializers.
    with requests_cache.CachedSession(
        str(tmp_path / "cache"), backend=request.param, serializer="pickle"
    ) as session:
        session.auth = knows_tokens(server.url)
        yield session


def test_requests_cache_keeps_the_second_answer(server, cached, tmp_path, secrets):
    """And not the 401; what it keeps on the disk shows no token."""
    server.answers.append(Answer(401))
    server.answers.append(Answer(200, body=b"[1]"))

    assert cached.get(server.url).json() == [1]
    kept = cached.get(server.url)

    assert kept.from_cache
    assert kept.json() == [1]
    assert len(server.seen) == 2
    cached.close()
    assert files(tmp_path)
    secrets.check(files(tmp_path).decode("latin-1"))


def test_requests_cache_keeps_no_401(server, cached):
    """One that nobody could answer is not what the next call gets."""
    server.answers.extend([Answer(401), Answer(401)])

    assert cached.get(server.url).status_code == 401
    assert cached.get(server.url).status_code == 200


def test_requests_cache_is_not_asked_to_answer_its_own_401(server, tmp_path):
    """Who has it keep a 401 gets that: nothing was sent that could be sent again."""
    server.answers.extend([Answer(401), Answer(401)])
    folder = str(tmp_path / "cache")

    with requests_cache.CachedSession(folder, allowable_codes=[200, 401]) as session:
        session.auth = knows_tokens(server.url)
        session.get(server.url)
        kept = session.get(server.url)

    assert (kept.status_code, kept.from_cache) == (401, True)
    assert len(server.seen) == 2


def test_requests_cache_keeps_no_token_of_a_redirect(server, cached, tmp_path, secrets):
    """The history is kept as well: it shows no token either."""
    server.answers.append(Answer(302, {"Location": "/there"}))
    server.answers.append(Answer(200))

    cached.get(server.url)
    kept = cached.get(server.url)

    assert kept.from_cache
    assert [each.status_code for each in kept.history] == [302]
    cached.close()
    secrets.check(files(tmp_path).decode("latin-1"))


# -- CacheControl ------------------------------------------------------------------


@pytest.fixture
def controlled(server, tmp_path):
    cache = FileCache(str(tmp_path / "cache"))
    with cachecontrol.CacheControl(requests.Session(), cache) as session:
        session.auth = knows_tokens(server.url)
        yield session


def test_cachecontrol_keeps_the_second_answer(server, controlled, tmp_path, secrets):
    """And not the 401; what it keeps on the disk shows no token."""
    server.answers.append(Answer(401, FRESH))
    server.answers.append(Answer(200, FRESH, b"[1]"))

    assert controlled.get(server.url).json() == [1]
    kept = controlled.get(server.url)

    assert kept.from_cache
    assert kept.json() == [1]
    assert len(server.seen) == 2
    assert files(tmp_path)
    secrets.check(files(tmp_path).decode("latin-1"))


def test_cachecontrol_asks_whether_it_has_changed(server, controlled):
    """Its condition is on the second request too, and 304 is a 200 for the caller."""
    server.answers.append(Answer(200, STALE, b"[1]"))
    server.answers.append(Answer(401))
    server.answers.append(Answer(304, STALE, b""))

    controlled.get(server.url)
    response = controlled.get(server.url)

    assert response.status_code == 200
    assert response.json() == [1]
    conditions = [seen.headers.get("if-none-match") for seen in server.seen]
    assert conditions == [None, '"1"', '"1"']


def test_what_cachecontrol_has_needs_no_token(server, controlled):
    """An answer from the cache is one, whatever became of the token meanwhile."""
    server.answers.append(Answer(200, FRESH, b"[1]"))
    controlled.get(server.url)
    server.otherwise = lambda seen: Answer(401)

    assert controlled.get(server.url).json() == [1]
    assert len(server.seen) == 1
