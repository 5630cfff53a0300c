"""Whose token it is: its service, and the person, as far as can be known."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import islice
from urllib.parse import urljoin

import requests

from .._foreign import one_line
from .._named import NAMES, named
from .._service import Service
from .._stamp import Stamp, presumed_service
from .._token import Token
from .account import new_session

#: Seconds to connect, and seconds to wait for the answer.
_TIMEOUT_SECONDS = (5.0, 10.0)

#: Longer than the list of those who share an inbox.
_PART_BYTES, _MAX_PARTS = 4096, 25

#: An answer that is none.
_NO_ANSWER = (requests.RequestException, ValueError, RecursionError)


def service_of(token: Token) -> tuple[str, Service] | None:
    """Return the name and the endpoints of a token's service, if it is known.

    A token without a stamp is for the service that its prefix or
    ``TICKTICK_SERVICE`` names, as in programs.
    """
    endpoint = Stamp.of(token).token_endpoint
    if endpoint is None:
        service = presumed_service(token)[0]
        endpoint = None if service is None else service.token_endpoint
    if endpoint is None:
        return None
    for name, known in NAMES.items():
        if known.token_endpoint == endpoint:
            return name, known
    base = endpoint.removesuffix("/oauth/token")
    sandbox = named(base)
    is_one = sandbox is not None and sandbox.token_endpoint == endpoint
    return (base, sandbox) if sandbox is not None and is_one else None


def person_of(token: Token, service: Service) -> str | None:
    """Ask the API whose token it is: an e-mail address, as a rule.

    TickTick's API names no user, but the members of a list, of which one is
    marked as oneself. The inbox is everybody's own.

    :returns: ``None`` if the API did not say.
    """

    def bearer(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {token.access_token}"
        return request

    url = urljoin(service.api_origins[0], "/open/v1/project/inbox/members")
    with suppress(*_NO_ANSWER), new_session(service) as s:
        response = s.get(
            url,
            auth=bearer,
            timeout=_TIMEOUT_SECONDS,
            allow_redirects=False,
            stream=True,
        )
        if response.status_code == 200:
            parts = islice(response.iter_content(_PART_BYTES), _MAX_PARTS)
            return _self_in(json.loads(b"".join(parts)))
    return None


def _self_in(members: object) -> str | None:
    for member in members if isinstance(members, list) else ():
        if isinstance(member, dict) and member.get("self") is True:
            # Another person's text must not steer the terminal.
            return one_line(member.get("username")) or one_line(
                member.get("displayName")
            )
    return None
