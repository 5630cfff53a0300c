"""The web application: every request passes one gate, and may fail there."""

from __future__ import annotations

from flask import Flask, Response, request

from .api import PREFIX, OpenAPI
from .board import Board
from .faults import Faults
from .ledger import Ledger
from .oauth import OAuthEndpoints
from .observed import Observed, Received
from .policy import Policy

_OAUTH = {"/oauth/authorize": "authorize", "/oauth/token": "token"}


def create_app(
    policy: Policy, ledger: Ledger, faults: Faults, observed: Observed, board: Board
) -> Flask:
    """Put the endpoints behind the gate."""
    app = Flask("requests_ticktick.sandbox", static_folder=None)
    endpoints = OAuthEndpoints(policy, ledger, faults, observed)
    app.register_blueprint(endpoints.blueprint())
    app.register_blueprint(OpenAPI(board).blueprint())

    @app.before_request
    def gate() -> Response | None:
        endpoint = _OAUTH.get(request.path)
        if endpoint is None and request.path.startswith(PREFIX):
            endpoint = "api"
        if endpoint is None:
            return None
        observed.add(_received(endpoint))
        faults.wait(endpoint)
        failure = faults.next_failure(endpoint)
        if failure is not None:
            return Response(failure.body, failure.status, failure.headers)
        return endpoints.refuse_bearer() if endpoint == "api" else None

    return app


def _received(endpoint: str) -> Received:
    return Received(
        endpoint=endpoint,
        method=request.method,
        path=request.path,
        query=request.query_string.decode("latin-1"),
        headers=dict(request.headers.items()),
        body=request.get_data(),
    )
