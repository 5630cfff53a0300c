"""The tokens that are there, looked at without renewing any."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from ..grant.words import clean
from ..owner import Owner
from ..stores import EnvStore, FileStore, TokenStore
from ..stores.base import NoPlaceError
from ..token import Token
from .account import Account
from .report import date

#: Seconds before its end that TickTickAuth looks for another token.
LEEWAY = 60.0


@dataclass(frozen=True)
class Found:
    """A token, and where it was.

    :param problem: Why it cannot be used, as the end of a sentence; ``None``
        where it can.
    """

    token: Token
    store: TokenStore
    problem: str | None

    @property
    def place(self) -> str:
        """Return what a person calls the place."""
        return place(self.store)


def place(store: TokenStore) -> str:
    """Return what a person calls the place that a store reads."""
    if isinstance(store, FileStore):
        return store.path
    return f"${store.name}" if isinstance(store, EnvStore) else str(store)


def look(account: Account, *, now: float) -> list[Found]:
    """Look at all tokens, in the order that TickTickAuth does.

    :param now: Epoch seconds.
    :raises TokenStoreError: A store cannot be read.
    """
    found = []
    for store in account.store.members():
        with suppress(NoPlaceError):  # which is said where there is no token
            for token in store.candidates():
                problem = _problem(token, account.owner, now)
                found.append(Found(token, store, problem))
    return found


def usable(found: list[Found], *, now: float) -> Found | None:
    """Return the one that TickTickAuth would use, if there is any."""
    alive = [item for item in found if item.problem is None]
    fresh = [item for item in alive if not item.token.expires_within(LEEWAY, now=now)]
    return next(iter([*fresh, *alive]), None)


def why_none(found: list[Found], account: Account) -> Iterator[str]:
    """Say, a line each, why no token is usable."""
    for item in found:
        yield f"The token {item.token.fingerprint} in {item.place} {item.problem}."
    if not found:
        places, problems = [], []
        for store in account.store.members():
            try:
                places.append(place(store))
            except NoPlaceError as error:
                problems.append(str(error))
        if places:
            yield f"There is no token in {' and '.join(places)}."
        yield from problems


def _problem(token: Token, owner: Owner, now: float) -> str | None:
    difference = owner.difference(token)
    if difference is not None:
        # It comes from a file: nothing in it gets to steer the terminal.
        return clean(f"is for {difference}")
    if token.expires_at is not None and token.expires_within(0.0, now=now):
        return f"expired on {date(token.expires_at)}"
    return None
