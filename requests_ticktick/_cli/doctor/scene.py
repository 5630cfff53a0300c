"""What ``doctor`` looks at, and what it finds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..._errors import TickTickAuthError
from ...stores import EnvStore, FileStore, TokenStore
from ...stores._base import NoPlaceError
from ..account import Account
from ..found import Found, Verdict, ask_api, look_in, place_of, used


@dataclass(frozen=True)
class Fault:
    """Something that is wrong.

    :param check: The name of the check that found it.
    :param found: What was found, as a sentence.
    :param remedy: What to do, as a sentence or a command.
    """

    check: str
    found: str
    remedy: str


@dataclass
class Scene:
    """A set-up, looked at once.

    :param verdict: What the API said; ``None`` if it was not asked.
    :param unreadable: The stores that cannot be read, and the errors.
    :param said: The names of the checks that have found faults so far.
    """

    account: Account
    now: float
    found: list[Found]
    chosen: Found | None
    unreadable: list[tuple[TokenStore, TickTickAuthError]]
    verdict: Verdict | None = None
    said: set[str] = field(default_factory=set)

    @property
    def login(self) -> str:
        """Return the command that signs on."""
        return self.account.command("login")

    @property
    def is_from_environment(self) -> bool:
        """Whether the token that is used is one that nothing here saves."""
        return self.chosen is not None and not self.chosen.store.writable

    def files(self) -> Iterator[str]:
        """Yield the paths of the token files, links followed."""
        for store in self.account.store.members():
            if isinstance(store, FileStore):
                try:
                    yield os.path.realpath(store.path)
                except NoPlaceError:
                    continue  # it is among those that cannot be read


def look_around(account: Account, *, now: float, asks_api: bool) -> Scene:
    """Look at all stores, and ask the API if that is wanted.

    Nothing is created, renewed or removed.
    """
    found: list[Found] = []
    unreadable: list[tuple[TokenStore, TickTickAuthError]] = []
    for store in account.store.members():
        try:
            place_of(store)
            found += look_in(store, account, now=now)
        except TickTickAuthError as error:
            unreadable.append((store, error))
    chosen = used(found)
    scene = Scene(account, now, found, chosen, unreadable)
    if asks_api:
        scene.verdict = ask_api(account, None if chosen is None else chosen.token)
    return scene


def is_variable(store: TokenStore) -> bool:
    """Whether a store is an environment variable."""
    return isinstance(store, EnvStore)
