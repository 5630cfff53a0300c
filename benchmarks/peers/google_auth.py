"""``AuthorizedSession`` with ``Credentials`` of an authorized user.

The step is what the session calls in each request. The file is the user's, and
written by ``to_json``, as Google's examples do.

https://googleapis.dev/python/google-auth/latest/user-guide.html
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

from google.auth.transport.requests import AuthorizedSession
from google.oauth2.credentials import Credentials
from requests import PreparedRequest
from ways import TOKEN, Way

IMPORT = "from google.auth.transport.requests import AuthorizedSession"
COLD = """
import os
from google.auth.transport.requests import AuthorizedSession
from google.oauth2.credentials import Credentials
session = AuthorizedSession(Credentials.from_authorized_user_file(os.environ["FILE"]))
assert session.get(os.environ["API"]).status_code == 200
"""


def keep(path: Path) -> None:
    path.write_text(make(0).to_json())


def ways(folder: Path, origin: str | None) -> Iterator[Way]:
    credentials = make(0)
    session = AuthorizedSession(credentials)
    ask = session._auth_request

    def step(request: PreparedRequest) -> None:
        credentials.before_request(ask, "GET", request.url, request.headers)

    yield Way("google-auth, AuthorizedSession", step, session.get)


def make(number: int) -> Credentials:
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    return Credentials(
        f"{TOKEN}{number}",
        refresh_token="refresh",
        token_uri="https://api.example.com/token",
        client_id="id",
        client_secret="secret",
        expiry=now + datetime.timedelta(seconds=10**7),
    )
