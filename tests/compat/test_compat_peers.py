"""What the page that compares says of other packages is so, as they are today."""

from __future__ import annotations

import logging
import os
import threading
import time

import pytest
from clients import client_of
from optional import library
from requests_oauthlib import oauth2_session

PROJECT = "/open/v1/project"


@pytest.fixture(autouse=True)
def logged(monkeypatch):
    """What requests-oauthlib writes into the log, which no other handler gets."""
    logger, lines = logging.Logger("apart", logging.DEBUG), []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logger.addHandler(handler)
    monkeypatch.setattr(oauth2_session, "log", logger)
    return lines


@pytest.fixture
def expired(sandbox, monkeypatch):
    """A token that has expired, and has a refresh token."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    sandbox.refresh_tokens = True
    token = client_of(sandbox).token()
    return {
        "access_token": token.access_token,
        "token_type": "bearer",
        "refresh_token": token.refresh_token,
        "expires_at": time.time() - 10,
        "expires_in": -10,
    }


def with_requests_oauthlib(sandbox, token):
    from requests_oauthlib import OAuth2Session

    return OAuth2Session(
        sandbox.client_id,
        token=token,
        auto_refresh_url=sandbox.service.token_endpoint,
        auto_refresh_kwargs={
            "client_id": sandbox.client_id,
            "client_secret": sandbox.client_secret,
        },
        token_updater=lambda token: None,
    )


def with_authlib(sandbox, token):
    client = library("authlib.integrations.requests_client")
    return client.OAuth2Session(
        sandbox.client_id,
        sandbox.client_secret,
        token=token,
        token_endpoint=sandbox.service.token_endpoint,
    )


def with_ours(sandbox, token):
    import requests

    from requests_ticktick import MemoryStore, Token

    session = requests.Session()
    session.auth = client_of(sandbox, MemoryStore(Token.from_dict(token)))
    return session


PEERS = pytest.mark.parametrize("peer", [with_requests_oauthlib, with_authlib])


def token_requests_of_eight_threads(sandbox, session):
    """All of them ask before the first has its answer."""
    before = sandbox.token_requests
    sandbox.delay(1.0)
    together = threading.Barrier(8)

    def call():
        together.wait(60)
        try:
            session.get(sandbox.url(PROJECT))
        except Exception:  # the refresh token is good once
            return

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    session.close()
    return sandbox.token_requests - before


@PEERS
def test_threads_of_others_renew_a_token_several_times(sandbox, expired, peer):
    """Each that finds it expired does."""
    assert token_requests_of_eight_threads(sandbox, peer(sandbox, expired)) > 1


def test_our_threads_renew_it_once(sandbox, expired):
    """The same call, counted in the same way."""
    assert token_requests_of_eight_threads(sandbox, with_ours(sandbox, expired)) == 1


def test_requests_oauthlib_writes_secrets_into_the_log(sandbox, expired, logged):
    """At the level DEBUG, the refresh token and the client secret among them."""
    with with_requests_oauthlib(sandbox, expired) as session:
        session.get(sandbox.url(PROJECT))

    text = "\n".join(logged)
    assert expired["refresh_token"] in text
    assert sandbox.client_secret in text


@PEERS
def test_a_401_is_left_to_the_caller_by_others(sandbox, expired, peer):
    """Although there is a refresh token."""
    expired["expires_at"] = time.time() + 3600
    sandbox.revoke_all()

    with peer(sandbox, expired) as session:
        assert session.get(sandbox.url(PROJECT)).status_code == 401


@pytest.mark.skipif(os.name != "posix", reason="about modes")
def test_ticktick_py_s_file_can_be_read_by_others(tmp_path):
    """As a program of a person with the usual umask writes it."""
    cache = library("ticktick.cache")
    old = os.umask(0o022)
    try:
        cache.CacheHandler(str(tmp_path / "token")).write_token_to_cache({"a": 1})
    finally:
        os.umask(old)

    assert (tmp_path / "token").stat().st_mode & 0o044 == 0o044


def test_pyticktick_takes_uuids_alone():
    """A personal API token is none."""
    settings = library("pyticktick.settings")

    with pytest.raises(ValueError, match="UUID"):
        settings.TokenV1(value="tp_0123456789", expiration=1_900_000_000)
