"""Sign users on to TickTick in a web application: one Flask file."""

import os
import secrets
from urllib.parse import urljoin

import requests
from flask import Flask, redirect, request, session

from requests_ticktick import (
    TICKTICK,
    SignOnError,
    SignOnRequiredError,
    TokenEndpointError,
)
from requests_ticktick.vault import TokenVault


def create_app(service=TICKTICK):
    """Make the application: TickTick redirects to ``/ticktick/callback``."""
    app = Flask(__name__)
    app.secret_key = os.environ["WEB_SECRET_KEY"]
    vault = TokenVault.files(os.environ["WEB_VAULT"], service=service)

    def user():
        # Where your application has users of its own, take their ids.
        return session.setdefault("user", secrets.token_hex(16))

    @app.get("/")
    def index():
        url = urljoin(service.api_origins[0], "/open/v1/project")
        try:
            response = requests.get(url, auth=vault.auth(user()), timeout=30)
        except SignOnRequiredError:
            return '<a href="/ticktick/connect">Connect TickTick</a>'
        if response.status_code == 401:  # access was withdrawn
            return '<a href="/ticktick/connect">Connect TickTick again</a>'
        return {"projects": response.json()}

    @app.get("/ticktick/connect")
    def connect():
        return redirect(vault.begin_sign_on(user()).url)

    @app.get("/ticktick/callback")
    def callback():
        # The route has seen to the path; behind a proxy, the rest of
        # request.url would not be what the browser has asked for.
        query = f"?{request.query_string.decode('latin-1')}"
        try:
            vault.complete_sign_on(user(), query)
        except SignOnError as error:  # denied, another's, or none of ours
            return str(error), 400, {"Content-Type": "text/plain"}
        except TokenEndpointError as error:  # TickTick did not take the code
            return str(error), 502, {"Content-Type": "text/plain"}
        return redirect("/")

    return app
