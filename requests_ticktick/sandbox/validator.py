"""What oauthlib asks an authorization server's owner, answered."""

from __future__ import annotations

from typing import Any

from oauthlib.common import Request
from oauthlib.oauth2 import InvalidClientError, InvalidGrantError

from .clients import ClientValidator
from .ledger import Code, Grant, Ledger
from .policy import SCOPES, Policy


class Validator(ClientValidator):
    """Answers from the policy and the ledger.

    oauthlib carries one request object through all of these. Its ``user``,
    meant for who granted access, holds the code or the refresh token that
    was presented: the grant is in there.
    """

    def __init__(self, policy: Policy, ledger: Ledger) -> None:
        super().__init__(policy)
        self._ledger = ledger

    # The authorization request (RFC 6749 4.1.1)

    def validate_redirect_uri(
        self, client_id: str, redirect_uri: str, *args: Any, **kwargs: Any
    ) -> bool:
        """Whether it is registered, character for character."""
        return redirect_uri in self._policy.redirect_uris

    def get_default_redirect_uri(self, *args: Any, **kwargs: Any) -> Any:
        """Stand in with the registered one, if there is only one."""
        registered = self._policy.redirect_uris
        return registered[0] if len(registered) == 1 else None

    def validate_response_type(
        self, client_id: str, response_type: str, *args: Any, **kwargs: Any
    ) -> bool:
        """Whether it is a code that is asked for, and nothing else."""
        return response_type == "code"

    def get_default_scopes(self, *args: Any, **kwargs: Any) -> list[str]:
        """All that there are."""
        return list(SCOPES)

    def validate_scopes(
        self, client_id: str, scopes: list[str], *args: Any, **kwargs: Any
    ) -> bool:
        """Whether TickTick has such scopes."""
        return set(scopes) <= set(SCOPES)

    def is_pkce_required(self, *args: Any, **kwargs: Any) -> bool:
        """Whether PKCE stands in for a secret (RFC 9700 2.1.1)."""
        return self._policy.public

    def save_authorization_code(
        self, client_id: str, code: Any, request: Request, *args: Any, **kwargs: Any
    ) -> None:
        """Bind the code to what was asked for."""
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
        """Refuse the refresh grant as Dida365 does, unless it is wanted."""
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
        """Use the code up, whatever becomes of this request."""
        issued = self._ledger.take_code(code, client_id)
        if issued is None:
            # Quoting it is what Spring's server does, and worth testing with.
            raise InvalidGrantError(
                description=f"Invalid authorization code: {code}", request=request
            )
        request.user = issued
        request.scopes = list(issued.grant.scopes)
        return True

    def get_code_challenge(self, code: str, request: Any) -> Any:
        """Find what the verifier is compared with."""
        return request.user.challenge

    def get_code_challenge_method(self, code: str, request: Any) -> Any:
        """How the verifier is compared with it."""
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
        """Compare it with the authorization request's."""
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
        """Use the refresh token up: each is good once."""
        request.user = self._ledger.take_refresh_token(
            refresh_token, client.client_id, request.scopes
        )
        return request.user is not None

    def get_original_scopes(
        self, refresh_token: str, request: Any, *args: Any, **kwargs: Any
    ) -> list[str]:
        """List what the person granted."""
        return list(request.user.grant.scopes)

    def is_within_original_scope(self, *args: Any, **kwargs: Any) -> bool:
        """Whether scopes that were not granted may be had: no."""
        return False

    def invalidate_authorization_code(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: the code was used up by looking at it."""

    def save_bearer_token(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: the ledger recorded the token as it was issued."""

    # The API

    def validate_bearer_token(
        self, token: str | None, scopes: Any, request: Request
    ) -> bool:
        """Whether the token is alive; its scopes are left on the request."""
        found = self._ledger.find(token or "")
        if found is None:
            return False
        request.scopes = list(found.scopes)
        return True
