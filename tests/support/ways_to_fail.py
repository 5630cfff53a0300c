"""Every error of the package, raised with secrets all around it.

A case is a function of a :class:`World`, that raises.
"""

from __future__ import annotations

import base64
import io
import os
import secrets
import socket
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
import requests
from clients import client_of
from leaks import spellings
from requests.adapters import HTTPAdapter

from requests_ticktick import (
    AuthorizationDeniedError,
    AuthorizationRequest,
    ConsoleSignOn,
    FileStore,
    LoopbackSignOn,
    MemoryStore,
    RegistrationError,
    RevocationError,
    Service,
    SignOnError,
    SignOnRequiredError,
    SignOnTimeoutError,
    StateMismatchError,
    TickTickAuth,
    Token,
    TokenEndpointError,
    refuse,
)
from requests_ticktick._grant import AuthorizationCodeGrant, token_endpoint


class World(ExitStack):
    """A sandbox, a folder, and all that must not be shown.

    :param sandbox: Asks for PKCE, and issues refresh tokens.
    """

    def __init__(self, sandbox, folder, monkeypatch):
        super().__init__()
        self.sandbox = sandbox
        self.file = FileStore(folder / "token.json", lock_timeout=0.0)
        self.patch = monkeypatch
        self.begun = []
        self.planted = []
        self.shown = []
        self.terminal = io.StringIO()
        begin = AuthorizationCodeGrant.begin
        monkeypatch.setattr(
            AuthorizationCodeGrant, "begin", lambda grant, _: self._keep(begin(grant))
        )

    def _keep(self, request):
        self.begun.append(request)
        return request

    def plant(self, text="planted"):
        """Make up a secret."""
        self.planted.append(f"{text}-{secrets.token_hex(8)}")
        return self.planted[-1]

    def show(self, *objects):
        """Take down how these are shown."""
        self.shown += [f"{shown} {[shown]}" for shown in objects]

    def client(self, store=None, **options):
        """Return a client that keeps its token in the file, if in no other store."""
        store = self.file if store is None else store
        return client_of(self.sandbox, store, **options)

    def note(self):
        """Return what was written for those who wait for the lock."""
        note = Path(f"{self.file.path}.lock-info")
        return note.read_text() if note.exists() else ""

    def expired(self):
        """Return a token that a refresh would replace."""
        return Token(self.plant(), refresh_token=self.plant(), expires_at=5.0)

    @property
    def secrets(self):
        """All that is in play by now."""
        begun = [value for r in self.begun for value in (r.state, r.code_verifier)]
        known = [*self.sandbox.secrets, *begun, *self.planted]
        return {value for value in known if value}


CASES = []


def case(*kinds):
    """Know a function as a case that raises one of these."""

    def register(function):
        name = function.__name__.replace("_", " ")
        CASES.append(pytest.param(kinds, function, id=name))
        return function

    return register


def redirect_to(request, **parameters):
    return f"{request.redirect_uri}?{urlencode(parameters)}"


# -- nobody is here --------------------------------------------------------------


@case(SignOnRequiredError)
def nobody_is_here(world):
    store = MemoryStore(world.expired())
    world.client(store, sign_on=refuse).token()


@case(SignOnRequiredError)
def the_console_has_ended(world):
    world.client(sign_on=ConsoleSignOn(input=io.StringIO())).token()


@case(SignOnRequiredError)
def there_is_no_client_id(world):
    TickTickAuth(None, world.plant(), service=world.sandbox.service).begin_sign_on()


@case(SignOnRequiredError)
def the_api_refuses_what_a_sign_on_hands_back(world):
    world.sandbox.reissue = True
    world.sandbox.refresh_tokens = False
    source = world.client().source
    again = source.token(instead_of=source.token())
    source.token(instead_of=again)


# -- a person was asked ----------------------------------------------------------


@case(SignOnError)
def the_sign_on_returns_bytes(world):
    world.client(sign_on=lambda r: world.sandbox.sign_on(r).encode()).token()


@case(SignOnError)
def the_redirect_has_no_code(world):
    world.client(sign_on=lambda r: redirect_to(r, state=r.state)).token()


@case(SignOnError)
def the_code_cannot_be_sent(world):
    code = f"{world.plant()}\ud800"
    world.client(sign_on=lambda r: f"?code={code}&state={r.state}").token()


