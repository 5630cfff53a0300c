"""One of the demo's parallel processes: a program that shares a token file.

It is configured as any program is, by ``TICKTICK_*`` variables, and makes one
call when its standard input says so.
"""

from __future__ import annotations

import json
import sys

import requests

from ..auth import TickTickAuth
from ..sandbox.sign_on import SandboxSignOn
from ..service import sandbox_service
from ..stores import FileStore
from .services import new_session, projects_url


def main() -> None:
    """Call the API once, and print what came back as JSON.

    The sandbox's address is the only argument.
    """
    service = sandbox_service(sys.argv[1])
    with new_session(service) as session, new_session(service) as transport:
        session.auth = auth = TickTickAuth(
            store=FileStore(),
            sign_on=SandboxSignOn(),
            service=service,
            session=transport,
        )
        print("ready", flush=True)
        sys.stdin.readline()
        answer = _call(session, projects_url(service))
        if answer is None:
            answer = {"token": auth.token().fingerprint}
    print(json.dumps(answer))


def _call(session: requests.Session, url: str) -> dict[str, str] | None:
    try:
        session.get(url, timeout=30).raise_for_status()
    except requests.RequestException as error:
        return {"error": str(error)}
    return None
