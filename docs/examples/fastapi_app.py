"""Sign users on to TickTick in a web application: one FastAPI file."""

import os
import secrets

import requests
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.middleware.sessions import SessionMiddleware

from requests_ticktick import SignOnError, SignOnRequiredError, TokenEndpointError
from requests_ticktick.vault import TokenVault

API = "https://api.ticktick.com/open/v1"

app = FastAPI()
app.add_middleware(SessionMiddleware, secret_key=os.environ["WEB_SECRET_KEY"])
vault = TokenVault.files(os.environ["WEB_VAULT"])


def user(request):
    """Return who this is, by the session."""
    # Where your application has users of its own, take their ids.
    return request.session.setdefault("user", secrets.token_hex(16))


# "def" and not "async def": FastAPI runs these in threads, which may block.
@app.get("/")
def index(request: Request):
    """Show the lists, or the link that begins."""
    auth = vault.auth(user(request))
    try:
        answer = requests.get(f"{API}/project", auth=auth, timeout=30)
    except SignOnRequiredError:
        return HTMLResponse('<a href="/ticktick/connect">Connect TickTick</a>')
    if answer.status_code == 401:  # access was withdrawn
        return HTMLResponse('<a href="/ticktick/connect">Connect TickTick again</a>')
    return {"projects": answer.json()}


@app.get("/ticktick/connect")
def connect(request: Request):
    """Send the user to TickTick."""
    return RedirectResponse(vault.begin_sign_on(user(request)).url)


@app.get("/ticktick/callback")
def callback(request: Request):
    """Take the user back."""
    try:
        vault.complete_sign_on(user(request), f"?{request.url.query}")
    except SignOnError as error:  # denied, another's, or none of ours
        return PlainTextResponse(str(error), 400)
    except TokenEndpointError as error:  # TickTick did not take the code
        return PlainTextResponse(str(error), 502)
    return RedirectResponse("/")
