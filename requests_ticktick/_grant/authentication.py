"""How the client authenticates itself (RFC 6749 2.3)."""

from __future__ import annotations

from .._client import Client
from .._service import Service


def authentication_method(service: Service, client: Client) -> str:
    """Return the client authentication method (RFC 7591 2).

    A client without a secret is a public client, whose codes PKCE protects
    (RFC 9700 2.1.1): its method is ``none``.

    :raises SignOnRequiredError: The secret cannot be valid; or there is none,
        and no PKCE either.
    """
    method = service.token_endpoint_auth_method
    if client.client_secret is None and service.code_challenge_method is not None:
        return "none"
    if method != "none":
        client.require_secret()
    return method
