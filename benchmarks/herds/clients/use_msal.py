"""msal with msal-extensions: a token cache that processes share by a lock.

https://learn.microsoft.com/entra/msal/python/, acquire_token_silent() first;
https://github.com/AzureAD/microsoft-authentication-extensions-for-python,
PersistedTokenCache. Where there is no token its documentation says to ask the
person, which counts as a prompt here and goes no further.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import msal
import requests
from msal_extensions import FilePersistence, PersistedTokenCache

prompts = 0
_AUTHORITY = "https://login.example.com/tenant"
_SCOPES = ["tasks:read"]


class _Mapped(requests.Session):
    """Sends what is for the authority to the service on this machine."""

    base = ""

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        return super().request(method, url.replace(_AUTHORITY, self.base), **options)


def prepare(order: dict[str, Any]) -> None:
    """Save the token that the herd is to find."""
    claims = {"sub": "someone", "iss": _AUTHORITY, "aud": "the-client", "exp": 4e9}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    is_valid = order["mode"] == "valid"
    _cache(order).add(
        {
            "client_id": "the-client",
            "scope": _SCOPES,
            "token_endpoint": f"{_AUTHORITY}/oauth/token",
            "response": {
                "access_token": order["valid_token"] if is_valid else "expired-token",
                "refresh_token": order["refresh_token"],
                "expires_in": 86400,
                "id_token": f"e30.{body}.e30",
            },
        },
        now=time.time() if is_valid else 1.0,
    )


def client(order: dict[str, Any]) -> Callable[[str], int]:
    http_client = _Mapped()
    http_client.base = order["base"]
    app = msal.PublicClientApplication(
        "the-client",
        oidc_authority=_AUTHORITY,
        token_cache=_cache(order),
        http_client=http_client,
    )

    def get(url: str) -> int:
        global prompts
        accounts = app.get_accounts()
        result = None
        if accounts:
            result = app.acquire_token_silent(_SCOPES, account=accounts[0])
        if not result:
            prompts += 1
            raise LookupError("a person would have to sign on")
        headers = {"Authorization": f"Bearer {result['access_token']}"}
        return requests.get(url, headers=headers).status_code

    return get


def _cache(order: dict[str, Any]) -> PersistedTokenCache:
    return PersistedTokenCache(FilePersistence(order["path"]))
