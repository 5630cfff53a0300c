"""The pages about many people do what they say: web applications and vaults."""

from __future__ import annotations

import os
import re
import threading
from types import SimpleNamespace

import pytest
import test_readme
from cryptography.fernet import Fernet
from pages import code_of, example, page

from requests_ticktick import TokenStoreError
from requests_ticktick.vault import TokenVault

#: Runs a block where TickTick is the sandbox.
run = test_readme.run

# -- How do I sign users on in a web application? ----------------------------------


@pytest.fixture
def web_app(sandbox, monkeypatch, tmp_path):
    """The example, its users' browsers being test clients of Flask."""
    sandbox.redirect_uri = "https://app.example/ticktick/callback"
    monkeypatch.setenv("TICKTICK_CLIENT_ID", sandbox.client_id)
    monkeypatch.setenv("TICKTICK_CLIENT_SECRET", sandbox.client_secret)
    monkeypatch.setenv("TICKTICK_REDIRECT_URI", sandbox.redirect_uri)
    monkeypatch.setenv("WEB_SECRET_KEY", "for-signing-cookies")
    monkeypatch.setenv("WEB_VAULT", str(tmp_path / "vault"))
    return example("web_app").create_app(sandbox.service)


def granted(sandbox, browser):
    """Where TickTick sends a user who connects and allows access."""
    url = browser.get("/ticktick/connect").location
    redirected = sandbox.sign_on(SimpleNamespace(url=url))
    return redirected.removeprefix("https://app.example")


def test_two_users_of_the_web_application_connect(sandbox, web_app):
    """Each has a token of their own, and sees a link until then."""
    tokens = set()
    for _ in range(2):
        browser = web_app.test_client()
        assert b"Connect TickTick" in browser.get("/").data

        back = browser.get(granted(sandbox, browser))

        assert (back.status_code, back.location) == (302, "/")
        assert browser.get("/").json["projects"][0]["name"] == "Groceries"
        tokens.add(sandbox.received[-1].headers["Authorization"])
    assert len(tokens) == 2


def test_a_user_whose_access_was_withdrawn_sees_the_link_again(sandbox, web_app):
    """A server has nobody to ask."""
    browser = web_app.test_client()
    browser.get(granted(sandbox, browser))
    sandbox.revoke_all()

    assert b"Connect TickTick again" in browser.get("/").data


def test_the_web_application_takes_a_redirect_once_and_from_its_user_alone(
    sandbox, web_app
):
    """A stranger's link, a replay and a refusal are errors that say what to do."""
    stranger, user = web_app.test_client(), web_app.test_client()
    link = granted(sandbox, stranger)

    without_a_request = user.get(link)
    user.get("/ticktick/connect")
    with_another_state = user.get(link)
    sandbox.deny()
    denied = user.get(granted(sandbox, user))

    answers = (without_a_request, with_another_state, denied)
    assert [answer.status_code for answer in answers] == [400, 400, 400]
    assert "begin the sign-on again" in without_a_request.text
    assert "does not belong to this sign-on" in with_another_state.text
    assert "Sign on again" in denied.text
    assert stranger.get(link).status_code == 302
    assert stranger.get(link).status_code == 400


def test_the_web_application_says_when_ticktick_is_out_of_order(sandbox, web_app):
    """It is not the user's fault, and passes."""
    browser = web_app.test_client()
    sandbox.fail(1, 503)

    answer = browser.get(granted(sandbox, browser))

    assert answer.status_code == 502
    assert "Wait a minute" in answer.text


def test_a_user_may_connect_in_two_tabs(sandbox, web_app):
    """Both end well, the older one last."""
    browser = web_app.test_client()
    tabs = [granted(sandbox, browser) for _ in range(2)]

    assert [browser.get(link).status_code for link in reversed(tabs)] == [302, 302]
    assert [browser.get(link).status_code for link in tabs] == [400, 400]
    assert browser.get("/").status_code == 200


# -- How do I keep the tokens of many people? --------------------------------------


@pytest.fixture
def app_database(postgres):
    """A database with the tables of the page, and a role that can do no more."""
    owner = postgres.new_user()
    guest = postgres.new_guest(owner)
    tables = re.search(r":: sql\n\n(.+?;)\n\n``", page("many-people"), re.S)[1]
    rights = f"SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {owner}"
    made = [f"{table});" for table in tables.split(");")[:-1]]
    postgres.execute(*made, f"GRANT {rights} TO {guest}", user=owner)
    return postgres.url(guest)


def test_the_blocks_about_many_people_sign_each_of_them_on(
    run, sandbox, app_database, monkeypatch
):
    """And encrypt what was in plain text before."""
    monkeypatch.setenv("TOKEN_KEYS", Fernet.generate_key().decode())
    begun, chats = [], []

    def came_back(names):
        begun.append(names["begun"])
        if len(begun) == 2:  # a bot's, of somebody who has begun before
            begun[-1] = names["vault"].begin_sign_on("user-19")
        return sandbox.sign_on(begun[-1])

    def send_to_chat(person, url):
        redirected = sandbox.sign_on(SimpleNamespace(url=url))
        web = TokenVault.sql(app_database)
        chats.append(
            threading.Thread(target=web.complete_sign_on, args=(person, redirected))
        )
        chats[0].start()

    code = code_of("many-people")
    assert "app@db.internal/app" in code
    code = code.replace("postgresql+psycopg://app@db.internal/app", app_database)
    names = run(code, {"came_back": came_back}, send_to_chat=send_to_chat, os=os)
    chats[0].join(60)

    vault = names["vault"]
    assert names["key"] in sorted(vault) == ["user-17", "user-18", "user-19"]
    for key in vault:
        with pytest.raises(TokenStoreError, match="not among those given"):
            TokenVault.sql(app_database, keys=[Fernet.generate_key()])[key].load()
    assert sandbox.sign_ons == 3
