"""Clients of a token endpoint that answers badly, and the errors they end in."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from raw_server import RawServer, answer

from requests_ticktick import MemoryStore, Service, TickTickAuth, TokenEndpointError

CODE = "c0de-4f7A-2b"


SECRET = "s3^(%2F)!*&~+/Secret=ü"


GOOD = json.dumps({"access_token": "a-new-token", "token_type": "bearer"}).encode()


def client_at(url, secret=SECRET, *, store=None, **options):
    """Return a client whose token endpoint this is; a person grants at once."""
    service = Service(f"{url}/authorize", f"{url}/token", url)
    return TickTickAuth(
        "my-client",
        secret,
        store=MemoryStore() if store is None else store,
        service=options.pop("service", service),
        sign_on=lambda r: f"{r.redirect_uri}?code={CODE}&state={r.state}",
        **options,
    )


def refusal_of(*said, status=400, **options):
    """Return the error that a server's answer ends in."""
    with RawServer(lambda *_: answer(status, *said, **options)) as server:
        with pytest.raises(TokenEndpointError) as caught:
            client_at(server.url()).token()
        assert len(server.requests) == 1
    return caught.value


#: How a program begins that ``run_client`` is given the rest of.
CLIENT = """
import gc, os, sys, threading
from requests_ticktick import *
from requests_ticktick._grant import token_endpoint
url = sys.argv[1]
def client():
    return TickTickAuth(
        "my-client", "secret", store=MemoryStore(), sign_on=sign_on,
        service=Service(url + "/a", url + "/token", url),
    )
def sign_on(request):
    return f"?code=c0de&state={request.state}"
"""


def run_client(script, *args, **options):
    """Run a program of its own, which begins with ``CLIENT``."""
    return subprocess.run(
        [sys.executable, "-c", CLIENT + script, *args],
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )
