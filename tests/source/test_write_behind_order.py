"""Of an unsaved token and one that somebody else saved, the later one wins."""

from __future__ import annotations

import pytest
from away import Away
from clients import client_of
from inside import put_into

from requests_ticktick import (
    MemoryStore,
)


@pytest.mark.parametrize(
    ("seconds", "jump"),
    [
        pytest.param(10, 0, id="a later one"),
        pytest.param(10, -3600, id="after the clock was set back"),
        pytest.param(0, 0, id="of the same moment"),
    ],
)
def test_a_token_that_another_process_has_saved_since_stays(
    sandbox, clock, seconds, jump
):
    """The process goes on with its own."""
    store = Away(clock)
    auth = client_of(sandbox, store, clock=clock)
    token = auth.token()
    clock.advance(seconds)
    clock.jump(jump)
    theirs = client_of(sandbox, MemoryStore(), clock=clock).token()
    put_into(store, theirs)
    store.is_away = False
    clock.advance(2)

    assert auth.token() == token
    assert store.load() == theirs


def test_an_older_token_that_another_process_has_saved_since_makes_way(sandbox, clock):
    """Both signed on while the store was away; the newest counts."""
    store, other = Away(clock), MemoryStore()
    theirs = client_of(sandbox, other, clock=clock).token()
    clock.advance(10)
    auth = client_of(sandbox, store, clock=clock)
    token = auth.token()
    put_into(store, theirs)
    store.is_away = False
    clock.advance(2)

    auth.token()

    assert store.load() == token


def test_a_stored_token_without_an_issue_time_stays(sandbox, clock):
    """It came since; nobody knows that it is older."""
    store = Away(clock)
    auth = client_of(sandbox, store, clock=clock)
    token = auth.token()
    theirs = token.replace(access_token="theirs", issued_at=None)
    put_into(store, theirs)
    store.is_away = False
    clock.advance(2)

    assert auth.token() == token
    assert store.load() == theirs
