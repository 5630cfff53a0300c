"""The authorization endpoint and the token endpoint, over HTTP."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, redirect, request
from oauthlib.oauth2 import AccessDeniedError, FatalClientError, OAuth2Error
from oauthlib.oauth2.rfc6749.errors import (
    InvalidClientIdError,
    InvalidRedirectURIError,
    MismatchingRedirectURIError,
    MissingClientIdError,
)
from werkzeug.wrappers import Response as AnyResponse

from .api import ECHO
from .clients import basic_credentials
from .faults import Faults
from .ledger import Ledger
from .observed import Observed
from .pages import consent_page, error_page, unauthorized_page
from .policy import Policy
from .provider import create_provider
from .validator import Validator

# oauthlib is right to insist on https. On a loopback address nobody listens.
_SECURE = "https://sandbox"

#: What the consent page's form adds to the request's own parameters.
_OF_THE_FORM = ("decision", "consent")

_READING = ("GET", "HEAD", "OPTIONS")


class OAuthEndpoints:
    """The views of ``/oauth/authorize`` and ``/oauth/token``."""

    def __init__(
        self, policy: Policy, ledger: Ledger, faults: Faults, observed: Observed
    ) -> None:
        self._policy = policy
        self._faults = faults
        self._observed = observed
        self._validator = Validator(policy, ledger)
        self._server = create_provider(self._validator, policy, ledger)
        self._key = secrets.token_bytes(32)

    def blueprint(self) -> Blueprint:
        """Make the routes."""
        routes = Blueprint("oauth", __name__, url_prefix="/oauth")
        routes.add_url_rule(
            "/authorize", view_func=self.authorize, methods=["GET", "POST"]
        )
        routes.add_url_rule("/token", view_func=self.token, methods=["POST"])
        return routes

    def authorize(self) -> AnyResponse:
        """Show the consent page, or act on the decision that it posts."""
        parameters = [
            *request.args.items(multi=True),
            *(
                (name, value)
                for name, value in request.form.items(multi=True)
                if name not in _OF_THE_FORM
            ),
        ]
        try:
            return self._decide(parameters)
        except FatalClientError as error:
            return self._refuse(error)
        except OAuth2Error as error:
            return redirect(error.in_uri(str(error.redirect_uri)))

    def _decide(self, parameters: list[tuple[str, str]]) -> AnyResponse:
        uri, body = f"{_SECURE}/oauth/authorize", urlencode(parameters)
        scopes, details = self._server.validate_authorization_request(uri, "POST", body)
        decision, given = (request.form.get(name, "") for name in _OF_THE_FORM)
        # Of this request alone: no other page can know it (RFC 9700 4.7).
        consent = hmac.new(self._key, body.encode(), hashlib.sha256).hexdigest()
        if decision not in ("allow", "deny"):
            return consent_page(
                details["client_id"],
                scopes,
                details["redirect_uri"],
                parameters,
                consent,
            )
        if not hmac.compare_digest(given.encode(), consent.encode()):
            return error_page(
                "access_denied",
                "The decision was not made on the page that asks for it. Open the "
                "authorization URL again, and decide there.",
                403,
            )
        if decision == "deny" or self._faults.take_denial():
            raise AccessDeniedError("User denied access", request=details["request"])
        headers, _, status = self._server.create_authorization_response(
            uri, "POST", body, scopes=scopes
        )
        self._observed.granted()
        return Response(status=status, headers=headers)

    def _refuse(self, error: FatalClientError) -> Response:
        if isinstance(error, (InvalidClientIdError, MissingClientIdError)):
            return error_page("invalid_client", "Bad client credentials", 401)
        registered = self._policy.redirect_uris
        if not registered:
            return error_page(
                "invalid_request",
                "At least one redirect_uri must be registered with the client.",
                400,
            )
        if isinstance(error, (InvalidRedirectURIError, MismatchingRedirectURIError)):
            return error_page(
                "invalid_grant",
                f"Invalid redirect: {error.redirect_uri} does not match one of the "
                f"registered values: [{', '.join(registered)}]",
                400,
            )
        return error_page("invalid_request", error.description, 400)

    def token(self) -> AnyResponse:
        """Answer a token request."""
        authorization = request.headers.get("Authorization")
        basic = basic_credentials(authorization)
        if basic is not None and not self._validator.knows(*basic):
            return unauthorized_page()
        query = urlencode(list(request.args.items(multi=True)))
        try:
            headers, body, status = self._server.create_token_response(
                f"{_SECURE}/oauth/token?{query}",
                "POST",
                urlencode(list(request.form.items(multi=True))),
                {} if authorization is None else {"Authorization": authorization},
            )
        except OAuth2Error as error:  # it is not even a token request
            return Response(error.json, error.status_code, mimetype="application/json")
        return Response(body, status=status, headers=headers)

    def refuse_bearer(self) -> Response | None:
        """Answer for the API, where the token will not do (RFC 6750 3.1)."""
        authorization = request.headers.get("Authorization")
        if authorization is None:
            return _challenge(401, "unauthorized", "Full authentication is required")
        valid, verified = self._server.verify_request(
            f"{_SECURE}/open/v1", headers={"Authorization": authorization}
        )
        if not valid:
            return _challenge(401, "invalid_token", "Invalid access token")
        needed = "tasks:read" if request.method in _READING else "tasks:write"
        if needed not in (verified.scopes or ()) and request.path != ECHO:
            return _challenge(403, "insufficient_scope", f"Needs {needed}")
        return None


def _challenge(status: int, error: str, description: str) -> Response:
    response = jsonify(error=error, error_description=description)
    response.status_code = status
    response.headers["WWW-Authenticate"] = (
        f'Bearer realm="oauth2-resource", error="{error}", '
        f'error_description="{description}"'
    )
    return response
