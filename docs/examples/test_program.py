"""Testing a program that uses TickTick, without TickTick."""

import pytest
import requests

from requests_ticktick import MemoryStore, SignOnRequiredError, TickTickAuth, refuse
from requests_ticktick.sandbox import Sandbox
from requests_ticktick.testing import FakeClock


def titles(session, base="https://api.ticktick.com"):
    """Return the titles of all lists: the program under test."""
    response = session.get(f"{base}/open/v1/project", timeout=30)
    response.raise_for_status()
    return [project["name"] for project in response.json()]


@pytest.fixture
def sandbox():
    """Run a TickTick on the loopback interface."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def session(sandbox):
    """Open a session of somebody who grants access when asked."""
    with requests.Session() as session:
        session.auth = TickTickAuth(
            sandbox.client_id,
            sandbox.client_secret,
            sandbox.redirect_uri,
            service=sandbox.service,
            sign_on=sandbox.sign_on,
            store=MemoryStore(),
        )
        yield session


def test_the_titles_are_listed(sandbox, session):
    """One sign-on, and the lists of a new account."""
    assert titles(session, sandbox.url("")) == ["Groceries", "Work", "Reading"]
    assert sandbox.sign_ons == 1


def test_a_revoked_token_goes_unnoticed(sandbox, session):
    """The 401 is answered with a new token, and the request sent again."""
    titles(session, sandbox.url(""))
    sandbox.revoke_all()

    assert titles(session, sandbox.url(""))
    assert sandbox.sign_ons == 2


def test_the_rate_limit_reaches_the_caller(sandbox, session):
    """TickTick's is a 500, and no reason to sign on again."""
    sandbox.rate_limit()

    with pytest.raises(requests.HTTPError, match="500"):
        titles(session, sandbox.url(""))


def test_after_half_a_year_a_worker_says_what_to_run(sandbox, session):
    """Time is the clock's, and passes when it is told to."""
    clock = FakeClock()
    session.auth.source.clock = clock
    sandbox.clock = clock.time
    session.auth.token()
    worker = TickTickAuth(
        store=session.auth.source.store, service=sandbox.service, sign_on=refuse
    )
    worker.source.clock = clock

    clock.advance(181 * 24 * 3600)

    with pytest.raises(SignOnRequiredError, match="requests-ticktick login"):
        worker.token()
