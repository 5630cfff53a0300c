"""A way to use a package: what is measured of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests
from requests import PreparedRequest

#: A UUID of version 4, as pyticktick takes no other.
TOKEN = "f5b8a1c0-6f0e-4d2a-9a57-0d9c5e9a7b11"
URL = "https://api.ticktick.com/open/v1/project"
HEADER = "Authorization"


class Static(requests.auth.AuthBase):
    """The floor: a header that never changes."""

    def __init__(self) -> None:
        self.header = f"Bearer {TOKEN}"

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        r.headers[HEADER] = self.header
        return r


@dataclass(frozen=True)
class Way:
    """One way to use a package.

    :param name: What its row is called.
    :param step: Puts the token of one request in its place.
    :param get: Makes a whole request, in a session of its own.
    :param auth: The step, if it is requests that calls it.
    :param looks: Whether each step looks if the token has expired.
    """

    name: str
    step: Callable[[PreparedRequest], object]
    get: Callable[[str], Any] | None
    auth: Callable[[PreparedRequest], PreparedRequest] | None = None
    looks: bool = True


def by_auth(name: str, auth: Any, *, looks: bool = True) -> Way:
    """Make a way of an auth: ``session.auth = auth``."""
    session = requests.Session()
    session.auth = auth
    return Way(name, auth, session.get, auth, looks)


def by_token(name: str, token: Callable[[], str], *, looks: bool = True) -> Way:
    """Make a way of a package that returns a token, for ``headers=``."""
    session = requests.Session()

    def step(request: PreparedRequest) -> None:
        request.headers[HEADER] = f"Bearer {token()}"

    def get(url: str) -> requests.Response:
        return session.get(url, headers={HEADER: f"Bearer {token()}"})

    return Way(name, step, get, None, looks)
