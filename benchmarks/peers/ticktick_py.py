"""``OAuth2``, with its cache file; installed beside today's requests.

Its client makes a constant header of the token once, and never looks at the
expiry again: that is "as shipped". ``get_access_token`` looks, where a program
calls it for each request.

https://github.com/lazeroffmichael/ticktick-py/blob/v2.0.3/docs/usage/oauth2.md
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from requests import PreparedRequest
from ticktick.oauth2 import OAuth2
from ways import HEADER, TOKEN, Way, by_token

IMPORT = "from ticktick.oauth2 import OAuth2"
COLD = """
import os, requests
from ticktick.oauth2 import OAuth2
oauth = OAuth2("id", "secret", "http://127.0.0.1:8080", cache_path=os.environ["FILE"])
headers = {"Authorization": "Bearer " + oauth.get_access_token()}
assert requests.Session().get(os.environ["API"], headers=headers).status_code == 200
"""


def keep(path: Path) -> None:
    token = {"access_token": TOKEN, "token_type": "bearer", "expires_in": 10**7}
    path.write_text(json.dumps({**token, "expire_time": int(time.time()) + 10**7}))


def ways(folder: Path, origin: str | None) -> Iterator[Way]:
    keep(folder / "ticktick.json")
    oauth = OAuth2(
        "id", "secret", "http://127.0.0.1", cache_path=str(folder / "ticktick.json")
    )
    session = oauth.session
    headers = {HEADER: f"Bearer {oauth.access_token_info['access_token']}"}

    def step(request: PreparedRequest) -> None:
        request.headers[HEADER] = headers[HEADER]

    yield Way(
        "ticktick-py, as shipped",
        step,
        lambda url: session.get(url, headers=headers),
        looks=False,
    )
    yield by_token("ticktick-py, get_access_token", oauth.get_access_token)


def make(number: int) -> OAuth2:
    path = Path(tempfile.gettempdir(), "requests-ticktick-bench-of-ticktick-py.json")
    keep(path)
    try:
        return OAuth2("id", "secret", "http://127.0.0.1", cache_path=str(path))
    finally:
        path.unlink()
