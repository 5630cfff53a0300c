"""Together with niquests, which has the interface of requests."""

from __future__ import annotations

import pytest
from clients import client_of
from observing import warnings_in
from optional import alone
from wire_servers import Answer, Server, knows_tokens

niquests = alone("niquests")

PROJECT = "/open/v1/project"


@pytest.fixture
def niquests_session():
    with niquests.Session() as session:
        session.trust_env = False
        yield session


def test_niquests_sends_the_token(niquests_session, sandbox):
    """It signs on as requests does."""
    niquests_session.auth = client_of(sandbox)

    for _ in range(2):
        assert niquests_session.get(sandbox.url(PROJECT)).status_code == 200

    assert sandbox.sign_ons == 1


def test_niquests_gets_its_401_back_and_the_next_call_has_a_new_token(
    niquests_session, sandbox, caplog
):
    """Its adapters are not those of requests, which send a request again."""
    niquests_session.auth = client_of(sandbox)
    niquests_session.get(sandbox.url(PROJECT))
    sandbox.revoke_all()

    statuses = [niquests_session.get(sandbox.url(PROJECT)).status_code for _ in "12"]

    assert statuses == [401, 200]
    assert "make the call again" in warnings_in(caplog)[-1]
    assert sandbox.sign_ons == 2


def test_niquests_takes_the_token_to_no_other_host(niquests_session, server):
    """Not by a redirect, either."""
    niquests_session.auth = knows_tokens(f"{server.url}/open/")
    with Server() as foreign:
        location = {"Location": f"{foreign.url}{PROJECT}"}
        server.answers.append(Answer(302, location))

        assert niquests_session.get(f"{server.url}{PROJECT}").status_code == 200
        assert niquests_session.get(f"{foreign.url}{PROJECT}").status_code == 200

        assert [seen.headers.get("authorization") for seen in foreign.seen] == [
            None
        ] * 2
