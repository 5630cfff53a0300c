"""The sandbox as a whole: start, sign-on, API calls, stop."""

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
from types import SimpleNamespace

import pytest
import requests
from sandbox_app import SECONDS, App, call

from requests_ticktick.sandbox import AuthorizationPageError, Sandbox
from requests_ticktick.sandbox._web_server import free_port


def test_a_sign_on_gets_a_token_that_the_api_accepts(sandbox: Sandbox) -> None:
    """Consent, token request and API call go over a real port and are counted."""
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


def test_sandboxes_are_independent() -> None:
    """Each has an app, tokens and counters of its own."""
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


def test_a_restarted_sandbox_has_the_same_address_and_tokens() -> None:
    """A stop and a start are an outage, not another service."""
    sandbox = Sandbox()
    sandbox.start()
    token, service = sandbox.issue_token(), sandbox.service
    sandbox.stop()
    sandbox.stop()  # to stop it twice does no harm
    assert sandbox.service == service

    sandbox.start()

    assert sandbox.service == service
    assert call(sandbox, token).status_code == 200
    with pytest.raises(RuntimeError, match="running already"):
        sandbox.start()
    sandbox.stop()


def test_the_url_is_unknown_before_the_start() -> None:
    """The error says how to start the sandbox."""
    sandbox = Sandbox()

    with pytest.raises(RuntimeError, match="with Sandbox\\(\\) as sandbox"):
        sandbox.url("/open/v1/project")


def test_a_port_that_is_taken_raises_an_error() -> None:
    """Werkzeug alone would end the process."""
    with Sandbox() as sandbox:
        port = int(sandbox.url("").rpartition(":")[2])

        with pytest.raises(OSError, match="in use"):
            Sandbox(port=port).start()


def test_only_loopback_addresses_are_accepted() -> None:
    """The server grants everything, so that nobody else may reach it."""
    with pytest.raises(ValueError, match="not a loopback address"):
        Sandbox(host="0.0.0.0")


def test_the_sandbox_can_listen_on_ipv6() -> None:
    """URLs have the address in brackets."""
    with Sandbox(host="::1") as sandbox:
        token = App(sandbox).gets_a_token()

        assert sandbox.url("").startswith("http://[::1]:")
        assert sandbox.redirect_uri.startswith("http://[::1]:")
        assert call(sandbox, token["access_token"]).status_code == 200


def test_the_service_is_that_of_a_confidential_client(sandbox: Sandbox) -> None:
    """Like TickTick's: Basic credentials, PKCE, a secret that is hard to encode."""
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
def test_the_service_reflects_the_sandboxs_settings(
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
def test_contradictory_client_settings_are_refused(options: dict[str, object]) -> None:
    """A public client has no secret, and no method of sending one."""
    with pytest.raises(ValueError, match="public client"):
        Sandbox(**options)


def test_the_registered_app_can_be_chosen() -> None:
    """Id, secret and redirect URI are used as they are given."""
    sandbox = Sandbox(
        client_id="id", client_secret="secret", redirect_uri="http://localhost/cb?a=b"
    )

    assert sandbox.client_id == "id"
    assert sandbox.client_secret == "secret"
    assert sandbox.redirect_uri == "http://localhost/cb?a=b"
    assert sandbox.secrets == ["secret"]


def test_the_redirect_uri_has_a_free_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A port that is taken is passed over."""
    with socket.create_server(("127.0.0.1", free_port("127.0.0.1"))) as taken:
        port = taken.getsockname()[1]
        drawn = iter([port - 20000, 4321])
        monkeypatch.setattr(random, "randbelow", lambda below: next(drawn))

        assert free_port("127.0.0.1") == 24321


def test_the_repr_shows_the_address_and_whether_it_runs() -> None:
    """It shows no secret."""
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
    """It can be pickled, and needs nothing from the sandbox's process."""
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
        "import sys, requests_ticktick.sandbox._consent\n"
        "print(*{'flask', 'werkzeug', 'oauthlib'} & set(sys.modules))"
    )

    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=SECONDS
    )

    assert (result.stdout.strip(), result.returncode) == ("", 0), result.stderr


def test_the_sign_on_fails_when_a_person_would_see_an_error() -> None:
    """The exception has the page's text and status, and can be pickled."""
    with Sandbox() as sandbox, pytest.raises(AuthorizationPageError) as caught:
        sandbox.sign_on(App(sandbox).asks(client_id="another"))

    assert caught.value.status_code == 401
    assert "Bad client credentials" in str(caught.value)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.message, copy.status_code) == (caught.value.message, 401)
    assert repr(sandbox.sign_on) == "<SandboxSignOn>"


def test_the_sign_on_follows_a_redirect_to_the_authorization_request(
    sandbox: Sandbox,
) -> None:
    """``LoopbackSignOn`` opens such a URL, which has no query."""
    location = {"Location": App(sandbox).asks().url}
    sandbox.fail(1, 302, endpoint="api", headers=location)

    redirected = sandbox.sign_on(SimpleNamespace(url=sandbox.url("/open/v1/echo")))

    assert redirected.startswith(f"{sandbox.redirect_uri}?code=")


def test_the_sign_on_quotes_a_page_that_asks_for_no_consent(
    sandbox: Sandbox,
) -> None:
    """Such as the page of a server that is down."""
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


def test_an_unknown_name_is_an_attribute_error() -> None:
    """``hasattr`` works on the package as on any other."""
    package = importlib.import_module("requests_ticktick.sandbox")

    assert all(hasattr(package, name) for name in package.__all__)
    assert not hasattr(package, "Sandpit")


def test_insecure_transport_stays_forbidden_in_the_process(sandbox: Sandbox) -> None:
    """The client under test still has to use https."""
    App(sandbox).gets_a_token()

    assert "OAUTHLIB_INSECURE_TRANSPORT" not in os.environ


def test_a_host_of_another_machine_raises_an_error() -> None:
    """No port of it will ever be free. IPv6 on a machine without it is alike."""
    with pytest.raises(OSError, match="assign"):
        free_port("203.0.113.1")  # an address for documentation (RFC 5737)
