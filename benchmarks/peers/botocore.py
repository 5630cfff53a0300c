"""``SSOTokenProvider``: the token of ``aws sso login``, in a cache of files.

The step asks the provider's token, which looks at the expiry, and has
``BearerAuth`` attach it, as the SDK does for services that take bearer tokens.
It is no client of other APIs: whole requests are not measured.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import botocore.session
from botocore.auth import BearerAuth
from botocore.tokens import SSOTokenProvider
from botocore.utils import JSONFileCache, SSOTokenLoader
from requests import PreparedRequest
from ways import TOKEN, Way

IMPORT = "import botocore.session"
COLD = """
import os, requests
import botocore.session
from botocore.tokens import SSOTokenProvider
from botocore.utils import JSONFileCache
folder = os.environ["FILE"]
os.environ["AWS_CONFIG_FILE"] = folder + "/config"
session = botocore.session.Session(profile="bench")
provider = SSOTokenProvider(session, cache=JSONFileCache(folder))
token = provider.load_token().get_frozen_token().token
headers = {"Authorization": "Bearer " + token}
assert requests.Session().get(os.environ["API"], headers=headers).status_code == 200
"""
START = "https://bench.awsapps.com/start"
CONFIG = f"""[profile bench]
sso_session = bench
[sso-session bench]
sso_region = eu-west-1
sso_start_url = {START}
"""


def keep(path: Path) -> None:
    """Make a folder of it, with AWS's configuration and the token."""
    path.mkdir(exist_ok=True)
    (path / "config").write_text(CONFIG)
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 10**7))
    token = {"accessToken": TOKEN, "expiresAt": end, "region": "eu-west-1"}
    SSOTokenLoader(cache=JSONFileCache(str(path))).save_token(
        START, {**token, "startUrl": START}, session_name="bench"
    )


def ways(folder: Path, origin: str | None) -> Iterator[Way]:
    keep(folder / "aws")
    os.environ["AWS_CONFIG_FILE"] = str(folder / "aws" / "config")
    session = botocore.session.Session(profile="bench")
    provider = SSOTokenProvider(session, cache=JSONFileCache(str(folder / "aws")))
    token = provider.load_token()
    token.get_frozen_token()

    def step(request: PreparedRequest) -> None:
        BearerAuth(token.get_frozen_token()).add_auth(request)

    yield Way("botocore, SSOTokenProvider", step, None)
