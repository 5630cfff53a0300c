"""The authorization, token and revocation endpoints, over HTTP.

Behind them is oauthlib's authorization server. TickTick's error texts are
those of Spring Security OAuth, and so are its rules: a code has six
characters, any attempt uses it up, and a second sign-on may return the token.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, request
from oauthlib.oauth2 import (
    AccessDeniedError,
    FatalClientError,
    OAuth2Error,
    WebApplicationServer,
)
from oauthlib.oauth2.rfc6749.errors import (
    InvalidClientIdError,
    InvalidRedirectURIError,
    MismatchingRedirectURIError,
    MissingClientIdError,
)
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from ._clients import Clients
from ._faults import Faults
from ._ledger import Ledger
from ._policy import SCOPES, Policy, basic_credentials
from ._templates import consent_page, error_page, unauthorized_page
from ._validator import Validator

Parameters = MultiDict[str, str]

#: oauthlib insists on https, which a loopback address does not need.
HTTPS_ORIGIN = "https://sandbox"

#: The fields that the consent page adds to the authorization request's own.
_CONSENT_FIELDS = ("decision", "consent")


def create_authorization_server(
    policy: Policy, clients: Clients, ledger: Ledger
) -> WebApplicationServer:
    """Let oauthlib issue codes and tokens such as TickTick's."""
    server = WebApplicationServer(
        Validator(policy, clients, ledger),
        token_generator=lambda request: str(uuid.uuid4()),
    )

    def with_ticktick_code(code: dict[str, str], *context: Any) -> dict[str, str]:
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
        response: dict[str, Any] = {
            "access_token": access_token,
            "token_type": "bearer",
            "expires_in": lifetime,
            # TickTick's order, whatever that of the request is.
            "scope": " ".join(scope for scope in SCOPES if scope in request.scopes),
        }
        if lifetime is None:
            del response["expires_in"]
        if policy.refresh_tokens:
            response["refresh_token"] = token["refresh_token"]
            ledger.add_refresh_token(token["refresh_token"], grant)
        return response

    server.auth_grant.register_code_modifier(with_ticktick_code)
    for grant_type in (server.auth_grant, server.refresh_grant):
        grant_type.register_token_modifier(as_ticktick)
    return server


class OAuthEndpoints:
    """The views of ``/oauth/authorize``, ``/oauth/token``, ``/oauth/revoke``.

    :param server: Decides, and issues codes and tokens.
    :param policy: The registered app.
    :param clients: That app, and those that registered themselves.
    :param ledger: The tokens that were issued.
    :param faults: The denials that are still to come.
    """

    def __init__(
        self,
        server: WebApplicationServer,
        policy: Policy,
        clients: Clients,
        ledger: Ledger,
        faults: Faults,
    ) -> None:
        self._server = server
        self._policy = policy
        self._clients = clients
        self._ledger = ledger
        self._faults = faults
        self._key = secrets.token_bytes(32)

    def blueprint(self) -> Blueprint:
        """Make the routes."""
        routes = Blueprint("oauth", __name__, url_prefix="/oauth")
        routes.add_url_rule(
            "/authorize", view_func=self.authorize, methods=["GET", "POST"]
        )
        routes.add_url_rule("/token", view_func=self.token, methods=["POST"])
        routes.add_url_rule("/revoke", view_func=self.revoke, methods=["POST"])
        return routes

    def authorize(self) -> AnyResponse:
        """Show the consent page, or act on the decision that it sends."""
        parameters = [
            *request.args.items(multi=True),
            *(
                (name, value)
                for name, value in request.form.items(multi=True)
                if name not in _CONSENT_FIELDS
            ),
        ]
        try:
            return self._decide(parameters)
        except FatalClientError as error:
            return self._refuse(error)
        except OAuth2Error as error:
            return redirect(error.in_uri(str(error.redirect_uri)))

    def _decide(self, parameters: list[tuple[str, str]]) -> AnyResponse:
        uri, body = f"{HTTPS_ORIGIN}/oauth/authorize", urlencode(parameters)
        scopes, details = self._server.validate_authorization_request(uri, "POST", body)
        decision, given = (request.form.get(name, "") for name in _CONSENT_FIELDS)
        # No other page can know the value for this request (RFC 9700 4.7).
        consent = hmac.new(self._key, body.encode(), hashlib.sha256).hexdigest()
        if decision not in ("allow", "deny"):
            client = self._clients.find(details["client_id"])
            assert client is not None  # oauthlib has found it
            redirect_uri = details["redirect_uri"]
            return consent_page(client.name, scopes, redirect_uri, parameters, consent)
        if not hmac.compare_digest(given.encode(), consent.encode()):
            return error_page(
                "access_denied",
                "The decision was not made on the consent page of this request. "
                "Open the authorization URL again, and decide there.",
                403,
            )
        if decision == "deny" or self._faults.take_denial():
            raise AccessDeniedError("User denied access", request=details["request"])
        headers, _, status = self._server.create_authorization_response(
            uri, "POST", body, scopes=scopes
        )
        return Response(status=status, headers=headers)

    def _refuse(self, error: FatalClientError) -> Response:
        """Show an error, where no redirect URI can be trusted with it."""
        if isinstance(error, (InvalidClientIdError, MissingClientIdError)):
            return error_page("invalid_client", "Bad client credentials", 401)
        client = self._clients.find(error.client_id)
        registered = () if client is None else client.redirect_uris
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
        """Answer a token request. Some clients have it in the query."""
        return self._answer(request.values, self._server.create_token_response)

    def revoke(self) -> AnyResponse:
        """Answer a revocation request (RFC 7009).

        TickTick's document has one with the token alone.
        """
        is_alone = set(request.form) == {"token"} and request.form["token"]
        if is_alone and "Authorization" not in request.headers:
            self._ledger.give_back(request.form["token"], None)
            return Response()
        return self._answer(request.form, self._server.create_revocation_response)

    def _answer(self, sent: Parameters, respond: Callable[..., Any]) -> AnyResponse:
        authorization = request.headers.get("Authorization")
        basic = basic_credentials(authorization)
        if basic is not None and not self._policy.accepts_credentials(*basic):
            return unauthorized_page()
        try:
            headers, body, status = respond(
                f"{HTTPS_ORIGIN}{request.path}",
                "POST",
                urlencode(list(sent.items(multi=True))),
                {} if authorization is None else {"Authorization": authorization},
            )
        except OAuth2Error as error:  # oauthlib leaves some of its own to us
            return Response(error.json, error.status_code, mimetype="application/json")
        return Response(body, status=status, headers=headers)
