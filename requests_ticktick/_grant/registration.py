"""Client registration (RFC 7591): a client id without a developer portal."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import Any

import requests

from .. import _fields
from .._errors import RegistrationError
from .._portal import register_by_hand
from .._service import Service
from .._value import discreet
from .error_text import clean
from .redirect import require_redirect_uri

logger = logging.getLogger("requests_ticktick")


@discreet
def register(
    service: Service,
    redirect_uri: str,
    *,
    client_name: str,
    scope: str | Iterable[str],
    session: requests.Session | None = None,
) -> str:
    """Register a public client (RFC 7591), and return its client id.

    It has no secret, and uses PKCE. The id is kept for as long as the service
    knows it: registering again makes another client.
    ``TickTickAuth(register=True)`` does all of this by itself.

    :param service: One with a ``registration_endpoint``.
    :param redirect_uri: The only one that the client can use, on any port of
        the loopback interface for instance.
    :param client_name: What a person is shown who is asked for access.
    :param scope: The scopes that it will request, as a list or separated by
        spaces.
    :param session: Sends the request, by its proxies and certificates.
    :raises RegistrationError: The service refused, was unreachable, or
        registers no clients.
    :raises InsecureTransportError: Others could read the code at the redirect
        URI.
    """
    require_redirect_uri(redirect_uri)
    if service.registration_endpoint is None:
        raise RegistrationError(
            "The service has no registration endpoint, as far as is known. "
            f"{register_by_hand(service)}"
        )
    from .plain_request import send
    from .registration_endpoint import RegistrationResponse

    metadata: dict[str, Any] = {
        "client_name": client_name,
        "redirect_uris": [redirect_uri],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "scope": _fields.scope(scope) or "",
        "token_endpoint_auth_method": "none",
    }
    response = send(
        RegistrationResponse,
        service,
        metadata,
        as_json=True,
        redirect_uri=redirect_uri,
        session=session,
        now=time.time(),
    )
    client_id = response.client_id()
    logger.info("Registered the client %s.", clean(client_id))
    return client_id
