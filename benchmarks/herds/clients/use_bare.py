"""No auth at all: a header that is always valid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests

prompts = 0


def prepare(order: dict[str, Any]) -> None:
    """Do nothing: there is no store."""


def client(order: dict[str, Any]) -> Callable[[str], int]:
    headers = {"Authorization": f"Bearer {order['valid_token']}"}

    def get(url: str) -> int:
        with requests.Session() as session:
            return session.get(url, headers=headers).status_code

    return get