@case(SignOnError)
def five_times_something_else_is_pasted(world):
    def paste(request):
        typed = [
            world.plant(),
            redirect_to(request, code=world.plant(), state=world.plant()),
            redirect_to(request, code=world.plant()),
            request.url,
            f"{world.plant()} {world.plant()}",
            f"({world.plant()})",
        ]
        return ConsoleSignOn(input=io.StringIO("\n".join(typed)))(request)

    world.client(sign_on=paste).token()


@case(SignOnError)
def the_stored_request_is_spoilt(world):
    fields = world.client().begin_sign_on().to_dict()
    AuthorizationRequest.from_dict({**fields, "redirect_uri": None})


@case(SignOnError)
def the_port_is_taken(world):
    redirect_uri = urlsplit(world.sandbox.redirect_uri)
    world.enter_context(
        socket.create_server((redirect_uri.hostname, redirect_uri.port))
    )
    world.client(sign_on=LoopbackSignOn(open_url=lambda url: None)).token()


@case(AuthorizationDeniedError)
def access_is_denied(world):
    def deny(request):
        code = world.plant()
        said = f"{code} {request.state} {request.code_verifier} {quote(code)}"
        fields = {"error": said, "error_description": said}
        return redirect_to(request, code=code, state=request.state, **fields)

    world.client(sign_on=deny).token()


@case(StateMismatchError)
def the_state_is_anothers(world):
    auth = world.client()
    request, another = auth.begin_sign_on(), auth.begin_sign_on()
    auth.complete_sign_on(request, world.sandbox.sign_on(another))


@case(StateMismatchError)
def a_redirect_is_read_by_hand(world):
    request = world.client().begin_sign_on()
    request.code_from(redirect_to(request, code=world.plant(), state=world.plant()))


@case(SignOnTimeoutError)
def no_browser_comes_back(world):
    world.client(sign_on=LoopbackSignOn(0.01, open_url=lambda url: None)).token()


@case(SignOnTimeoutError)
def nothing_is_pasted_in_time(world):
    reading, writing = os.pipe()
    world.callback(os.close, writing)
    with open(reading) as typed:
        world.client(sign_on=ConsoleSignOn(input=typed, timeout=0.01)).token()


# -- the token endpoint ----------------------------------------------------------


def quoting(*secrets):
    said = " ".join(part for s in secrets for part in sorted(spellings(s)))
    return {"error": said, "error_description": said}


@case(TokenEndpointError)
def it_quotes_the_code_and_the_verifier(world):
    def answer(request):
        url = world.sandbox.sign_on(request)
        code = parse_qs(urlsplit(url).query)["code"][0]
        world.sandbox.fail(1, 400, quoting(code, request.code_verifier))
        return url

    world.client(sign_on=answer).token()


@case(TokenEndpointError)
def it_quotes_the_clients_secret(world):
    world.sandbox.fail(1, 401, quoting(world.sandbox.client_secret))
    world.client().token()


@case(TokenEndpointError)
def it_quotes_the_header(world):
    pair = f"{world.sandbox.client_id}:{world.sandbox.client_secret}".encode()
    header = base64.b64encode(pair).decode()
    world.planted.append(header)
    world.sandbox.fail(1, 401, quoting(f"Basic {header}"))
    world.client().token()


@case(TokenEndpointError)
def it_quotes_the_new_token(world):
    token = world.plant()
    fields = {"access_token": token, "token_type": "mac", "errorMessage": token}
    world.sandbox.fail(1, 200, fields)
    world.client().token()


@case(TokenEndpointError)
def it_quotes_the_secret_in_a_page(world):
    secret = world.sandbox.client_secret
    world.sandbox.fail(1, 403, f"<html><title>{secret}</title></html>")
    world.client().token()


@case(TokenEndpointError)
def it_drips(world):
    world.patch.setattr(token_endpoint, "DEADLINE", 0.2)
    world.sandbox.delay(30)
    world.client().token()


@case(TokenEndpointError)
def it_quotes_the_refresh_token(world):
    token = world.expired()
    world.sandbox.fail(1, 503, quoting(token.refresh_token))
    world.client(MemoryStore(token)).token()


