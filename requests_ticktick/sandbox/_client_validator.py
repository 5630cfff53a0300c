"""The answers to what oauthlib asks about a client."""

from __future__ import annotations

from typing import Any

from oauthlib.common import Request
from oauthlib.oauth2 import InvalidClientError, RequestValidator

from ._clients import Clients
from ._policy import Policy, basic_credentials


class ClientValidator(RequestValidator):
    """Answers from the policy and the registered clients.

    :param policy: The registered app.
    :param clients: That app, and those that registered themselves.
    """

    def __init__(self, policy: Policy, clients: Clients) -> None:
        self._policy = policy
        self._clients = clients

    # RFC 6749 2.3

    def validate_client_id(
        self, client_id: str | None, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """Whether there is such a client."""
        request.client = self._clients.find(client_id)
        return request.client is not None

    def client_authentication_required(
        self, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """Whether the client has a secret that it must send."""
        client = self._clients.find(request.client_id)
        return not (self._policy.public if client is None else client.is_public)

    def authenticate_client(self, request: Request, *args: Any, **kwargs: Any) -> bool:
        """Check the secret of the Basic header, or else of the form."""
        basic = basic_credentials(request.headers.get("Authorization"))
        credentials = basic or (request.client_id, request.client_secret)
        if not self._policy.accepts_credentials(*credentials):
            raise InvalidClientError(
                description="Bad client credentials", request=request
            )
        return self.validate_client_id(self._policy.client_id, request)

    def authenticate_client_id(
        self, client_id: str | None, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """Check the id of a client that has no secret."""
        return self.validate_client_id(client_id, request)

    # RFC 6749 4.1.1

    def validate_redirect_uri(
        self, client_id: str, redirect_uri: str, *args: Any, **kwargs: Any
    ) -> bool:
        """Whether the URI is registered, character for character."""
        return redirect_uri in self._redirect_uris(client_id)

    def get_default_redirect_uri(
        self, client_id: str, *args: Any, **kwargs: Any
    ) -> Any:
        """Return the registered redirect URI, if there is just one."""
        registered = self._redirect_uris(client_id)
        return registered[0] if len(registered) == 1 else None

    def is_pkce_required(self, client_id: str, *args: Any, **kwargs: Any) -> bool:
        """Whether the client is public and must use PKCE (RFC 9700 2.1.1)."""
        client = self._clients.find(client_id)
        return client is not None and client.is_public

    def _redirect_uris(self, client_id: str) -> tuple[str, ...]:
        client = self._clients.find(client_id)
        return () if client is None else client.redirect_uris
