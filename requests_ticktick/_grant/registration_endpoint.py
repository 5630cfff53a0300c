"""The registration endpoint's response (RFC 7591 3.2)."""

from __future__ import annotations

import re

from .._errors import RegistrationError
from .._portal import register_by_hand
from .._urls import without_query
from .advice import hint
from .endpoint import EndpointResponse

#: RFC 6749 A.1, and no longer than any real one.
_CLIENT_ID = r"[\x21-\x7e]{1,512}"


class RegistrationResponse(EndpointResponse):
    """One response of the registration endpoint (RFC 7591 3.2)."""

    parameter = "registration_endpoint"
    error_class = RegistrationError

    def client_id(self) -> str:
        """Return the id of a public client that has our redirect URI.

        A server may register something else than was requested (RFC 7591
        3.2.1).

        :raises RegistrationError: There is none.
        """
        fields = self.payload
        if fields is None or not self.is_success:
            raise self.refusal()
        client_id = fields.get("client_id")
        if not isinstance(client_id, str) or not re.fullmatch(_CLIENT_ID, client_id):
            raise self.refusal("no valid client id")
        method = fields.get("token_endpoint_auth_method")
        if fields.get("client_secret") and method != "none":
            raise self.refusal("a client that needs a secret, which was not requested")
        uris = fields.get("redirect_uris")
        if isinstance(uris, list) and self.redirect_uri not in uris:
            raise self.refusal("a client with another redirect URI")
        return client_id

    def advice(self, text: str, error: str | None, wait: str) -> str | None:
        """Return how to get a client after all."""
        by_hand = register_by_hand(self.service)
        if self.is_trouble or error == "exceed_query_limit":
            return f"Wait {wait}, then try again. Or else: {by_hand}"
        if error == "invalid_redirect_uri":
            return (
                f"The service does not register {without_query(self.redirect_uri)}: "
                "pass another redirect_uri, such as http://127.0.0.1:8765/callback. "
                f"Or else: {by_hand}"
            )
        if "invalid_scope" in text:
            return hint(text, self.redirect_uri)
        if self.payload is None and self.status not in (401, 403):
            return None
        return f"Clients cannot register themselves there like this. {by_hand}"
