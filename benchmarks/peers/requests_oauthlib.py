"""``OAuth2Session`` with a token and a refresh URL; or ``OAuth2`` as an auth.

It keeps no tokens: the program does, here in a JSON file. The session's step
is what it calls in each request.

https://requests-oauthlib.readthedocs.io/en/latest/oauth2_workflow.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

from requests import PreparedRequest
from requests_oauthlib import OAuth2, OAuth2Session
from ways import TOKEN, Way, by_auth

IMPORT = "from requests_oauthlib import OAuth2Session"
COLD = """
import json, os
from requests_oauthlib import OAuth2Session
with open(os.environ["FILE"]) as file:
    token = json.load(file)
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
session = OAuth2Session("id", token=token)
assert session.get(os.environ["API"]).status_code == 200
"""


def keep(path: Path) -> None:
    path.write_text(json.dumps(_token()))


def ways(folder: Path, origin: str | None) -> Iterator[Way]:
    session = make(0)

    def step(request: PreparedRequest) -> None:
        request.url, request.headers, request.body = session._client.add_token(
            request.url, http_method="GET", body=None, headers=request.headers
        )

    yield Way("requests-oauthlib, OAuth2Session", step, session.get)
    yield by_auth("requests-oauthlib, OAuth2", OAuth2("id", token=_token()))


def make(number: int) -> OAuth2Session:
    return OAuth2Session(
        "id",
        token=_token(str(number)),
        auto_refresh_url="https://api.example.com/token",
        token_updater=str,
    )


def _token(end: str = "") -> dict[str, object]:
    return {
        "access_token": TOKEN + end,
        "token_type": "Bearer",
        "expires_in": 1e7,
        "expires_at": time.time() + 1e7,
        "refresh_token": "refresh",
    }
