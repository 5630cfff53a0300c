"""``OAuth2AuthorizationCodePKCE`` as an auth, its tokens in a JSON file.

The cache, ``OAuth2.token_cache``, is one for the process, and is filled here
by what a sign-on would call.

https://github.com/Colin-b/requests_auth#oauth-2
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from requests_auth import JsonTokenFileCache, OAuth2, OAuth2AuthorizationCodePKCE
from requests_auth._oauth2.tokens import TokenMemoryCache
from ways import TOKEN, Way, by_auth

IMPORT = "from requests_auth import OAuth2AuthorizationCodePKCE"
COLD = """
import os, requests
from requests_auth import JsonTokenFileCache, OAuth2, OAuth2AuthorizationCodePKCE
OAuth2.token_cache = JsonTokenFileCache(os.environ["FILE"])
session = requests.Session()
session.auth = OAuth2AuthorizationCodePKCE(
    "https://api.example.com/authorize", "https://api.example.com/token", client_id="0"
)
assert session.get(os.environ["API"]).status_code == 200
"""


def keep(path: Path) -> None:
    _fill(JsonTokenFileCache(path), _auth(0))


def ways(folder: Path, origin: str | None) -> Iterator[Way]:
    keep(folder / "requests_auth.json")
    OAuth2.token_cache = JsonTokenFileCache(folder / "requests_auth.json")
    yield by_auth("requests_auth, file", _auth(0))


def make(number: int) -> OAuth2AuthorizationCodePKCE:
    auth = _auth(number)
    _fill(OAuth2.token_cache, auth)
    return auth


def _auth(number: int) -> OAuth2AuthorizationCodePKCE:
    endpoint = "https://api.example.com/"
    return OAuth2AuthorizationCodePKCE(
        f"{endpoint}authorize", f"{endpoint}token", client_id=str(number)
    )


def _fill(cache: TokenMemoryCache, auth: OAuth2AuthorizationCodePKCE) -> None:
    cache._add_access_token(auth.state, TOKEN, 10_000_000)
