"""``Client`` with a token; each call reads its ``v1_headers``.

Its calls go through ``httpx.get``, which makes a connection for each of them.
It has no file of its own: the token comes from a variable.

https://sebpretzer.github.io/pyticktick/
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from pyticktick import Client
from requests import PreparedRequest
from ways import TOKEN, Way

IMPORT = "from pyticktick import Client"
COLD = """
import os
from pyticktick import Client
client = Client(
    v1_client_id="id", v1_client_secret="secret", v1_base_url=os.environ["API"],
    v1_token={"value": os.environ["BARE_TOKEN"], "expiration": 4102444800},
)
client._get_api_v1("/open")
"""


def keep(path: Path) -> None:
    """Keep nothing."""


def ways(folder: Path, origin: str | None) -> Iterator[Way]:
    client = make(0) if origin is None else _client(v1_base_url=origin)

    def step(request: PreparedRequest) -> None:
        request.headers.update(client.v1_headers)

    def get(url: str) -> object:
        return client._get_api_v1(url)

    yield Way("pyticktick, Client", step, get, looks=False)


def make(number: int) -> Client:
    return _client()


def _client(**options: str) -> Client:
    token = {"value": TOKEN, "expiration": int(time.time()) + 10**8}
    return Client(
        v1_client_id="id", v1_client_secret="secret", v1_token=token, **options
    )
