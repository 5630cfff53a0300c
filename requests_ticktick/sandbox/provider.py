"""The authorization server: oauthlib's, issuing what TickTick issues.

TickTick's texts are those of Spring Security OAuth, and so are its rules: a
code of six characters, used up by any attempt to use it; the live token
handed back by a second sign-on.
"""

from __future__ import annotations

import uuid
from typing import Any

from oauthlib.oauth2 import WebApplicationServer

from .ledger import Ledger
from .policy import Policy
from .validator import Validator


def create_provider(
    validator: Validator, policy: Policy, ledger: Ledger
) -> WebApplicationServer:
    """Connect oauthlib's endpoints to the ledger."""
    server = WebApplicationServer(
        validator, token_generator=lambda request: str(uuid.uuid4())
    )

    def six_characters(code: dict[str, str], *context: Any) -> dict[str, str]:
        return {**code, "code": ledger.new_code()}

    def as_ticktick(
        token: dict[str, Any], handler: Any, request: Any
    ) -> dict[str, Any]:
        grant = request.user.grant
        access_token, lifetime = ledger.issue(
            token["access_token"],
            grant,
            tuple(request.scopes),
            reissue=policy.reissue and request.grant_type == "authorization_code",
        )
        answer: dict[str, Any] = {
            "access_token": access_token,
            "token_type": "bearer",
            "expires_in": lifetime,
            # Another order than was asked for: clients must not rely on it.
            "scope": " ".join(reversed(request.scopes)),
        }
        if lifetime is None:
            del answer["expires_in"]
        if policy.refresh_tokens:
            answer["refresh_token"] = token["refresh_token"]
            ledger.add_refresh_token(token["refresh_token"], grant)
        return answer

    server.auth_grant.register_code_modifier(six_characters)
    for grant_type in (server.auth_grant, server.refresh_grant):
        grant_type.register_token_modifier(as_ticktick)
    return server
