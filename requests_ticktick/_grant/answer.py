"""The token endpoint's response: a token, or an error."""

from __future__ import annotations

import logging

from .._errors import InvalidTokenError, TokenEndpointError
from .._token import Token
from .endpoint import EndpointResponse
from .error_text import WITHHELD, quotes_any

logger = logging.getLogger("requests_ticktick")


class TokenResponse(EndpointResponse):
    """One response of the token endpoint."""

    parameter = "token_endpoint"
    error_class = TokenEndpointError

    def token(self, requested: str) -> Token:
        """Return the token (RFC 6749 5.1).

        :param requested: The scopes requested, separated by spaces.
        :raises TokenEndpointError: The response contains none.
        """
        logger.debug("The token endpoint answered with HTTP status %d.", self.status)
        if self.payload is None or not self.is_success:
            raise self.refusal()
        try:
            token = Token.from_response(self.payload, now=self.now)
            return self._without_secrets(token, requested)
        except InvalidTokenError as error:
            # The advice in its message is for a token that was copied.
            reason = str(error).rstrip(".").partition(":")[0]
        raise self.refusal(f"no valid token ({reason})")

    def _without_secrets(self, token: Token, requested: str) -> Token:
        """Drop the scopes that were not requested if they quote a secret.

        Scopes are logged, and shown in errors and by ``repr()``.
        """
        scopes = (token.scope or "").split()
        known = requested.split()
        foreign = " ".join(scope for scope in scopes if scope not in known)
        if not quotes_any(foreign, self._secrets):
            return token
        logger.warning(
            "The token endpoint named scopes that were not requested: %s.", WITHHELD
        )
        kept = " ".join(scope for scope in scopes if scope in known)
        return token.replace(scope=kept or None)

    def advice(self, text: str, error: str | None, wait: str) -> str | None:
        """Return what to do about a code that was not accepted."""
        known = super().advice(text, error, wait)
        if known is None and error == "invalid_grant":
            return "The code has expired or has already been used: sign on again."
        return known