@case(RevocationError)
def it_quotes_what_is_revoked(world):
    token = world.expired()
    said = quoting(token.access_token, token.refresh_token, world.sandbox.client_secret)
    world.sandbox.fail(1, 400, said, "revoke")
    world.client(MemoryStore(token)).revoke()


@case(RegistrationError)
def it_gives_a_client_secrets_that_nobody_asked_for(world):
    said = {name: world.plant() for name in ("client_secret", "access_token")}
    world.sandbox.fail(1, 400, {**said, **quoting(*said.values())}, "register")
    TickTickAuth(service=world.sandbox.service, register=True).begin_sign_on()


@case(TokenEndpointError)
def it_answers_with_a_page(world):
    world.sandbox.fail(1, 200, f"<html>{world.plant()}</html>")
    world.client().token()


@case(TokenEndpointError)
def it_answers_with_half_an_object(world):
    world.sandbox.fail(1, 200, f'{{"access_token": "{world.plant()}", \xff')
    world.client().token()


@case(TokenEndpointError)
def its_token_has_a_line_break(world):
    fields = {"access_token": f"{world.plant()}\r\n", "refresh_token": world.plant()}
    world.sandbox.fail(1, 200, fields)
    world.client().token()


@case(TokenEndpointError)
def its_token_is_of_another_type(world):
    fields = {"access_token": world.plant(), "token_type": world.plant()}
    world.sandbox.fail(1, 200, fields)
    world.client().token()


@case(TokenEndpointError)
def it_redirects(world):
    world.sandbox.fail(1, 307, headers={"Location": world.sandbox.url("/elsewhere")})
    world.client().token()


@case(TokenEndpointError)
def it_is_not_there(world):
    sandbox = world.sandbox
    service = Service(
        sandbox.service.authorization_endpoint,
        f"{sandbox.redirect_uri}/token",  # nobody listens there
        sandbox.service.api_origins,
    )
    world.client(service=service).token()


@case(TokenEndpointError)
def it_is_silent(world):
    world.patch.setattr(token_endpoint, "TIMEOUT", (5.0, 0.05))
    world.sandbox.delay(30)
    world.client().token()


@case(TokenEndpointError)
def the_certificates_are_not_there(world):
    session = world.enter_context(requests.Session())
    session.verify = "/nowhere/ca.pem"
    service = Service(
        world.sandbox.service.authorization_endpoint,
        "https://127.0.0.1:9/token",
        world.sandbox.service.api_origins,
    )
    world.client(session=session, service=service).token()


@case(SignOnRequiredError)
def the_clients_secret_cannot_be_sent(world):
    world.sandbox.client_secret = f"{world.plant()}\ud800"
    world.client().token()


class Broken(HTTPAdapter):
    """Fails in the middle of a request, in its own way."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def send(self, request, **kwargs):
        body, header = request.body, request.headers["Authorization"]
        try:
            raise OSError(9, "the first failure")
        except OSError:
            assert body
            assert header
            raise self.error from None


def broken(world, error):
    session = world.enter_context(requests.Session())
    session.mount("http://", Broken(error))
    return session


@case(TokenEndpointError)
def the_users_session_raises_with_its_request(world):
    sent = requests.Request("POST", "http://a/", data={"code": world.plant()}).prepare()
    error = requests.ConnectionError(world.plant(), request=sent)
    world.client(session=broken(world, error)).token()


@case(TokenEndpointError)
def the_users_session_raises_what_it_likes(world):
    world.client(session=broken(world, LookupError(world.plant()))).token()


@case(SystemExit)
def the_users_session_ends_the_program(world):
    world.client(session=broken(world, SystemExit(3))).token()


@case(TokenEndpointError)
def the_proxy_has_a_password(world):
    session = world.enter_context(requests.Session())
    session.proxies = {"http": f"http://me:{world.plant()}@127.0.0.1:9"}
    world.client(session=session).token()


@case(TokenEndpointError)
def the_users_hook_raises(world):
    session = world.enter_context(requests.Session())
    session.hooks["response"] = lambda response, **_: response.raise_for_status()
    world.sandbox.fail(1, 400, quoting(world.sandbox.client_secret))
    world.client(session=session).token()


@case(KeyboardInterrupt)
def somebody_presses_ctrl_c(world):
    world.client(session=broken(world, KeyboardInterrupt())).token()
