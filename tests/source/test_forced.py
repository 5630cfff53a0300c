"""``sign_on(force=True)`` and ``sign_on(ask=True)``: a new token, and from whom."""

from __future__ import annotations

import pytest
from clients import Person, client_of

from requests_ticktick import AuthorizationDeniedError, FileStore, refuse


@pytest.fixture
def person(sandbox):
    return Person(sandbox)


@pytest.fixture
def auth(sandbox, person):
    """Return an auth that has a token from a person, and a refresh token."""
    sandbox.refresh_tokens = True
    auth = client_of(sandbox, sign_on=person)
    auth.token()
    return auth


def test_a_forced_sign_on_asks_nobody_where_a_refresh_token_will_do(
    sandbox, auth, person
):
    """Each use of the refresh token returns the next one."""
    tokens = [auth.token()]
    for _ in range(3):
        tokens.append(auth.sign_on(force=True))
        assert auth.token() == tokens[-1]

    assert len({token.access_token for token in tokens}) == 4
    assert person.asked == 1
    assert sandbox.reuse_detected == 0


def test_it_asks_a_person_where_the_refresh_token_has_ended(sandbox, auth, person):
    """The person signs on once for it."""
    first = auth.token()
    sandbox.revoke_all(refresh_tokens=True)

    assert auth.sign_on(force=True) != first
    assert person.asked == 2


def test_it_asks_a_person_where_there_is_no_refresh_token(sandbox):
    """As TickTick has it."""
    person = Person(sandbox)
    auth = client_of(sandbox, sign_on=person)
    first = auth.token()

    assert auth.sign_on(force=True) != first
    assert person.asked == 2


def test_a_job_may_force_a_new_token_by_its_refresh_token(sandbox, auth, tmp_path):
    """Where nobody is, nobody is needed."""
    store = FileStore(tmp_path / "t.json")
    client_of(sandbox, store).token()
    job = client_of(sandbox, store, sign_on=refuse)

    assert job.sign_on(force=True).access_token != auth.token().access_token
    assert store.load() == job.token()


@pytest.mark.parametrize("force", [False, True])
def test_ask_has_a_person_asked_whatever_there_is(sandbox, auth, person, force):
    """``ask=True``: to sign on as somebody else, or with other rights."""
    first = auth.token()

    second = auth.sign_on(force, ask=True)

    assert second != first
    assert auth.token() == second
    assert person.asked == 2
    assert sandbox.reuse_detected == 0


def test_a_person_who_denies_leaves_the_old_token(sandbox, auth, person):
    """It still works, and so does its refresh token."""
    first = auth.token()
    person.answers.append(AuthorizationDeniedError("no"))

    with pytest.raises(AuthorizationDeniedError):
        auth.sign_on(ask=True)

    assert auth.token() == first
    assert auth.sign_on(force=True) != first
    assert person.asked == 2
