"""When a token is renewed, and what a failed renewal costs."""

from __future__ import annotations

import pytest
import requests
from clients import Person, client_of
from inside import grant_of
from observing import warnings_in

from requests_ticktick import (
    AuthorizationDeniedError,
    EnvStore,
    FileStore,
    MemoryStore,
    SignOnRequiredError,
    Token,
    TokenEndpointError,
    refuse,
)
from requests_ticktick._source.deadlines import RETRY_AFTER
from requests_ticktick.testing import FakeClock

# -- expiry --------------------------------------------------------------------


def test_a_token_is_renewed_in_its_last_minute_and_no_sooner(sandbox, clock):
    """At 60 s it is used; a moment later it is renewed, unasked."""
    auth = client_of(sandbox, clock=clock)
    sandbox.expires_in = 3600
    first = auth.token()

    clock.advance(3540)
    assert auth.token() is first
    assert sandbox.sign_ons == 1

    clock.advance(0.01)
    assert auth.token().access_token != first.access_token
    assert sandbox.sign_ons == 2


@pytest.mark.parametrize("leeway", [0.0, 10.0, 300.0])
def test_the_leeway_is_the_callers_to_choose(sandbox, clock, leeway):
    """It is a number of seconds before the expiry."""
    auth = client_of(sandbox, clock=clock, leeway=leeway)
    sandbox.expires_in = 3600
    auth.token()

    clock.advance(3600 - leeway - 1)
    auth.token()
    assert sandbox.sign_ons == 1

    clock.advance(2)
    auth.token()
    assert sandbox.sign_ons == 2


def test_a_token_of_unknown_expiry_is_used_until_it_is_refused(sandbox, clock):
    """Nobody is asked because time has passed."""
    auth = client_of(sandbox, clock=clock)
    sandbox.expires_in = None
    first = auth.token()

    clock.advance(1e9)

    assert auth.token() is first


def test_the_lifetime_counts_from_the_request(sandbox, clock):
    """An answer that took 50 s to arrive has 50 s less to live."""
    sandbox.expires_in = 3600
    auth = client_of(sandbox, clock=clock)
    began = clock.time()
    exchange = grant_of(auth).exchange

    def slow(*args, now):
        token = exchange(*args, now=now)
        clock.advance(50)
        return token

    grant_of(auth).exchange = slow

    token = auth.token()

    assert token.expires_at == began + 3600
    clock.advance(3490)
    assert auth.token() is token
    clock.advance(1)
    assert auth.token() is not token


@pytest.mark.parametrize("lifetime", [1, 30, 60])
def test_a_token_born_within_the_leeway_is_used_until_it_expires(
    sandbox, clock, lifetime
):
    """No lifetime, however short, makes a loop of sign-ons."""
    sandbox.expires_in = lifetime
    auth = client_of(sandbox, clock=clock)

    first = auth.token()
    clock.advance(lifetime - 0.5)
    assert auth.token() is first
    assert sandbox.sign_ons == 1

    clock.advance(0.5)
    assert auth.token() is not first
    assert sandbox.sign_ons == 2


@pytest.mark.parametrize(
    "lifetime", [0, -5, "0", "", "180 days", True, [], {"s": 1}, 1e18, 1e308, "9" * 99]
)
def test_a_lifetime_that_makes_no_sense_says_nothing(sandbox, session, lifetime):
    """A person is asked once; the token is used until the API refuses it."""
    for granted in [sandbox.issue_token() for _ in range(2)]:
        sandbox.fail(1, 200, {"access_token": granted, "expires_in": lifetime})
    session.auth = auth = client_of(sandbox)
    url = sandbox.url("/open/v1/project")

    assert [session.get(url).status_code for _ in range(5)] == [200] * 5
    assert sandbox.sign_ons == 1
    assert auth.token().expires_at is None

    sandbox.revoke(auth.token().access_token)
    assert session.get(url).status_code == 200
    assert sandbox.sign_ons == 2


