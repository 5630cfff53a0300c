"""The sandbox's page at ``/``: what it saw, and buttons that make it fail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from browser import Browser

from requests_ticktick import AuthorizationDeniedError, MemoryStore, TickTickAuth
from requests_ticktick.sandbox import Sandbox


@pytest.fixture
def session(sandbox: Sandbox) -> Iterator[requests.Session]:
    """A program that uses the sandbox."""
    with requests.Session() as session:
        session.auth = TickTickAuth(
            sandbox.client_id,
            sandbox.client_secret,
            sandbox.redirect_uri,
            store=MemoryStore(),
            sign_on=sandbox.sign_on,
            service=sandbox.service,
        )
        yield session


def press(sandbox: Sandbox, name: str) -> requests.Response:
    return requests.post(sandbox.url(f"/control/{name}"), timeout=60)


def test_the_page_shows_what_it_saw_and_no_secret(
    sandbox: Sandbox, session: requests.Session
) -> None:
    """Counters and the latest requests, the newest first, without queries."""
    assert "None yet." in requests.get(sandbox.url("/"), timeout=60).text
    session.get(sandbox.url("/open/v1/project"), params={"q": "private"})

    page = requests.get(sandbox.url("/"), timeout=60).text

    assert "<dt>Sign-ons</dt><dd>1</dd>" in page
    assert "<dt>Token requests</dt><dd>1</dd>" in page
    assert "<dt>API calls</dt><dd>1</dd>" in page
    latest = page.partition("Latest requests")[2]
    assert latest.index("GET /open/v1/project") < latest.index("POST /oauth/token")
    assert "private" not in page
    assert not any(secret in page for secret in sandbox.secrets)
    assert sandbox.api_calls == 1


@pytest.mark.parametrize("name", ["revoke", "expire"])
def test_a_button_ends_all_tokens(
    sandbox: Sandbox, session: requests.Session, name: str
) -> None:
    """The next call gets a 401, and the program signs on again."""
    session.get(sandbox.url("/open/v1/project"))

    page = press(sandbox, name)

    assert "the next API call gets a 401" in page.text
    assert session.get(sandbox.url("/open/v1/project")).status_code == 200
    assert sandbox.sign_ons == 2


def test_a_button_denies_the_next_sign_on(
    sandbox: Sandbox, session: requests.Session
) -> None:
    """Once; the one after it is granted."""
    press(sandbox, "deny")

    with pytest.raises(AuthorizationDeniedError):
        session.get(sandbox.url("/open/v1/project"))


def test_a_button_limits_the_rate(sandbox: Sandbox, session: requests.Session) -> None:
    """The next call gets the 500 that TickTick sends."""
    press(sandbox, "limit")

    answers = [session.get(sandbox.url("/open/v1/project")) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [500, 200]


def test_to_load_the_page_again_presses_no_button(sandbox: Sandbox) -> None:
    """The button leads to a page of its own address (RFC 9110 15.4.4)."""
    page = press(sandbox, "limit")

    assert [answer.status_code for answer in page.history] == [303]
    assert page.url == sandbox.url("/?done=limit")


def test_there_is_no_other_button(sandbox: Sandbox) -> None:
    """What the address says is not shown, either."""
    assert press(sandbox, "format-the-disk").status_code == 404
    page = requests.get(sandbox.url("/?done=format-the-disk"), timeout=60)
    assert "format-the-disk" not in page.text


def test_another_sites_page_presses_no_button(sandbox: Sandbox) -> None:
    """A developer may visit any page while the sandbox runs."""
    token = sandbox.issue_token()

    answer = requests.post(
        sandbox.url("/control/revoke"),
        headers={"Origin": "https://other.example"},
        timeout=60,
    )

    assert answer.status_code == 403
    assert sandbox.revoke(token)


def test_the_page_works_in_a_browser(sandbox: Sandbox, browser: Browser) -> None:
    """Its policy permits its style and its form, on a telephone's width too."""
    browser.opens(sandbox.url("/"))
    browser.does(
        "Emulation.setDeviceMetricsOverride",
        width=390,
        height=800,
        deviceScaleFactor=1,
        mobile=True,
    )
    assert browser.runs("document.documentElement.scrollWidth") == 390

    browser.runs("document.querySelector('[formaction=\"/control/deny\"]').click()")

    browser.shows("The next sign-on ends with access_denied.")
    assert browser.complaints() == []
