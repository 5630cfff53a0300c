"""Sign users on to TickTick in a web application: one Flask file."""

import os
import secrets
from urllib.parse import urljoin

import requests
from flask import Flask, redirect, request, session

from requests_ticktick import (
    TICKTICK,
    AuthorizationRequest,
    FileStore,
    SignOnError,
    SignOnRequiredError,
    TickTickAuth,
    TokenEndpointError,
    refuse,
)


def create_app(service=TICKTICK):
    """Make the application: TickTick redirects to ``/ticktick/callback``."""
    app = Flask(__name__)
    app.secret_key = os.environ["WEB_SECRET_KEY"]

    def auth_of_user():
        # Where your application has users of its own, take their ids.
        user = session.setdefault("user", secrets.token_hex(16))
        return TickTickAuth(
            redirect_uri=os.environ["TICKTICK_REDIRECT_URI"],
            store=FileStore(profile=f"web-{user}"),  # one for each user
            sign_on=refuse,  # nobody sits at this server
            service=service,
        )

    @app.get("/")
    def index():
        url = urljoin(service.api_origins[0], "/open/v1/project")
        try:
            response = requests.get(url, auth=auth_of_user(), timeout=30)
        except SignOnRequiredError:
            return '<a href="/ticktick/connect">Connect TickTick</a>'
        if response.status_code == 401:  # access was withdrawn
            return '<a href="/ticktick/connect">Connect TickTick again</a>'
        return {"projects": response.json()}

    @app.get("/ticktick/connect")
    def connect():
        begun = auth_of_user().begin_sign_on()
        session["ticktick"] = begun.to_dict()
        return redirect(begun.url)

    @app.get("/ticktick/callback")
    def callback():
        try:
            begun = AuthorizationRequest.from_dict(session.pop("ticktick", {}))
            # The route has seen to the path; behind a proxy, the rest of
            # request.url would not be what the browser has asked for.
            query = f"?{request.query_string.decode('latin-1')}"
            auth_of_user().complete_sign_on(begun, query)
        except SignOnError as error:  # denied, another sign-on's, or none of ours
            return str(error), 400, {"Content-Type": "text/plain"}
        except TokenEndpointError as error:  # TickTick did not take the code
            return str(error), 502, {"Content-Type": "text/plain"}
        return redirect("/")

    return app
