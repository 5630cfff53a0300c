"""The authorization endpoint and the token endpoint of the sandbox."""

from __future__ import annotations

import re
from html import unescape
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from sandbox_app import CHALLENGE, SECONDS, STATE, VERIFIER, App

from requests_ticktick.sandbox import AuthorizationPageError, Sandbox

# -- Consent -------------------------------------------------------------------


def test_the_state_comes_back_with_a_code_of_six_characters(app: App) -> None:
    """TickTick's codes are as long."""
    answer = app.signs_on()

    assert set(answer) == {"code", "state"}
    assert re.fullmatch(r"[A-Za-z0-9]{6}", answer["code"])
    assert answer["state"] == STATE


def test_a_redirect_uri_keeps_its_query(app: App, sandbox: Sandbox) -> None:
    """The response's parameters are added to it."""
    sandbox.redirect_uri = "http://127.0.0.1/cb?keep=this"

    location = sandbox.sign_on(app.asks())

    assert location.startswith("http://127.0.0.1/cb?keep=this&code=")


def test_a_single_redirect_uri_may_be_left_out(app: App, sandbox: Sandbox) -> None:
    """Then the token request leaves it out as well (RFC 6749 3.1.2.3)."""
    location = sandbox.sign_on(app.asks(redirect_uri=None))
    code = dict(parse_qsl(urlsplit(location).query))["code"]

    assert location.startswith(f"{sandbox.redirect_uri}?")
    assert app.exchanges(code, redirect_uri=None).status_code == 200


def test_one_of_several_redirect_uris_must_be_named(app: App, sandbox: Sandbox) -> None:
    """Each of them is accepted."""
    sandbox.redirect_uris = ["http://127.0.0.1/a", "http://127.0.0.1/b"]

    assert sandbox.sign_on(app.asks(redirect_uri="http://127.0.0.1/b")).startswith(
        "http://127.0.0.1/b?"
    )
    with pytest.raises(AuthorizationPageError, match="Missing redirect URI"):
        sandbox.sign_on(app.asks(redirect_uri=None))


@pytest.mark.parametrize(
    "spelling",
    ["{}/", "{}?", "{}#x", "HTTP{}", "not a uri", "http://localhost/callback"],
)
def test_a_redirect_uri_is_matched_character_for_character(
    app: App, sandbox: Sandbox, spelling: str
) -> None:
    """Like TickTick's, the page quotes the URI and lists the registered ones."""
    wrong = spelling.format(sandbox.redirect_uri.removeprefix("HTTP"))

    with pytest.raises(AuthorizationPageError) as caught:
        sandbox.sign_on(app.asks(redirect_uri=wrong))

    assert caught.value.status_code == 400
    assert (
        f'error="invalid_grant", error_description="Invalid redirect: {wrong} does '
        f'not match one of the registered values: [{sandbox.redirect_uri}]"'
    ) in str(caught.value)


def test_the_page_says_that_no_redirect_uri_is_registered(
    app: App, sandbox: Sandbox
) -> None:
    """The commonest mistake: the field of the portal was left empty."""
    request = app.asks()
    sandbox.redirect_uris = []

    with pytest.raises(
        AuthorizationPageError,
        match="At least one redirect_uri must be registered with the client\\.",
    ):
        sandbox.sign_on(request)


@pytest.mark.parametrize("client_id", ["another", None])
def test_an_unknown_client_gets_a_page_and_no_redirect(
    app: App, sandbox: Sandbox, client_id: str | None
) -> None:
    """The owner of the redirect URI is not known."""
    with pytest.raises(AuthorizationPageError, match="Bad client credentials"):
        sandbox.sign_on(app.asks(client_id=client_id))


def test_a_repeated_parameter_is_refused(app: App, sandbox: Sandbox) -> None:
    """RFC 6749 3.1."""
    request = SimpleNamespace(url=f"{app.asks().url}&state=another")

    with pytest.raises(AuthorizationPageError, match="Duplicate state parameter"):
        sandbox.sign_on(request)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": "tasks:read mail:send"}, "invalid_scope"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unauthorized_client"),
        ({"code_challenge": "x", "code_challenge_method": "S1"}, "invalid_request"),
    ],
)
def test_other_errors_are_sent_to_the_redirect_uri(
    app: App, changes: dict[str, str | None], error: str
) -> None:
    """With the state, so that the app knows which request has failed."""
    answer = app.signs_on(**changes)

    assert answer["error"] == error
    assert answer["state"] == STATE
    assert "code" not in answer


