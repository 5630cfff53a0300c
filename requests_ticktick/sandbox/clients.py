"""Who the client is (RFC 6749 2.3)."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from typing import Any

from oauthlib.common import Request
from oauthlib.oauth2 import InvalidClientError, RequestValidator

from .policy import Policy


@dataclass(frozen=True)
class _Client:
    client_id: str


class ClientValidator(RequestValidator):
    """Answers what oauthlib asks about the client.

    :param policy: The registered app.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def validate_client_id(
        self, client_id: str, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """Whether it is the registered one."""
        request.client = _Client(self._policy.client_id)
        return client_id == self._policy.client_id

    def client_authentication_required(self, *args: Any, **kwargs: Any) -> bool:
        """Whether the client has a secret that it must show."""
        return not self._policy.public

    def authenticate_client(self, request: Request, *args: Any, **kwargs: Any) -> bool:
        """Check the secret, in the header or else in the form."""
        authorization = request.headers.get("Authorization")
        given = request.client_id, request.client_secret
        if not self.knows(*(basic_credentials(authorization) or given)):
            raise InvalidClientError(
                description="Bad client credentials", request=request
            )
        return self.validate_client_id(self._policy.client_id, request)

    def authenticate_client_id(
        self, client_id: str, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """Check the id of a client that has no secret."""
        return self.validate_client_id(client_id, request)

    def knows(self, client_id: str | None, client_secret: str | None) -> bool:
        """Whether these are the registered client's credentials."""
        expected = self._policy.client_secret or ""
        return client_id == self._policy.client_id and hmac.compare_digest(
            (client_secret or "").encode(), expected.encode()
        )


def basic_credentials(authorization: str | None) -> tuple[str, str] | None:
    """Take the id and the secret from a Basic header, if it is one.

    TickTick's clients send them as they are. RFC 6749 2.3.1 would have them
    form-encoded first, and a secret with ``%`` or ``+`` shows who does.
    """
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return "", ""
    client_id, _, client_secret = decoded.partition(":")
    return client_id, client_secret