def test_a_token_that_is_dead_on_arrival_is_used_until_it_is_refused(sandbox, clock):
    """The answer took longer than the token lives: nobody is asked in a loop."""
    sandbox.expires_in = 10
    auth = client_of(sandbox, clock=clock)
    exchange = grant_of(auth).exchange

    def slow(*args, **kwargs):
        token = exchange(*args, **kwargs)
        clock.advance(20)
        return token

    grant_of(auth).exchange = slow

    assert auth.token() is auth.token()
    assert sandbox.sign_ons == 1


def test_the_same_token_handed_back_is_used_to_its_end(sandbox, clock):
    """TickTick may re-issue what is alive: a person is asked once for it."""
    sandbox.reissue = True
    sandbox.expires_in = 3600
    person = Person(sandbox)
    auth = client_of(sandbox, clock=clock, sign_on=person)
    first = auth.token()

    clock.advance(3550)
    again = auth.token()
    assert again.access_token == first.access_token
    assert person.asked == 2
    for _ in range(9):
        clock.advance(5)
        assert auth.token() is again
    assert person.asked == 2

    clock.advance(5)
    assert auth.token().access_token != first.access_token
    assert person.asked == 3


def test_the_same_token_handed_back_is_known_to_other_processes(
    sandbox, clock, tmp_path
):
    """That it was born within the leeway is in the file, not in memory."""
    sandbox.reissue, sandbox.expires_in = True, 3600
    store = FileStore(tmp_path / "t.json")
    client_of(sandbox, store, clock=clock).token()
    clock.advance(3550)
    client_of(sandbox, store, clock=clock).token()

    person = Person(sandbox)
    client_of(sandbox, store, clock=clock, sign_on=person).token()

    assert person.asked == 0


def test_a_refused_token_that_was_handed_back_since_is_worth_a_try(sandbox, tmp_path):
    """A sibling has asked already; its grant is later than the refusal's."""
    sandbox.reissue = True
    store = FileStore(tmp_path / "t.json")
    one, person = client_of(sandbox, store), Person(sandbox)
    two = client_of(sandbox, store, sign_on=person)
    refused = two.token()
    again = one.source.token(instead_of=one.token())
    assert again.access_token == refused.access_token

    assert two.source.token(instead_of=refused) == again
    assert person.asked == 1


# -- a renewal that fails ------------------------------------------------------


def test_a_failed_renewal_keeps_the_token_that_still_works(sandbox, clock, caplog):
    """One warning; the next try is seconds later; then the renewal."""
    sandbox.expires_in, sandbox.refresh_tokens = 3600, True
    auth = client_of(sandbox, clock=clock)
    first = auth.token()
    clock.advance(3545)
    sandbox.fail(2, 503)

    assert auth.token() is first
    clock.advance(1)
    assert auth.token() is first
    assert sandbox.token_requests == 2
    clock.advance(RETRY_AFTER + 0.1)
    assert auth.token() is first
    assert sandbox.token_requests == 3
    clock.advance(RETRY_AFTER + 0.1)
    assert auth.token() is not first

    assert sandbox.sign_ons == 1
    (warning,) = warnings_in(caplog)
    assert "expires soon" in warning


def test_a_failed_renewal_of_an_expired_token_is_an_error(sandbox, clock):
    """Then there is nothing left to use."""
    sandbox.expires_in, sandbox.refresh_tokens = 3600, True
    auth = client_of(sandbox, clock=clock)
    auth.token()
    clock.advance(3601)
    sandbox.fail(1, 503)

    with pytest.raises(TokenEndpointError, match="503"):
        auth.token()

    assert auth.token()
    assert sandbox.sign_ons == 1


def test_after_a_denial_nobody_is_asked_until_the_token_expires(sandbox, clock, caplog):
    """Within the leeway, nobody is asked twice about one token."""
    sandbox.expires_in = 3600
    person = Person(sandbox, None, AuthorizationDeniedError("no", error="x"))
    auth = client_of(sandbox, clock=clock, sign_on=person)
    first = auth.token()
    clock.advance(3541)

    for _ in range(5):
        assert auth.token() is first
        clock.advance(10)
    assert person.asked == 2

    clock.advance(60)
    assert auth.token() is not first
    assert person.asked == 3
    assert len(warnings_in(caplog)) == 1


