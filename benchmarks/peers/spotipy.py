"""``SpotifyOAuth.get_access_token`` for each request, as its client does.

Tokens are in a ``CacheFileHandler``, its default, or a ``MemoryCacheHandler``.
What it returns is put into a header of ``session.get``.

https://spotipy.readthedocs.io/en/latest/#authorization-code-flow
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from spotipy.cache_handler import CacheFileHandler, CacheHandler, MemoryCacheHandler
from spotipy.oauth2 import SpotifyOAuth
from ways import TOKEN, Way, by_token

IMPORT = "from spotipy.oauth2 import SpotifyOAuth"
COLD = """
import os, requests
from spotipy.cache_handler import CacheFileHandler
from spotipy.oauth2 import SpotifyOAuth
oauth = SpotifyOAuth(
    "id", "secret", "http://127.0.0.1:8080", scope="user-library-read",
    cache_handler=CacheFileHandler(os.environ["FILE"]),
)
token = oauth.get_access_token(as_dict=False)
headers = {"Authorization": "Bearer " + token}
assert requests.Session().get(os.environ["API"], headers=headers).status_code == 200
"""


def keep(path: Path) -> None:
    path.write_text(json.dumps(_token()))


def ways(folder: Path, origin: str | None) -> Iterator[Way]:
    keep(folder / "spotipy.json")
    for name, handler in {
        "memory": MemoryCacheHandler(_token()),
        "file": CacheFileHandler(str(folder / "spotipy.json")),
    }.items():
        get = partial(_oauth(handler).get_access_token, as_dict=False)
        yield by_token(f"spotipy, {name}", get)


def make(number: int) -> SpotifyOAuth:
    return _oauth(MemoryCacheHandler(_token(str(number))))


def _oauth(handler: CacheHandler) -> SpotifyOAuth:
    redirect_uri, scope = "http://127.0.0.1:8080", "user-library-read"
    return SpotifyOAuth(
        "id", "secret", redirect_uri, scope=scope, cache_handler=handler
    )


def _token(end: str = "") -> dict[str, object]:
    return {
        "access_token": TOKEN + end,
        "token_type": "Bearer",
        "expires_in": 10**7,
        "expires_at": int(time.time()) + 10**7,
        "refresh_token": "refresh",
        "scope": "user-library-read",
    }
