"""``OAuth2AccessTokenAuth`` with a client and a token; or ``BearerToken``.

It keeps no tokens: the program does, here in a JSON file. A ``BearerToken`` is
an auth itself, which raises an error when it has expired.

https://guillp.github.io/requests_oauth2client/
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from requests_oauth2client import BearerToken, OAuth2AccessTokenAuth, OAuth2Client
from ways import TOKEN, Way, by_auth

IMPORT = "from requests_oauth2client import OAuth2AccessTokenAuth, OAuth2Client"
COLD = """
import json, os, requests
from requests_oauth2client import BearerToken, OAuth2AccessTokenAuth, OAuth2Client
with open(os.environ["FILE"]) as file:
    token = BearerToken(**json.load(file))
client = OAuth2Client("https://api.example.com/token", auth=("id", "secret"))
session = requests.Session()
session.auth = OAuth2AccessTokenAuth(client, token)
assert session.get(os.environ["API"]).status_code == 200
"""


def keep(path: Path) -> None:
    found = {"access_token": TOKEN, "refresh_token": "refresh", "expires_in": 10**7}
    path.write_text(json.dumps(found))


def ways(folder: Path, origin: str | None) -> Iterator[Way]:
    yield by_auth("requests_oauth2client, OAuth2AccessTokenAuth", make(0))
    yield by_auth("requests_oauth2client, BearerToken", _token())


def make(number: int) -> OAuth2AccessTokenAuth:
    client = OAuth2Client("https://api.example.com/token", auth=("id", "secret"))
    return OAuth2AccessTokenAuth(client, _token(str(number)))


def _token(end: str = "") -> BearerToken:
    return BearerToken(TOKEN + end, refresh_token="refresh", expires_in=10**7)
