"""Token revocation (RFC 7009)."""

from __future__ import annotations

import logging

import requests

from .._client import Client
from .._errors import RevocationError
from .._service import Service
from .._stamp import PREFIXES, Stamp
from .._token import Token
from .._urls import without_query
from .._value import Secret, discreet
from .advice import CLIENT_ADVICE
from .credentials import Credentials
from .endpoint import EndpointResponse
from .plain_request import send

logger = logging.getLogger("requests_ticktick")

#: What is left to a person where a program cannot revoke a token.
BY_HAND = (
    "Remove the app's access in TickTick's settings, then call auth.forget() (or run: "
    "requests-ticktick logout)."
)


class RevocationResponse(EndpointResponse):
    """One response of the revocation endpoint (RFC 7009 2.2)."""

    parameter = "revocation_endpoint"
    error_class = RevocationError

    def require_success(self) -> None:
        """Require that the token is no longer valid.

        RFC 7009 2.2 has clients ignore the body of a 200. But a proxy may have
        sent it, and TickTick has sent errors with this status.

        :raises RevocationError: The token may still be valid.
        """
        if not self.is_success or self.is_page:
            raise self.refusal()

    def advice(self, text: str, error: str | None, wait: str) -> str | None:
        """Return how the token can be revoked after all."""
        if error == "unsupported_token_type":
            return f"The service does not revoke tokens of this kind. {BY_HAND}"
        if self.is_trouble or error == "exceed_query_limit":
            # RFC 7009 2.2.1: the client must assume that the token exists.
            return f"The token is still kept: wait {wait}, then call auth.revoke()."
        if self.payload is None and self.status != 401:
            return None
        if self.status in (401, 403) or error in ("invalid_client", "unauthorized"):
            return (
                f"{CLIENT_ADVICE} Then call auth.revoke() "
                f"again. Or else: {BY_HAND[0].lower()}{BY_HAND[1:]}"
            )
        return f"The token is still kept. {BY_HAND}"


class Revocation:
    """Revokes the tokens of one client.

    :raises RevocationError: Only a person can: no endpoint is known.
    """

    def __init__(
        self, service: Service, client: Client, session: requests.Session | None
    ) -> None:
        if service.revocation_endpoint is None:
            raise RevocationError(
                "The service has no revocation endpoint, as far as is known: "
                f"{without_query(service.token_endpoint)}. {BY_HAND}"
            )
        self._service = service
        self._client = client
        self._session = session

    @discreet
    def revoke(self, token: Token, *, now: float) -> None:
        """Revoke a token's refresh token, and then its access token.

        In this order, because a refresh token is good for further access
        tokens until it is revoked. Servers should revoke both at once, and
        need not (RFC 7009 2.1). To revoke one twice does no harm (2.2).

        :param now: Epoch seconds.
        :raises RevocationError: One of them may still be valid.
        """
        unsupported = None
        for hinted in ("refresh_token", "access_token"):
            text = getattr(token, hinted)
            try:
                if text is not None:
                    self._send(Secret(text), hinted, token, now)
            except RevocationError as error:
                if error.error != "unsupported_token_type":
                    raise
                unsupported = error  # which says nothing about the other one
        if unsupported is not None:
            raise unsupported
        if token.access_token[:3] in PREFIXES:
            logger.warning(
                "The service was told to revoke a personal API token, and may not "
                "have done so: delete it in TickTick's web app (Settings, Account, "
                "API Token)."
            )

    def _send(self, text: str, hinted: str, token: Token, now: float) -> None:
        response = send(
            RevocationResponse,
            self._service,
            {"token_type_hint": hinted},
            secrets={"token": text},
            credentials=self._credentials(token),
            redirect_uri=self._client.redirect_uri or "",
            session=self._session,
            now=now,
        )
        response.require_success()

    def _credentials(self, token: Token) -> Credentials | None:
        """Return the client's credentials, as the token endpoint gets them.

        A client without a secret sends its id. A token whose client nobody
        knows is sent alone.
        """
        method = self._service.token_endpoint_auth_method
        client_id, secret = self._client.client_id, self._client.client_secret
        if client_id is None or secret is None:
            method, secret = "none", None
            client_id = client_id or Stamp.of(token).client_id
        return None if client_id is None else Credentials(method, client_id, secret)
