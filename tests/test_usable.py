"""Which token is used: one rule, for the library and for the command line."""

from __future__ import annotations

import pytest

from requests_ticktick import Token
from requests_ticktick._usable import (
    is_alive,
    is_fresh,
    preferred,
    renewed_before_end,
)

LEEWAY = 60.0
NOW = 1_000_000.0


def token(left, lifetime=None):
    """Return a token with so many seconds left, of so many that it had."""
    expires_at = None if left is None else NOW + left
    issued_at = None if lifetime is None else expires_at - lifetime
    return Token("a", expires_at=expires_at, issued_at=issued_at)


@pytest.mark.parametrize(
    ("left", "lifetime", "fresh", "alive"),
    [
        pytest.param(None, None, True, True, id="an unknown expiry"),
        pytest.param(60.0, None, True, True, id="the leeway begins"),
        pytest.param(59.999, None, False, True, id="within the leeway"),
        pytest.param(59.999, 61.0, False, True, id="issued for more than the leeway"),
        pytest.param(10.0, 60.0, True, True, id="issued for no more than the leeway"),
        pytest.param(0.0, 60.0, False, False, id="issued for the leeway, and expired"),
        pytest.param(0.0, None, False, False, id="its last moment"),
        pytest.param(-1.0, None, False, False, id="expired"),
    ],
)
def test_a_token_is_fresh_until_the_leeway_and_alive_until_its_end(
    left, lifetime, fresh, alive
):
    """A short token is fresh to its end: another would be no longer."""
    given = token(left, lifetime)

    assert is_fresh(given, LEEWAY, now=NOW) is fresh
    assert is_alive(given, now=NOW) is alive


def test_renewal_begins_the_leeway_before_the_end():
    """For a token that was issued with a longer life than that."""
    assert renewed_before_end(token(1.0, 60.001), LEEWAY) == LEEWAY
    assert renewed_before_end(token(1.0, 60.0), LEEWAY) == 0.0


@pytest.mark.parametrize(
    ("states", "chosen"),
    [
        ("", None),
        ("dead dead", None),
        ("dead alive alive", 1),
        ("alive fresh fresh", 1),
        ("fresh alive", 0),
    ],
)
def test_the_first_fresh_token_is_preferred_then_the_first_that_is_alive(
    states, chosen
):
    """An older one in front does not hide it."""
    items = list(enumerate(states.split()))

    best = preferred(
        items,
        is_fresh=lambda item: item[1] == "fresh",
        is_alive=lambda item: item[1] in ("alive", "fresh"),
    )

    assert best == (None if chosen is None else items[chosen])


def test_no_store_is_read_behind_a_fresh_token():
    """The tokens behind it cost nothing."""

    def tokens():
        yield token(None)
        raise AssertionError("read on")

    best = preferred(
        tokens(),
        is_fresh=lambda item: is_fresh(item, LEEWAY, now=NOW),
        is_alive=lambda item: is_alive(item, now=NOW),
    )

    assert best == token(None)