def test_a_denial_in_another_process_counts_here(sandbox, clock, tmp_path):
    """The other process has left word with the store."""
    sandbox.expires_in = 3600
    store = FileStore(tmp_path / "t.json")
    client_of(sandbox, store, clock=clock).token()
    clock.advance(3541)
    no = Person(sandbox, AuthorizationDeniedError("no"))
    client_of(sandbox, store, clock=clock, sign_on=no).token()

    person = Person(sandbox)
    client_of(sandbox, store, clock=clock, sign_on=person).token()

    assert (no.asked, person.asked) == (1, 0)


def test_a_denial_counts_where_nothing_can_be_written(sandbox, clock, monkeypatch):
    """A token in the environment has no place for a note beside it."""
    monkeypatch.setenv(
        "A_TOKEN", f"{{'access_token': 'a', 'expires_at': {clock.time() + 50}}}"
    )
    person = Person(sandbox, *[AuthorizationDeniedError("no")] * 9)
    auth = client_of(sandbox, EnvStore("A_TOKEN"), clock=clock, sign_on=person)

    for _ in range(4):
        assert auth.token().access_token == "a"
        clock.advance(10)

    assert person.asked == 1


def test_a_worker_without_a_person_uses_the_token_to_its_end(sandbox, clock, caplog):
    """The warning comes a minute early and names the command to run."""
    sandbox.expires_in = 3600
    store = MemoryStore()
    client_of(sandbox, store, clock=clock).token()
    worker = client_of(sandbox, store, clock=clock, sign_on=refuse)
    clock.advance(3541)

    for _ in range(5):
        assert worker.token()
        clock.advance(10)
    (warning,) = warnings_in(caplog)
    assert "requests-ticktick login" in warning

    clock.advance(60)
    with pytest.raises(SignOnRequiredError, match="requests-ticktick login"):
        worker.token()


def test_a_person_who_arrives_within_the_leeway_is_asked(sandbox, clock):
    """``refuse`` asked nobody, so that the next try is seconds later."""
    sandbox.expires_in = 3600
    person = Person(sandbox, None, SignOnRequiredError("nobody here yet"))
    auth = client_of(sandbox, clock=clock, sign_on=person)
    first = auth.token()
    clock.advance(3541)

    assert auth.token() is first
    clock.advance(RETRY_AFTER + 0.1)
    assert auth.token() is not first


# -- clocks that jump ----------------------------------------------------------


@pytest.mark.parametrize("jump", [3600, -3600])
def test_a_clock_that_jumps_sends_no_expired_token_and_asks_nobody_twice(
    sandbox, clock, jump
):
    """The wall clock and the monotonic one both have to agree."""
    sandbox.expires_in = 7200
    person = Person(sandbox)
    auth = client_of(sandbox, clock=clock, sign_on=person)
    sandbox.clock = clock.monotonic  # the server's clock does not jump
    auth.token()

    clock.jump(jump)
    with requests.Session() as session:
        session.auth = auth
        for _ in range(90):
            clock.advance(80)
            response = session.get(sandbox.url("/open/v1/project"))
            assert response.status_code == 200
            assert response.history == []  # no 401 on the way
    assert person.asked == 2


def test_a_token_handed_back_is_alive_although_it_once_seemed_to_have_ended(sandbox):
    """The clock was two hours ahead; the same token comes again, to the second."""
    clock = FakeClock(now=1_800_000_000.0)
    sandbox.reissue, sandbox.expires_in = True, 7200
    person = Person(sandbox, None, AuthorizationDeniedError("not now"))
    store = MemoryStore()
    one, other = (
        client_of(sandbox, store, clock=clock, sign_on=person) for _ in range(2)
    )
    sandbox.clock = clock.monotonic  # the server's clock does not jump
    one.token()
    clock.jump(7190)
    other.token()
    clock.jump(-7190)
    clock.advance(20)

    for _ in range(5):
        other.token()

    assert person.asked == 3


def test_a_token_from_the_future_lives_no_longer_than_it_was_issued_for(sandbox, clock):
    """It was written down while the clock was an hour ahead."""
    now = clock.time()
    store = MemoryStore(Token("a", issued_at=now + 3600, expires_at=now + 7200))
    auth = client_of(sandbox, store, clock=clock)

    assert auth.token().access_token == "a"
    clock.advance(3601)

    assert auth.token().access_token != "a"
