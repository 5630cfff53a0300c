"""What the page for those who come from other clients says is so."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
import requests
import test_readme
from clients import client_of

from requests_ticktick import (
    FileStore,
    InvalidTokenError,
    MemoryStore,
    RevocationError,
    Service,
    StateMismatchError,
    TickTickAuth,
    Token,
    compat,
)
from requests_ticktick.vault import TokenVault

PAGE = Path(__file__).parents[2] / "docs" / "migrating.rst"
PROJECT = "/open/v1/project"

#: Runs a block where TickTick is the sandbox.
run = test_readme.run


def block(line):
    """The block that has this in it."""
    (found,) = [
        each for each in test_readme.blocks_of(PAGE.read_text()) if line in each
    ]
    return found


@pytest.fixture
def here(sandbox, monkeypatch, tmp_path):
    """The sandbox is the service that the environment names."""
    monkeypatch.chdir(tmp_path)
    base = "{0.scheme}://{0.netloc}".format(urlsplit(sandbox.url("/")))
    monkeypatch.setenv("TICKTICK_SERVICE", base)
    return tmp_path


# -- From ticktick-py ----------------------------------------------------------------


def test_the_blocks_about_ticktick_py_run(run, here, sandbox):
    """One line of imports, and one more for renewals."""
    sandbox.redirect_uris.append("http://127.0.0.1:8080")
    code = block("import OAuth2") + block("oauth.session.auth")

    names = run(code)

    oauth = names["oauth"]
    assert names["access_token"] == oauth.get_access_token()
    assert json.loads((here / ".token-oauth").read_text())["expire_time"]
    sandbox.revoke_all()
    assert oauth.session.get(sandbox.url(PROJECT)).status_code == 200
    oauth.session.close()
    assert sandbox.sign_ons == 2


def test_without_the_class_the_file_is_the_same(here, sandbox):
    """The other way that the page names."""
    code = re.search(r"``(TickTickAuth\(.+?FileStore.+?\))``", PAGE.read_text(), re.S)[
        1
    ]
    token = client_of(sandbox, FileStore(".token-oauth")).token()
    given = {
        name: getattr(sandbox, name)
        for name in ("client_id", "client_secret", "redirect_uri")
    }

    names = {"TickTickAuth": TickTickAuth, "FileStore": FileStore}
    auth = eval(" ".join(code.split()), names, given)

    assert auth.find() == token


# -- From pyticktick -----------------------------------------------------------------


def test_the_variables_of_pyticktick_are_passed_on(run, sandbox, monkeypatch):
    """Its token is used to its end, and then renewed."""
    token = sandbox.issue_token("tp_from_pyticktick")
    assert token is not None
    expires = int(time.time()) + 3600
    for name, value in {
        "TOKEN_VALUE": "tp_from_pyticktick",
        "TOKEN_EXPIRATION": str(expires),
        "CLIENT_ID": sandbox.client_id,
        "CLIENT_SECRET": sandbox.client_secret,
        "OAUTH_REDIRECT_URL": sandbox.redirect_uri,
    }.items():
        monkeypatch.setenv(f"PYTICKTICK_V1_{name}", value)

    session = run(block("PYTICKTICK_V1"), os=os)["session"]

    assert session.get(sandbox.url(PROJECT)).status_code == 200
    assert session.auth.peek().expires_at == expires
    assert sandbox.sign_ons == 0
    sandbox.revoke_all()
    assert session.get(sandbox.url(PROJECT)).status_code == 200
    assert sandbox.sign_ons == 1


def test_the_arithmetic_of_pyticktick_works(run, sandbox):
    """For a token that is new, and for one that a store has had for a while."""
    for _ in range(2):
        names = run(block("token.expires_in +"), time=time)

        token = names["token"]
        assert names["value"] == token.access_token
        assert abs(names["expiration"] - token.expires_at) < 2
        FileStore().save(token.replace(expires_at=token.expires_at - 1000))
    assert sandbox.sign_ons == 1


def test_pyticktick_s_payloads_are_read():
    """What its model takes, and some that it refuses; the rest is a ValueError."""
    payload = {"access_token": "a", "token_type": "Bearer", "scope": "b a"}

    token = Token.from_response(payload)

    assert (token.scopes, token.expires_in) == ({"a", "b"}, None)
    assert json.loads(json.dumps(token.to_dict()))["token_type"] == "Bearer"
    with pytest.raises(ValueError, match="access_token") as caught:
        Token.from_response({})
    assert isinstance(caught.value, InvalidTokenError)


# -- From httpx-oauth ----------------------------------------------------------------


def test_a_token_of_httpx_oauth_is_read(run):
    """As it is."""
    token = run(block('"expires_at": 1799999999'))["token"]

    assert (token.access_token, token.expires_at) == ("a", 1799999999)


def test_the_lists_of_scopes_are_taken(sandbox):
    """``base_scopes`` is one."""
    auth = client_of(sandbox, scope=["tasks:read", "tasks:write"])

    assert client_of(sandbox, auth.source.store).find() is None
    assert auth.token().scopes == {"tasks:read", "tasks:write"}


def test_a_token_from_elsewhere_is_revoked(sandbox):
    """By the client that it was issued to."""
    token = client_of(sandbox).token()

    elsewhere = MemoryStore(Token(token.access_token))
    assert client_of(sandbox, elsewhere).revoke() is True

    url = sandbox.url(PROJECT)
    headers = {"Authorization": f"Bearer {token.access_token}"}
    assert requests.get(url, headers=headers).status_code == 401


def test_the_errors_of_services_are_those_of_the_page():
    """An unknown method, and a service that cannot revoke."""
    endpoints = ("https://a.example/a", "https://a.example/t", "https://a.example")
    with pytest.raises(ValueError, match="token_endpoint_auth_method"):
        Service(*endpoints, token_endpoint_auth_method="private_key_jwt")

    with pytest.raises(RevocationError, match="no revocation endpoint"):
        TickTickAuth.from_token("a", service=Service(*endpoints)).revoke()


# -- From Arcade ---------------------------------------------------------------------


def test_the_block_about_arcade_signs_a_person_on(run, sandbox, tmp_path):
    """The redirect is received elsewhere, while the block waits."""
    options = {
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        "redirect_uri": sandbox.redirect_uri,
        "service": sandbox.service,
    }
    vault, web = (TokenVault.files(tmp_path / "vault", **options) for _ in range(2))
    threads = []

    def show(person, url):
        came_back = sandbox.sign_on(SimpleNamespace(url=url))
        arguments = (person, came_back)
        threads.append(threading.Thread(target=web.complete_sign_on, args=arguments))
        threads[-1].start()

    for _ in range(2):  # the second time, there is a token
        session = run(block("vault.wait_for_token"), vault=vault, show=show)["session"]
        assert session.get(sandbox.url(PROJECT)).status_code == 200
    threads[0].join(60)
    assert len(threads) == sandbox.sign_ons == 1


def test_a_service_comes_from_a_file(run, sandbox, monkeypatch, tmp_path):
    """Of a mapping, as each format of configurations has one."""
    monkeypatch.chdir(tmp_path)
    service = sandbox.service
    content = {
        "authorization_endpoint": service.authorization_endpoint,
        "token_endpoint": service.token_endpoint,
        "api_origins": list(service.api_origins),
    }
    (tmp_path / "service.json").write_text(json.dumps(content))

    names = run(block("service.json"), json=json, Path=Path)

    assert names["session"].get(sandbox.url(PROJECT)).status_code == 200


# -- What is not here, and why -------------------------------------------------------


def test_a_state_of_ones_own_is_refused(sandbox):
    """By each constructor, and by each that could complete it."""
    with pytest.raises(TypeError, match="state"):
        TickTickAuth(state="mine")
    auth = client_of(sandbox)
    request = auth.begin_sign_on()
    url = sandbox.sign_on(request).replace(request.state, "mine")

    with pytest.raises(StateMismatchError):
        auth.complete_sign_on(request, url)


def test_a_env_file_of_the_working_directory_is_not_read(here, sandbox):
    """Nor is any other file there."""
    (here / ".env").write_text("TICKTICK_TOKEN=from-the-file\n")
    (here / ".token-oauth").write_text('{"access_token": "from-the-file"}')

    assert TickTickAuth(service=sandbox.service).find() is None


def test_the_page_names_what_is_there():
    """Whoever renames a parameter finds out here."""
    text = PAGE.read_text()

    for name in re.findall(r":(?:class|exc|func):`~requests_ticktick\.(\w+)`", text):
        assert hasattr(__import__("requests_ticktick"), name)
    assert compat.requests_retry_session is compat.retry_session
    blocks = re.findall(r"^\.\. code-block:: python", text, re.M)
    assert len(test_readme.blocks_of(text)) == len(blocks)
