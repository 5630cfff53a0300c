"""Sign users on to TickTick in a web application: Django's views and URLs."""

import os
import secrets

import requests
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import path

from requests_ticktick import SignOnError, SignOnRequiredError, TokenEndpointError
from requests_ticktick.vault import TokenVault

API = "https://api.ticktick.com/open/v1"

vault = TokenVault.files(os.environ["WEB_VAULT"])


def user(request):
    """Return who this is, by the session."""
    # Where people log in: return str(request.user.pk), with @login_required.
    return request.session.setdefault("user", secrets.token_hex(16))


def index(request):
    """Show the lists, or the link that begins."""
    auth = vault.auth(user(request))
    try:
        answer = requests.get(f"{API}/project", auth=auth, timeout=30)
    except SignOnRequiredError:
        return HttpResponse('<a href="/ticktick/connect">Connect TickTick</a>')
    if answer.status_code == 401:  # access was withdrawn
        return HttpResponse('<a href="/ticktick/connect">Connect TickTick again</a>')
    return JsonResponse({"projects": answer.json()})


def connect(request):
    """Send the user to TickTick."""
    return redirect(vault.begin_sign_on(user(request)).url)


def callback(request):
    """Take the user back."""
    try:
        vault.complete_sign_on(user(request), "?" + request.META["QUERY_STRING"])
    except SignOnError as error:  # denied, another's, or none of ours
        return HttpResponse(str(error), "text/plain", 400)
    except TokenEndpointError as error:  # TickTick did not take the code
        return HttpResponse(str(error), "text/plain", 502)
    return redirect("/")


urlpatterns = [
    path("", index),
    path("ticktick/connect", connect),
    path("ticktick/callback", callback),
]
