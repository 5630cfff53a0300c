"""``OAuth2Session`` with a token; or ``OAuth2Auth`` alone, for a static token.

It keeps no tokens: the program does, here in a JSON file. The session's own
auth looks at the expiry; ``OAuth2Auth`` alone, which has no client, does not.

https://docs.authlib.org/en/latest/client/requests.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

from authlib.integrations.requests_client import OAuth2Auth, OAuth2Session
from ways import TOKEN, Way, by_auth

IMPORT = "from authlib.integrations.requests_client import OAuth2Session"
COLD = """
import json, os
from authlib.integrations.requests_client import OAuth2Session
with open(os.environ["FILE"]) as file:
    session = OAuth2Session("id", "secret", token=json.load(file))
assert session.get(os.environ["API"]).status_code == 200
"""


def keep(path: Path) -> None:
    path.write_text(json.dumps(_token()))


def ways(folder: Path, origin: str | None) -> Iterator[Way]:
    session = make(0)
    yield Way("Authlib, OAuth2Session", session.token_auth, session.get)
    yield by_auth("Authlib, OAuth2Auth (static)", OAuth2Auth(_token()), looks=False)


def make(number: int) -> OAuth2Session:
    return OAuth2Session(
        "id",
        "secret",
        token=_token(str(number)),
        token_endpoint="https://api.example.com/token",
        update_token=str,
    )


def _token(end: str = "") -> dict[str, object]:
    return {
        "access_token": TOKEN + end,
        "token_type": "Bearer",
        "expires_in": 10_000_000,
        "expires_at": int(time.time()) + 10_000_000,
        "refresh_token": "refresh",
    }
