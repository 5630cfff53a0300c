"""Which herds are measured, and how often."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from run import OURS, MissingError, Run

from .herd import Shape, Way

#: What the middle one of a shape's herds should not exceed.
BUDGETS = {"16x4": 1.3, "64x1": 1.5, "128x1": 2.0}

#: The peers that threads share an object of.
BY_THREADS = {
    "requests-oauthlib": ("requests_oauthlib", "OAuth2Session with auto_refresh_url"),
    "Authlib": ("authlib", "OAuth2Session with update_token"),
    "requests_oauth2client": ("requests_oauth2client", "OAuth2AccessTokenAuth"),
    "google-auth": ("google_auth", "AuthorizedSession of user credentials"),
    "ticktick-py": ("ticktick_py", "one OAuth2 object; it signs on instead"),
}

#: The peers that processes share a cache file of, and what they find.
BY_PROCESSES = {
    "requests_auth": ("requests_auth", "rotate", "client credentials, JSON file"),
    "spotipy": ("spotipy", "rotate", "SpotifyOAuth with CacheFileHandler"),
    "msal": ("msal", "rotate", "PersistedTokenCache of msal-extensions"),
    "ticktick-py": ("ticktick_py", "sign-on", "OAuth2 with cache_path"),
}

#: The numbers of processes that the cost is followed over.
PROCESSES = (1, 4, 16, 64, 128)


@dataclass(frozen=True)
class Block:
    """Herds of one size with one store."""

    store: str
    shape: Shape
    modes: tuple[str, ...]
    rounds: int
    valid_every: int = 1


def blocks(run: Run) -> Iterator[Block]:
    """Yield what is measured of ours."""
    both = ("rotate", "sign-on")
    if run.quick:
        yield Block("memory", Shape(1, 64), ("rotate",), 2)
        yield Block("file", Shape(1, 64), ("rotate",), 2)
        yield Block("file", Shape(16, 4), ("rotate",), 2)
        yield Block("redis", Shape(16, 4), ("rotate",), 2)
        return
    for store in ("memory", "file", "redis"):
        yield Block(store, Shape(1, 64), both, run.rounds)
    for store in ("file", "redis"):
        yield Block(store, Shape(1, 1), ("rotate",), run.rounds)
        yield Block(store, Shape(4, 1), ("rotate",), run.rounds)
        yield Block(store, Shape(16, 1), ("rotate",), 3)
        yield Block(store, Shape(16, 4), both, run.rounds)
    # Their processes take seconds to start.
    yield Block("file", Shape(64, 1), both, run.rounds, 4)
    yield Block("redis", Shape(64, 1), ("rotate",), run.rounds, 4)
    for store in ("file", "redis"):
        yield Block(store, Shape(128, 1), ("rotate",), run.rounds, 6)


def our_way(run: Run, store: str) -> Way:
    return Way(OURS, run.python(), "ours", store)


def ways_by_threads(run: Run) -> Iterator[Way]:
    """Yield the peers that can be measured, with a token in memory."""
    for name, (peer, _) in BY_THREADS.items():
        try:
            yield Way(name, run.python(peer=name), peer, "memory")
        except MissingError:
            continue


def ways_by_processes(run: Run) -> Iterator[tuple[Way, str]]:
    """Yield the peers that can be measured, and what they find in a file."""
    for name, (peer, mode, _) in BY_PROCESSES.items():
        try:
            yield Way(name, run.python(peer=name), peer, "file"), mode
        except MissingError:
            continue
