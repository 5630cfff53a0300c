"""The answers to what oauthlib asks while it serves an OAuth request."""

from __future__ import annotations

from typing import Any

from oauthlib.common import Request
from oauthlib.oauth2 import (
    InvalidClientError,
    InvalidGrantError,
    UnauthorizedClientError,
)

from ._client_validator import ClientValidator
from ._clients import Clients
from ._entries import Code, Grant
from ._ledger import Ledger
from ._policy import SCOPES, Policy


class Validator(ClientValidator):
    """Answers from the policy, the clients and the ledger.

    oauthlib hands one request object to all methods. Its ``user``, which is
    meant for the person who granted access, has the code or the refresh token
    that was presented, and with it the grant.

    :param policy: The registered app.
    :param clients: That app, and those that registered themselves.
    :param ledger: The codes and tokens that were issued.
    """

    def __init__(self, policy: Policy, clients: Clients, ledger: Ledger) -> None:
        super().__init__(policy, clients)
        self._ledger = ledger

    # The authorization request (RFC 6749 4.1.1)

    def validate_response_type(
        self, client_id: str, response_type: str, *args: Any, **kwargs: Any
    ) -> bool:
        """Whether the client asks for a code, and for nothing else."""
        return response_type == "code"

    def get_default_scopes(self, *args: Any, **kwargs: Any) -> list[str]:
        """Return all scopes."""
        return list(SCOPES)

    def validate_scopes(
        self, client_id: str, scopes: list[str], *args: Any, **kwargs: Any
    ) -> bool:
        """Whether TickTick has all of these scopes."""
        return set(scopes) <= set(SCOPES)

    def save_authorization_code(
        self, client_id: str, code: Any, request: Request, *args: Any, **kwargs: Any
    ) -> None:
        """Bind the code to the authorization request."""
        expires_at = self._policy.clock() + self._policy.code_lifetime
        self._ledger.add_code(
            code["code"],
            Code(
                grant=Grant(client_id, tuple(request.scopes or ())),
                redirect_uri=request.redirect_uri or "",
                expires_at=expires_at,
                challenge=request.code_challenge,
                challenge_method=request.code_challenge_method,
            ),
        )

    # The token request (RFC 6749 4.1.3 and 6)

    def validate_grant_type(
        self,
        client_id: str,
        grant_type: str,
        client: Any,
        request: Request,
        *args: Any,
        **kwargs: Any,
    ) -> bool:
        """Refuse the refresh grant, as Dida365 does, unless it is allowed."""
        if grant_type == "refresh_token" and not self._policy.refresh_tokens:
            raise InvalidClientError(
                description="Unauthorized grant type: refresh_token", request=request
            )
        return True

    def validate_code(
        self,
        client_id: str,
        code: str,
        client: Any,
        request: Request,
        *args: Any,
        **kwargs: Any,
    ) -> bool:
        """Use the code up, even if the request fails later on."""
        issued = self._ledger.take_code(code, client_id)
        if issued is None:
            # Spring's server quotes the code, and clients must not log it.
            raise InvalidGrantError(
                description=f"Invalid authorization code: {code}", request=request
            )
        request.user = issued
        request.scopes = list(issued.grant.scopes)
        return True

    def get_code_challenge(self, code: str, request: Any) -> Any:
        """Return the code's PKCE challenge."""
        return request.user.challenge

    def get_code_challenge_method(self, code: str, request: Any) -> Any:
        """Return the method of the code's PKCE challenge."""
        return request.user.challenge_method

    def confirm_redirect_uri(
        self,
        client_id: str,
        code: str,
        redirect_uri: str,
        client: Any,
        request: Any,
        *args: Any,
        **kwargs: Any,
    ) -> bool:
        """Compare the redirect URI with the authorization request's."""
        if redirect_uri != request.user.redirect_uri:
            raise InvalidGrantError(
                description="Redirect URI mismatch.", request=request
            )
        return True

    def validate_refresh_token(
        self,
        refresh_token: str,
        client: Any,
        request: Request,
        *args: Any,
        **kwargs: Any,
    ) -> bool:
        """Use the refresh token up."""
        request.user = self._ledger.take_refresh_token(
            refresh_token, client.client_id, request.scopes
        )
        return request.user is not None

    def get_original_scopes(
        self, refresh_token: str, request: Any, *args: Any, **kwargs: Any
    ) -> list[str]:
        """Return the scopes that the person granted."""
        return list(request.user.grant.scopes)

    def is_within_original_scope(self, *args: Any, **kwargs: Any) -> bool:
        """Whether a refresh may ask for more scopes than were granted: no."""
        return False

    def invalidate_authorization_code(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: :meth:`validate_code` used the code up."""

    def save_bearer_token(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: the ledger keeps each token as it is issued."""

    # The revocation request (RFC 7009)

    def revoke_token(
        self, token: str, token_type_hint: str, request: Request, *args: Any
    ) -> None:
        """Revoke the token, whatever the hint says (RFC 7009 2.1)."""
        client: Any = request.client  # which oauthlib has authenticated
        if not self._ledger.give_back(token, client.client_id):
            raise UnauthorizedClientError(
                description="The token was issued to another client", request=request
            )

    # The API

    def validate_bearer_token(
        self, token: str | None, scopes: Any, request: Request
    ) -> bool:
        """Whether the token is alive. Puts its scopes on the request."""
        found = self._ledger.find(token or "")
        if found is None:
            return False
        request.scopes = list(found.scopes)
        return True