def test_a_request_without_a_scope_gets_all_scopes(app: App) -> None:
    """Apps that are older than the scopes send none."""
    token = app.gets_a_token(scope=None)

    assert set(token["scope"].split()) == {"tasks:read", "tasks:write"}


def test_the_next_consents_can_be_denied(app: App, sandbox: Sandbox) -> None:
    """As if the person had chosen *Deny*."""
    sandbox.deny(2)

    answers = [app.signs_on() for _ in range(3)]

    refusal = {
        "error": "access_denied",
        "error_description": "User denied access",
        "state": STATE,
    }
    assert answers[:2] == [refusal, refusal]
    assert "code" in answers[2]
    assert sandbox.sign_ons == 1


def test_all_consents_can_be_denied(app: App, sandbox: Sandbox) -> None:
    """From ``deny(None)`` to ``deny(0)``."""
    sandbox.deny(None)
    assert {app.signs_on()["error"] for _ in range(3)} == {"access_denied"}

    sandbox.deny(0)

    assert "code" in app.signs_on()


def get_page(app: App, **changes: str | None) -> requests.Response:
    return requests.get(app.asks(**changes).url, allow_redirects=False, timeout=SECONDS)


def submit(
    app: App, page: requests.Response, decision: dict[str, str]
) -> requests.Response:
    """Press a button of the page, as a browser does."""
    fields = re.findall(r'<input type="hidden" name="(.*?)" value="(.*?)">', page.text)
    action = re.findall(r'<form method="post" action="(.*?)">', page.text)[0]
    return requests.post(
        app.sandbox.url(action),
        data=[*((unescape(n), unescape(v)) for n, v in fields), *decision.items()],
        allow_redirects=False,
        timeout=SECONDS,
    )


# -- The page ------------------------------------------------------------------


def test_the_page_shows_the_app_its_scopes_and_the_redirect_uri(
    app: App, sandbox: Sandbox
) -> None:
    """To open it grants nothing."""
    page = get_page(app)

    assert page.status_code == 200
    assert f"Allow {sandbox.client_id} to use your TickTick?" in page.text
    assert "tasks:read" in page.text
    assert "tasks:write" in page.text
    assert sandbox.redirect_uri in page.text
    assert sandbox.sign_ons == 0


def test_the_page_shows_only_the_requested_scopes(app: App) -> None:
    """The person is not asked for any other."""
    assert "tasks:write" not in get_page(app, scope="tasks:read").text


def test_pressing_allow_sends_the_browser_back_with_a_code(
    app: App, sandbox: Sandbox
) -> None:
    """The form keeps all parameters, PKCE's and awkward ones too."""
    state = """ <"&'> %2B+é"""
    page = get_page(
        app, state=state, code_challenge=CHALLENGE, code_challenge_method="S256"
    )

    response = submit(app, page, {"decision": "allow"})

    assert response.status_code == 302
    answer = dict(parse_qsl(urlsplit(response.headers["Location"]).query))
    assert answer["state"] == state
    assert app.exchanges(answer["code"], code_verifier=VERIFIER).status_code == 200
    assert sandbox.sign_ons == 1


def test_pressing_deny_sends_the_browser_back_with_an_error(
    app: App, sandbox: Sandbox
) -> None:
    """``access_denied`` and the state."""
    response = submit(app, get_page(app), {"decision": "deny"})

    answer = dict(parse_qsl(urlsplit(response.headers["Location"]).query))
    assert answer["error"] == "access_denied"
    assert answer["state"] == STATE
    assert sandbox.sign_ons == 0


def test_a_form_without_a_decision_shows_the_page_again(app: App) -> None:
    """It grants nothing."""
    page = get_page(app)

    again = submit(app, page, {})

    assert again.status_code == 200
    assert again.text == page.text


def test_the_page_escapes_all_parameters(app: App, sandbox: Sandbox) -> None:
    """None of them becomes markup."""
    evil = '"><script>alert(1)</script>'
    sandbox.client_id, sandbox.redirect_uri = evil, "http://127.0.0.1/?a=1&b=<'>"

    texts = [
        get_page(app, state=evil).text,
        get_page(app, redirect_uri=evil).text,
        get_page(app, client_id=evil * 2, **{evil: evil}).text,
    ]

    assert "OAuth Error" in texts[1]
    assert not any("<script" in text for text in texts)


@pytest.mark.parametrize("client_id", ["", "another"])
def test_pages_are_not_cached_and_load_nothing(app: App, client_id: str) -> None:
    """They contain the state, which no cache and no other site may get."""
    changes = {"client_id": client_id} if client_id else {}

    headers = get_page(app, **changes).headers

    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    # Chromium would not follow the redirect to the app.
    assert "form-action" not in policy
