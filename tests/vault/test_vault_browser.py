"""The web application of the documentation, in a real browser."""

from __future__ import annotations

import contextlib
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
def serve(require_module):
    """Serve an application on this port, until the end of the test."""
    serving = require_module("werkzeug.serving")

    class Quiet(serving.WSGIRequestHandler):
        def log_request(self, *args):
            """Do not log the codes, as web servers do."""

    with contextlib.ExitStack() as stack:

        def start(port, app):
            where = ("127.0.0.1", port, app, True)
            server = serving.make_server(*where, request_handler=Quiet)
            stack.callback(server.server_close)
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)

        yield start


@pytest.fixture
def app(sandbox, monkeypatch, tmp_path, require_module, serve):
    """The address of the application, of which two replicas run.

    People begin at the first, and come back to the second: a browser sends
    its cookies to every port of a host.
    """
    first, second = free_port(), free_port()
    sandbox.redirect_uri = f"http://127.0.0.1:{second}/ticktick/callback"
    monkeypatch.setenv("TICKTICK_CLIENT_ID", sandbox.client_id)
    monkeypatch.setenv("TICKTICK_CLIENT_SECRET", sandbox.client_secret)
    monkeypatch.setenv("TICKTICK_REDIRECT_URI", sandbox.redirect_uri)
    monkeypatch.setenv("WEB_SECRET_KEY", "for-signing-cookies")
    monkeypatch.setenv("WEB_VAULT", str(tmp_path / "vault"))
    monkeypatch.setattr(sys, "path", [*sys.path, os.fspath(EXAMPLES)])
    for port in (first, second):
        serve(port, require_module("web_app").create_app(sandbox.service))
    return f"http://127.0.0.1:{first}/"


def connects(browser, app, person=None):
    """Open the application in a new tab, and go to where access is granted."""
    tab = browser.opens(app, person)
    browser.shows("Connect TickTick")
    browser.runs(CONNECT)
    browser.shows("to use your TickTick?")
    return tab


def test_two_people_connect_in_two_tabs_each(browser, sandbox, app, tmp_path):
    """The tabs end in any order, at another replica than they began at."""
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
