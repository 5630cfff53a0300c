"""The web application of the documentation, in a real browser."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from ports import free_port

from requests_ticktick.vault import TokenVault

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"

CONNECT = "document.querySelector('a[href=\"/ticktick/connect\"]').click()"
ALLOW = "document.querySelector('button[value=allow]').click()"


@pytest.fixture
def app(sandbox, monkeypatch, tmp_path, require_module):
    """The address of the application, which runs."""
    serving = require_module("werkzeug.serving")
    port = free_port()
    sandbox.redirect_uri = f"http://127.0.0.1:{port}/ticktick/callback"
    monkeypatch.setenv("TICKTICK_CLIENT_ID", sandbox.client_id)
    monkeypatch.setenv("TICKTICK_CLIENT_SECRET", sandbox.client_secret)
    monkeypatch.setenv("TICKTICK_REDIRECT_URI", sandbox.redirect_uri)
    monkeypatch.setenv("WEB_SECRET_KEY", "for-signing-cookies")
    monkeypatch.setenv("WEB_VAULT", str(tmp_path / "vault"))
    monkeypatch.setattr(sys, "path", [*sys.path, os.fspath(EXAMPLES)])
    app = require_module("web_app").create_app(sandbox.service)

    class Quiet(serving.WSGIRequestHandler):
        def log_request(self, *args):
            """Do not log the codes, as web servers do."""

    server = serving.make_server("127.0.0.1", port, app, True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def connects(browser, app, person=None):
    """Open the application in a new tab, and go to where access is granted."""
    tab = browser.opens(app, person)
    browser.shows("Connect TickTick")
    browser.runs(CONNECT)
    browser.shows("to use your TickTick?")
    return tab


def test_two_people_connect_in_two_tabs_each(browser, sandbox, app, tmp_path):
    """The tabs end in any order, and nobody sees what is another's."""
    anna, ben = browser.another_person(), browser.another_person()
    order = [("a1", anna), ("b1", ben), ("b2", ben), ("a2", anna)]
    tabs = {name: connects(browser, app, person) for name, person in order}

    for name in ("a2", "b1"):
        browser.turns_to(tabs[name])
        browser.runs(ALLOW)
        assert "Groceries" in browser.shows("projects")
    vault = TokenVault.files(tmp_path / "vault")
    first = {key: vault[key].load() for key in vault}
    for name in ("a1", "b2"):
        browser.turns_to(tabs[name])
        browser.runs(ALLOW)
        assert "Groceries" in browser.shows("projects")

    assert sandbox.sign_ons == 4
    assert len(set(first.values())) == len(list(vault)) == 2
    assert not {vault[key].load() for key in vault} & set(first.values())


def test_a_link_that_was_passed_on_connects_nobody(browser, sandbox, app, tmp_path):
    """Ben allows what Mallory has begun, and neither gets the other's account."""
    mallory, ben = browser.another_person(), browser.another_person()
    tab = connects(browser, app, mallory)
    link = browser.runs("location.href")
    browser.opens(app, ben)
    browser.opens(link, ben)
    browser.shows("to use your TickTick?")

    browser.runs(ALLOW)
    shown = browser.shows("does not belong to this sign-on")

    assert "begin the sign-on again" in shown
    assert list(TokenVault.files(tmp_path / "vault")) == []
    browser.turns_to(tab)  # hers is still hers to complete
    browser.runs(ALLOW)
    assert "Groceries" in browser.shows("projects")
    assert urlsplit(browser.runs("location.href")).path == "/"
    assert sandbox.token_requests == 1
