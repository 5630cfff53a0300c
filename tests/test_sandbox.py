"""The sandbox as a whole: started, signed on to, called, and gone."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import pickle
import secrets as random
import socket
import subprocess
import sys
import threading

import pytest
import requests
from test_sandbox_support import SECONDS, App, call

from requests_ticktick.sandbox import AuthorizationPageError, Sandbox
from requests_ticktick.sandbox.listener import free_port


def test_a_sign_on_ends_in_a_token_that_the_api_takes(sandbox: Sandbox) -> None:
    """Consent, token request and call go over a real port, and are counted."""
    app = App(sandbox)

    token = app.gets_a_token()
    response = call(sandbox, token["access_token"])

    assert response.status_code == 200
    assert [project["name"] for project in response.json()] == [
        "Groceries",
        "Work",
        "Reading",
    ]
    assert sandbox.sign_ons == sandbox.authorizations == 1
    assert sandbox.token_requests == 1
    assert sandbox.api_calls == 1


def test_sandboxes_do_not_know_each_other() -> None:
    """Any number run at a time, each with its own app, tokens and counters."""
    with Sandbox() as one, Sandbox() as other:
        token = one.issue_token()

        assert call(one, token).status_code == 200
        assert call(other, token).status_code == 401
        assert (one.api_calls, other.api_calls) == (1, 1)
        assert one.client_id != other.client_id
        assert one.client_secret != other.client_secret
        assert one.redirect_uri != other.redirect_uri


def test_leaving_the_block_frees_the_port_and_ends_the_threads() -> None:
    """Nothing of a sandbox is left in the process."""
    before = set(threading.enumerate())

    with Sandbox() as sandbox, requests.Session() as session:
        session.get(sandbox.url(), timeout=SECONDS)

    assert set(threading.enumerate()) == before
    with pytest.raises(requests.ConnectionError):
        requests.get(sandbox.url(), timeout=SECONDS)


def test_it_comes_back_at_the_same_address_with_the_same_tokens() -> None:
    """A stop and a start are an outage, not another service."""
    sandbox = Sandbox()
    sandbox.start()
    token, service = sandbox.issue_token(), sandbox.service
    sandbox.stop()
    sandbox.stop()  # once more does no harm
    assert sandbox.service == service

    sandbox.start()

    assert sandbox.service == service
    assert call(sandbox, token).status_code == 200
    with pytest.raises(RuntimeError, match="running already"):
        sandbox.start()
    sandbox.stop()


def test_an_address_is_known_once_it_was_started() -> None:
    """Before that the error says what to do."""
    sandbox = Sandbox()

    with pytest.raises(RuntimeError, match="with Sandbox\\(\\) as sandbox"):
        sandbox.url("/open/v1/project")


def test_a_port_that_is_taken_is_an_error_and_not_the_end() -> None:
    """Werkzeug alone would end the process."""
    with Sandbox() as sandbox:
        port = int(sandbox.url("").rpartition(":")[2])

        with pytest.raises(OSError, match="in use"):
            Sandbox(port=port).start()


def test_it_listens_on_the_loopback_interface_alone() -> None:
    """A server that grants everything is nobody else's to reach."""
    with pytest.raises(ValueError, match="not a loopback address"):
        Sandbox(host="0.0.0.0")


def test_ipv6_works_as_well() -> None:
    """The address is written in brackets, as URLs want it."""
    with Sandbox(host="::1") as sandbox:
        token = App(sandbox).gets_a_token()

        assert sandbox.url("").startswith("http://[::1]:")
        assert sandbox.redirect_uri.startswith("http://[::1]:")
        assert call(sandbox, token["access_token"]).status_code == 200


def test_the_service_is_that_of_a_confidential_client(sandbox: Sandbox) -> None:
    """As TickTick: Basic credentials, PKCE, and a secret hard to encode."""
    service = sandbox.service

    assert service.authorization_endpoint == sandbox.url("/oauth/authorize")
    assert service.token_endpoint == sandbox.url("/oauth/token")
    assert service.is_api_url(sandbox.url("/open/v1/project"))
    assert service.token_endpoint_auth_method == "client_secret_basic"
    assert service.code_challenge_method == "S256"
    assert set("^()%/!*&~") <= set(sandbox.client_secret or "")
    assert str(sandbox.url()) not in sandbox.redirect_uri


@pytest.mark.parametrize(
    ("options", "method", "challenge"),
    [
        ({"auth_method": "client_secret_post"}, "client_secret_post", "S256"),
        ({"code_challenge_method": None}, "client_secret_basic", None),
        ({"public": True}, "none", "S256"),
        ({"auth_method": "none"}, "none", "S256"),
    ],
)
def test_the_service_says_what_the_sandbox_was_made_for(
    options: dict[str, object], method: str, challenge: str | None
) -> None:
    """A client built from the service needs no further settings."""
    with Sandbox(**options) as sandbox:
        service = sandbox.service

        assert service.token_endpoint_auth_method == method
        assert service.code_challenge_method == challenge
        assert sandbox.public is (method == "none")


