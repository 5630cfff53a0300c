"""The tokens that are there: which one is used, and does the API accept it?

Nothing here renews a token or asks a person.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from operator import attrgetter

import requests

from .._defaults import LEEWAY_SECONDS
from .._grant.error_text import clean
from .._token import Token
from .._usable import is_alive, is_fresh, preferred
from ..stores import EnvStore, FileStore, MemoryStore, TokenStore
from ..stores._base import NoPlaceError
from .account import Account, new_session, projects_url
from .output import date
from .profiles import unknown_profile

#: Seconds to connect to the API, and seconds to wait for its answer.
_TIMEOUT_SECONDS = (10.0, 30.0)


@dataclass(frozen=True)
class Found:
    """A token, and the store that holds it.

    :param problem: Why it cannot be used, as the end of a sentence; ``None``
        if it can.
    :param is_fresh: Whether it can be used and its renewal is not due.
    """

    token: Token
    store: TokenStore
    problem: str | None
    is_fresh: bool

    @property
    def is_usable(self) -> bool:
        """Whether it can be used."""
        return self.problem is None

    @property
    def place(self) -> str:
        """Return what a person calls the place where it is."""
        return place_of(self.store)


@dataclass(frozen=True)
class Verdict:
    """What the API says about a token.

    :param accepted: ``None`` if it did not say.
    :param text: The same in words; the sentence begins with "The API".
    :param server_time: What the server's clock said, in epoch seconds.
    """

    accepted: bool | None
    text: str
    server_time: float | None = None


def look(account: Account, *, now: float) -> list[Found]:
    """Return all tokens that are there, in the order that TickTickAuth reads.

    Nothing is renewed.

    :param now: Epoch seconds.
    :raises TokenStoreError: A store cannot be read.
    """
    return list(each(account, now=now))


def each(account: Account, *, now: float) -> Iterator[Found]:
    """Yield the same, and read a store when its turn has come.

    What stands behind a fresh token need not be readable: no program reads it.

    :raises TokenStoreError: A store cannot be read.
    """
    for store in account.store.members():
        with suppress(NoPlaceError):  # why_none() says so
            yield from look_in(store, account, now=now)


def look_in(store: TokenStore, account: Account, *, now: float) -> list[Found]:
    """Return all tokens of one store.

    :raises TokenStoreError: The store cannot be read.
    """
    found = []
    for token in store.candidates():
        problem = _problem(account, token, now)
        fresh = problem is None and is_fresh(token, LEEWAY_SECONDS, now=now)
        found.append(Found(token, store, problem, fresh))
    return found


def used(found: list[Found]) -> Found | None:
    """Return the token that TickTickAuth uses, if any of them can be."""
    return preferred(
        found, is_fresh=attrgetter("is_fresh"), is_alive=attrgetter("is_usable")
    )


def why_none(found: list[Found], account: Account) -> Iterator[str]:
    """Say in a sentence or more why no token can be used."""
    for item in found:
        yield f"The token {item.token.fingerprint} in {item.place} {item.problem}."
    if not found:
        places, problems = [], []
        for store in account.store.members():
            try:
                places.append(place_of(store))
            except NoPlaceError as error:
                problems.append(str(error))
        if places:
            yield f"There is no token in {' and '.join(places)}."
        yield from problems
        yield from unknown_profile(account.profile)


def place_of(store: TokenStore) -> str:
    """Return what a person calls the place that a store reads.

    :raises NoPlaceError: There is no such place, as without a home folder.
    """
    if isinstance(store, FileStore):
        return store.path
    if isinstance(store, EnvStore):
        return f"${store.name}"
    if isinstance(store, MemoryStore):
        return "the memory of this command"
    # A row of a database or a password in the keychain; else a key in Redis.
    place: str = (
        getattr(store, "location", "") or f"{getattr(store, 'key', '')} in Redis"
    )
    return place


def ask_api(account: Account, token: Token | None) -> Verdict:
    """Send one request with a token, or without one, and renew nothing."""

    def bearer(request: requests.PreparedRequest) -> requests.PreparedRequest:
        # Without an auth, requests would overwrite the header with what a
        # netrc file holds for the host.
        if token is not None:
            request.headers["Authorization"] = f"Bearer {token.access_token}"
        return request

    try:
        with new_session(account.service) as session:
            response = session.get(
                projects_url(account.service),
                auth=bearer,
                timeout=_TIMEOUT_SECONDS,
                allow_redirects=False,
            )
    except requests.RequestException as error:
        return Verdict(None, f"could not be reached ({type(error).__name__})")
    code, moment = response.status_code, _time_of(response)
    if code == 200:
        return Verdict(True, "accepts it", moment)
    if code == 401:
        return Verdict(False, "refuses it", moment)
    # Above 100 calls a minute TickTick answers with 500, whatever the token.
    return Verdict(
        None, f"answered with HTTP status {code}: try again in a minute", moment
    )


def _time_of(response: requests.Response) -> float | None:
    """Return when the server answered, by its own clock (RFC 9110 6.6.1)."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(response.headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


def _problem(account: Account, token: Token, now: float) -> str | None:
    difference = account.stamp.difference(token)
    if difference is not None:
        # A file's content must not steer the terminal.
        return clean(f"is for {difference}")
    if token.expires_at is not None and not is_alive(token, now=now):
        return f"expired on {date(token.expires_at)}"
    return None
