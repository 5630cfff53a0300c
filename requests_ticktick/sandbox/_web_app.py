"""The web application: its endpoints, and the gate that guards them all."""

from __future__ import annotations

import logging
import sys

from flask import Flask, Response, current_app, has_app_context, jsonify, request
from oauthlib.oauth2 import WebApplicationServer

from ._api.views import ECHO, PREFIX, READING_POSTS, create_api
from ._clients import Clients
from ._controls import Controls
from ._door import SAFE_METHODS
from ._faults import ENDPOINTS, Faults
from ._home import Home
from ._ledger import Ledger
from ._oauth import HTTPS_ORIGIN, OAuthEndpoints, create_authorization_server
from ._policy import Policy
from ._registration import RegistrationEndpoints
from ._request_log import Received, RequestLog

_NAME = "requests_ticktick.sandbox"
_OAUTH_ENDPOINTS = {
    f"/oauth/{endpoint}": endpoint for endpoint in ENDPOINTS if endpoint != "api"
}


def create_app(
    policy: Policy,
    clients: Clients,
    ledger: Ledger,
    faults: Faults,
    request_log: RequestLog,
) -> Flask:
    """Put the endpoints behind a gate, where each request may fail."""
    _silence_oauthlib()
    server = create_authorization_server(policy, clients, ledger)
    app = Flask(_NAME, static_folder=None)
    oauth = OAuthEndpoints(server, policy, clients, ledger, faults)
    app.register_blueprint(oauth.blueprint())
    app.register_blueprint(RegistrationEndpoints(policy, clients).blueprint())
    app.register_blueprint(create_api(lambda: policy.clock()))
    controls = Controls(policy, clients, ledger, faults, request_log)
    app.register_blueprint(Home(controls).blueprint())

    @app.before_request
    def gate() -> Response | None:
        """Return the response of a request that comes no further."""
        endpoint = _endpoint_of(request.path)
        if endpoint is None:
            return None
        request_log.add(_received(endpoint))
        faults.wait(endpoint)
        failure = faults.next_failure(endpoint)
        if failure is not None:
            return Response(failure.body, failure.status, failure.headers)
        return _bearer_error(server) if endpoint == "api" else None

    return app


def _silence_oauthlib() -> None:
    """Keep codes and tokens, which oauthlib logs at DEBUG, out of the logs.

    A client under test in the same process logs through the same loggers, and
    goes on doing so. Each of them gets the filter, because a logger does not
    apply its parents' filters. Adding it again has no effect.
    """
    for name in list(sys.modules):
        if name == "oauthlib" or name.startswith("oauthlib."):
            logging.getLogger(name).addFilter(_is_from_a_client)


def _is_from_a_client(record: logging.LogRecord) -> bool:
    return not (has_app_context() and current_app.name == _NAME)


def _endpoint_of(path: str) -> str | None:
    return "api" if path.startswith(PREFIX) else _OAUTH_ENDPOINTS.get(path)


def _received(endpoint: str) -> Received:
    return Received(
        endpoint=endpoint,
        method=request.method,
        path=request.path,
        query=request.query_string.decode("latin-1"),
        headers=dict(request.headers.items()),
        body=request.get_data(),
    )


def _bearer_error(server: WebApplicationServer) -> Response | None:
    """Refuse an API call whose token does not allow it (RFC 6750 3.1)."""
    authorization = request.headers.get("Authorization")
    if authorization is None:
        return _challenge(401, "unauthorized", "Full authentication is required")
    valid, verified = server.verify_request(
        f"{HTTPS_ORIGIN}{PREFIX}", headers={"Authorization": authorization}
    )
    if not valid:
        return _challenge(401, "invalid_token", "Invalid access token")
    reads = request.method in SAFE_METHODS or request.path in READING_POSTS
    needed = "tasks:read" if reads else "tasks:write"
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