@pytest.mark.parametrize(
    "options",
    [
        {"public": True, "client_secret": "s"},
        {"auth_method": "none", "client_secret": "s"},
        {"public": True, "auth_method": "client_secret_post"},
    ],
)
def test_a_public_client_has_no_secret(options: dict[str, object]) -> None:
    """Settings that contradict each other are refused at once."""
    with pytest.raises(ValueError, match="public client"):
        Sandbox(**options)


def test_the_app_can_be_ones_own() -> None:
    """Id, secret and redirect URI are taken as they are."""
    sandbox = Sandbox(
        client_id="id", client_secret="secret", redirect_uri="http://localhost/cb?a=b"
    )

    assert sandbox.client_id == "id"
    assert sandbox.client_secret == "secret"
    assert sandbox.redirect_uri == "http://localhost/cb?a=b"
    assert sandbox.secrets == ["secret"]


def test_the_redirect_uri_has_a_port_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ports that are taken are passed over."""
    with socket.create_server(("127.0.0.1", free_port("127.0.0.1"))) as taken:
        port = taken.getsockname()[1]
        drawn = iter([port - 20000, 4321])
        monkeypatch.setattr(random, "randbelow", lambda below: next(drawn))

        assert free_port("127.0.0.1") == 24321


def test_its_repr_says_where_it_is_and_whether_it_runs() -> None:
    """And shows no secret."""
    sandbox = Sandbox(client_secret="secret")
    assert repr(sandbox) == "<Sandbox 127.0.0.1:0 stopped>"

    with sandbox:
        port = sandbox.url("").rpartition(":")[2]
        assert repr(sandbox) == f"<Sandbox 127.0.0.1:{port} running>"


# -- The sign-on -------------------------------------------------------------


def _signs_on_elsewhere(pickled: bytes, pipe: object) -> None:
    sign_on, request = pickle.loads(pickled)
    pipe.send(sign_on(request))


def test_the_sign_on_works_in_a_spawned_process(sandbox: Sandbox) -> None:
    """It pickles, and needs nothing of the process that has the sandbox."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    pickled = pickle.dumps((sandbox.sign_on, App(sandbox).asks()))

    worker = spawn.Process(target=_signs_on_elsewhere, args=(pickled, there))
    worker.start()
    assert here.poll(SECONDS)
    location = here.recv()
    worker.join(SECONDS)

    assert location.startswith(f"{sandbox.redirect_uri}?code=")
    assert sandbox.sign_ons == 1


def test_the_sign_on_needs_no_web_framework() -> None:
    """A worker that unpickles one imports neither Flask nor oauthlib."""
    code = (
        "import sys, requests_ticktick.sandbox.sign_on\n"
        "print(*{'flask', 'werkzeug', 'oauthlib'} & set(sys.modules))"
    )

    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=SECONDS
    )

    assert (result.stdout.strip(), result.returncode) == ("", 0), result.stderr


def test_the_sign_on_fails_where_a_person_would_see_an_error() -> None:
    """The exception has the page's words and status, and pickles."""
    with Sandbox() as sandbox, pytest.raises(AuthorizationPageError) as caught:
        sandbox.sign_on(App(sandbox).asks(client_id="another"))

    assert caught.value.status_code == 401
    assert "Bad client credentials" in str(caught.value)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.message, copy.status_code) == (caught.value.message, 401)
    assert repr(sandbox.sign_on) == "<SandboxSignOn>"


def test_the_sign_on_reports_pages_that_are_not_the_sandboxs(
    sandbox: Sandbox,
) -> None:
    """Whatever was put in the way of the consent page is quoted."""
    sandbox.fail(1, 503, "<p>Down for&nbsp;maintenance</p>", endpoint="authorize")

    with pytest.raises(AuthorizationPageError, match="Down for maintenance") as caught:
        sandbox.sign_on(App(sandbox).asks())

    assert caught.value.status_code == 503
    assert sandbox.sign_ons == 0


# -- The extra ---------------------------------------------------------------


def test_without_flask_the_error_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody has to find out which packages the sandbox needs."""
    monkeypatch.delitem(sys.modules, "requests_ticktick.sandbox")
    monkeypatch.setitem(sys.modules, "flask", None)

    with pytest.raises(
        ImportError, match=r"pip install 'requests-ticktick\[sandbox\]'"
    ):
        importlib.import_module("requests_ticktick.sandbox")


def test_a_name_that_is_not_there_is_no_import_error() -> None:
    """``hasattr`` and friends work on the package as on any other."""
    package = importlib.import_module("requests_ticktick.sandbox")

    assert all(hasattr(package, name) for name in package.__all__)
    assert not hasattr(package, "Sandpit")


def test_nothing_opens_insecure_transport_for_the_process(sandbox: Sandbox) -> None:
    """Oauthlib's check of https stays on for everybody else."""
    App(sandbox).gets_a_token()

    assert "OAUTHLIB_INSECURE_TRANSPORT" not in os.environ


def test_a_host_that_cannot_be_listened_on_is_an_error_at_once():
    """Such as IPv6 on a machine without it: no port will ever be free."""
    with pytest.raises(OSError, match="assign"):
        free_port("203.0.113.1")  # which is nobody's
