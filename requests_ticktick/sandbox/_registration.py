"""Client registration (RFC 7591), and the server's metadata (RFC 8414)."""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, Response, jsonify, request

from ._clients import Clients, MetadataError
from ._policy import SCOPES, Policy


class RegistrationEndpoints:
    """The views of ``/oauth/register`` and of the discovery document.

    :param policy: Whether refresh tokens are issued.
    :param clients: The clients that registered themselves.
    """

    def __init__(self, policy: Policy, clients: Clients) -> None:
        self._policy = policy
        self._clients = clients

    def blueprint(self) -> Blueprint:
        """Make the routes."""
        routes = Blueprint("registration", __name__)
        routes.add_url_rule(
            "/oauth/register", view_func=self.register, methods=["POST"]
        )
        routes.add_url_rule(
            "/.well-known/oauth-authorization-server", view_func=self.metadata
        )
        return routes

    def register(self) -> tuple[Response, int]:
        """Register a client, or say why not (RFC 7591 3.2)."""
        try:
            fields = _fields()
            client = self._clients.register(fields)
        except MetadataError as error:
            return jsonify(error=error.error, error_description=error.description), 400
        registered: dict[str, Any] = {
            "client_id": client.client_id,
            "client_id_issued_at": int(time.time()),
            "client_name": client.name,
            "redirect_uris": client.redirect_uris,
            "grant_types": fields.get("grant_types", ["authorization_code"]),
            "response_types": ["code"],
            "scope": fields.get("scope", " ".join(SCOPES)),
            "token_endpoint_auth_method": "none",
        }
        return jsonify(registered), 201

    def metadata(self) -> Response:
        """Describe the server (RFC 8414 3.2)."""
        base = request.host_url.rstrip("/")
        grants = ["authorization_code"]
        if self._policy.refresh_tokens:
            grants.append("refresh_token")
        return jsonify(
            issuer=base,
            authorization_endpoint=f"{base}/oauth/authorize",
            token_endpoint=f"{base}/oauth/token",
            revocation_endpoint=f"{base}/oauth/revoke",
            registration_endpoint=f"{base}/oauth/register",
            scopes_supported=SCOPES,
            response_types_supported=["code"],
            grant_types_supported=grants,
            token_endpoint_auth_methods_supported=[
                "none",
                "client_secret_basic",
                "client_secret_post",
            ],
            code_challenge_methods_supported=["plain", "S256"],
        )


def _fields() -> dict[str, Any]:
    try:
        fields = request.get_json(force=True, silent=True)
    except RecursionError:
        fields = None
    if not isinstance(fields, dict):
        raise MetadataError("invalid_client_metadata", "the body is not a JSON object")
    return fields
