"""``acquire_token_silent`` for each request, as its examples do.

Tokens are in its own cache in memory, or in ``PersistedTokenCache`` of
msal-extensions. What it returns is put into a header of ``session.get``. What
it would ask Microsoft about its endpoints is answered in the process.

https://learn.microsoft.com/entra/msal/python/getting-started/acquiring-tokens
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msal import PublicClientApplication, TokenCache
from msal_extensions import FilePersistence, PersistedTokenCache
from ways import TOKEN, Way, by_token

IMPORT = "import msal"
AUTHORITY = "https://login.microsoftonline.com/common"


COLD = """
import json, os, requests
from msal import PublicClientApplication
from msal_extensions import FilePersistence, PersistedTokenCache
authority = "https://login.microsoftonline.com/common"
class Endpoints:
    status_code = 200
    text = json.dumps({
        "authorization_endpoint": authority + "/oauth2/v2.0/authorize",
        "token_endpoint": authority + "/oauth2/v2.0/token",
        "issuer": authority,
    })
    def get(self, *args, **kwargs):
        return self
    def close(self):
        pass
app = PublicClientApplication(
    "id", authority=authority, http_client=Endpoints(), instance_discovery=False,
    token_cache=PersistedTokenCache(FilePersistence(os.environ["FILE"])),
)
found = app.acquire_token_silent(["tasks"], account=app.get_accounts()[0])
headers = {"Authorization": "Bearer " + found["access_token"]}
assert requests.Session().get(os.environ["API"], headers=headers).status_code == 200
"""


class Endpoints:
    """In the place of a ``requests.Session``: it knows the endpoints."""

    status_code = 200
    text = json.dumps(
        {
            "authorization_endpoint": f"{AUTHORITY}/oauth2/v2.0/authorize",
            "token_endpoint": f"{AUTHORITY}/oauth2/v2.0/token",
            "issuer": AUTHORITY,
        }
    )

    def get(self, *args: object, **kwargs: object) -> Any:
        return self

    def close(self) -> None:
        pass


def keep(path: Path) -> None:
    _fill(PersistedTokenCache(FilePersistence(str(path))))


def ways(folder: Path, origin: str | None) -> Iterator[Way]:
    file = str(folder / "msal.json")
    for name, cache in {
        "memory": TokenCache(),
        "msal-extensions": PersistedTokenCache(FilePersistence(file)),
    }.items():
        app = _app(_fill(cache))
        account = app.get_accounts()[0]

        def token(app: PublicClientApplication = app, account: Any = account) -> str:
            found: str = app.acquire_token_silent(["tasks"], account)["access_token"]
            return found

        yield by_token(f"msal, {name}", token)


def make(number: int) -> PublicClientApplication:
    return _app(_fill(TokenCache(), str(number)))


def _app(cache: TokenCache) -> PublicClientApplication:
    return PublicClientApplication(
        "id",
        authority=AUTHORITY,
        http_client=Endpoints(),
        instance_discovery=False,
        token_cache=cache,
    )


def _fill(cache: TokenCache, end: str = "") -> TokenCache:
    """Add what a sign-on adds: a token, and the account that it is of."""
    account = {"uid": "1", "utid": "1"}
    cache.add(
        {
            "client_id": "id",
            "scope": ["tasks"],
            "token_endpoint": f"{AUTHORITY}/oauth2/v2.0/token",
            "response": {
                "access_token": TOKEN + end,
                "refresh_token": "refresh",
                "token_type": "Bearer",
                "expires_in": 10**7,
                "client_info": base64.urlsafe_b64encode(
                    json.dumps(account).encode()
                ).decode(),
                "id_token_claims": {"oid": "1", "preferred_username": "a@example.com"},
            },
        }
    )
    return cache
