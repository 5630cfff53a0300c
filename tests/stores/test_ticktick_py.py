"""Side by side with ticktick-py 2.0.3: one file, one variable, both programs."""

from __future__ import annotations

import json
import time

import pytest
import requests
from clients import client_of

from requests_ticktick import ChainStore, EnvStore, FileStore, TickTickAuth, refuse

PROJECT = "/open/v1/project"

# The documentation's example, line breaks and outer quotes included; but for
# its expiry, which has passed.
DOCUMENTED = """'{'access_token': '628ff081-5331-4a37-8ddk-021974c9f43g',
'token_type': 'bearer', 'expires_in': 14772375,
'scope': 'tasks:read tasks:write',
'expire_time': EXPIRES,
'readable_expire_time':
'Wed Nov 17 15:48:55 2021'}'"""


@pytest.fixture
def ticktick_py(require_module, monkeypatch, sandbox):
    """ticktick-py's sign-on, at home in the sandbox; the person is real enough."""
    module = require_module("ticktick.oauth2")
    monkeypatch.setattr(
        module.OAuth2, "OAUTH_AUTHORIZE_URL", sandbox.service.authorization_endpoint
    )
    monkeypatch.setattr(
        module.OAuth2, "OBTAIN_TOKEN_URL", sandbox.service.token_endpoint
    )

    class Request:
        url = ""

    def open_browser(url):
        Request.url = url

    monkeypatch.setattr(module.webbrowser, "open", open_browser)
    monkeypatch.setattr("builtins.input", lambda _="": sandbox.sign_on(Request))

    sessions = []

    def sign_on(path, **options):
        sessions.append(_form_session())
        # Its token request has the secret and the code in the URL's query,
        # which urllib3 logs: nothing that a plugin beside it could help.
        return module.OAuth2(
            sandbox.client_id,
            sandbox.client_secret,
            sandbox.redirect_uri,
            state="a-state",
            cache_path=str(path),
            session=sessions[-1],
            **options,
        )

    yield sign_on
    for session in sessions:
        session.close()


def _form_session():
    """Move the query of ticktick-py's POST into its form, as the server wants."""

    class Form(requests.Session):
        def post(self, url, data=None, json=None, **kwargs):
            return super().post(url, data=kwargs.pop("params"), **kwargs)

    return Form()


def test_a_file_of_ticktick_py_is_read_renewed_and_read_back(
    ticktick_py, sandbox, tmp_path, clock
):
    """Its ``.token-oauth`` serves both, before and after our renewal."""
    path = tmp_path / ".token-oauth"
    theirs = ticktick_py(path)
    assert theirs.access_token_info["expire_time"] > time.time()

    auth = client_of(sandbox, FileStore(path), clock=clock)
    token = auth.token()
    assert token.access_token == theirs.access_token_info["access_token"]
    assert token.expires_at == theirs.access_token_info["expire_time"]
    assert sandbox.sign_ons == 1

    clock.advance(15_552_000)
    renewed = auth.token()
    assert sandbox.sign_ons == 2

    again = ticktick_py(path)
    assert again.access_token_info["access_token"] == renewed.access_token
    assert sandbox.sign_ons == 2
    assert "readable_expire_time" in json.loads(path.read_text())


def test_what_ticktick_py_renews_is_read(ticktick_py, sandbox, tmp_path, clock):
    """It writes a file of its own again, without our keys; that is fine."""
    path = tmp_path / ".token-oauth"
    auth = client_of(sandbox, FileStore(path), clock=clock)
    stored = auth.token()
    FileStore(path).save(stored.replace(expires_at=time.time() + 30))

    theirs = ticktick_py(path)

    worker = client_of(sandbox, FileStore(path), sign_on=refuse)
    token = worker.token()
    assert token.access_token == theirs.access_token_info["access_token"]
    assert sandbox.sign_ons == 2


@pytest.mark.parametrize("quotes", ["", "'", '"'])
def test_a_literal_of_ticktick_py_is_read(
    ticktick_py, sandbox, tmp_path, monkeypatch, quotes
):
    """The variable that its ``env_key`` names, with or without quotes around."""
    info = ticktick_py(tmp_path / "unused").access_token_info
    monkeypatch.setenv("ACCESS_TOKEN_DICT", f"{quotes}{info!r}{quotes}")
    store = ChainStore([EnvStore("ACCESS_TOKEN_DICT"), FileStore(tmp_path / "t.json")])

    response = requests.get(
        sandbox.url(PROJECT), auth=client_of(sandbox, store, sign_on=refuse)
    )

    assert response.status_code == 200
    assert not (tmp_path / "t.json").exists()
    if not quotes:
        theirs = ticktick_py(tmp_path / "theirs", env_key="ACCESS_TOKEN_DICT")
        assert theirs.access_token_info == info


def test_the_documented_literal_is_read(monkeypatch):
    """The quoted example of ticktick-py's documentation, as it stands there."""
    expires = int(time.time()) + 14772375
    monkeypatch.setenv("TICKTICK_TOKEN", DOCUMENTED.replace("EXPIRES", str(expires)))

    token = TickTickAuth().token()

    assert token.access_token == "628ff081-5331-4a37-8ddk-021974c9f43g"
    assert token.expires_at == expires
