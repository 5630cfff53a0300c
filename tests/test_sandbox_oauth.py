"""The authorization endpoint and the token endpoint of the sandbox."""

from __future__ import annotations

import base64
import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
from test_sandbox_support import CHALLENGE, SECONDS, STATE, VERIFIER, App, call

from requests_ticktick.sandbox import AuthorizationPageError, Sandbox


@pytest.fixture
def app(sandbox: Sandbox) -> App:
    """The app that is registered with the sandbox."""
    return App(sandbox)


# -- Consent -----------------------------------------------------------------


def test_the_state_comes_back_with_a_code_of_six_characters(app: App) -> None:
    """As long as those that people see in TickTick's redirects."""
    answer = app.signs_on()

    assert set(answer) == {"code", "state"}
    assert re.fullmatch(r"[A-Za-z0-9]{6}", answer["code"])
    assert answer["state"] == STATE


def test_a_redirect_uri_keeps_the_query_it_has(app: App, sandbox: Sandbox) -> None:
    """What is added follows what is there."""
    sandbox.redirect_uri = "http://127.0.0.1/cb?keep=this"

    location = sandbox.sign_on(app.asks())

    assert location.startswith("http://127.0.0.1/cb?keep=this&code=")


def test_the_only_redirect_uri_need_not_be_named(app: App, sandbox: Sandbox) -> None:
    """RFC 6749 3.1.2.3; then the token request names none either."""
    location = sandbox.sign_on(app.asks(redirect_uri=None))
    code = dict(parse_qsl(urlsplit(location).query))["code"]

    assert location.startswith(f"{sandbox.redirect_uri}?")
    assert app.exchanges(code, redirect_uri=None).status_code == 200


def test_any_registered_redirect_uri_will_do(app: App, sandbox: Sandbox) -> None:
    """The request says which; with several, it has to."""
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
    """And TickTick's page says which one came and which are registered."""
    wrong = spelling.format(sandbox.redirect_uri.removeprefix("HTTP"))

    with pytest.raises(AuthorizationPageError) as caught:
        sandbox.sign_on(app.asks(redirect_uri=wrong))

    assert caught.value.status_code == 400
    assert (
        f'error="invalid_grant", error_description="Invalid redirect: {wrong} does '
        f'not match one of the registered values: [{sandbox.redirect_uri}]"'
    ) in str(caught.value)


def test_without_a_registered_redirect_uri_the_page_says_so(
    app: App, sandbox: Sandbox
) -> None:
    """The commonest trouble of all: the portal's field was left empty."""
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
    """Nobody is sent to an address of whose owner nothing is known."""
    with pytest.raises(AuthorizationPageError, match="Bad client credentials"):
        sandbox.sign_on(app.asks(client_id=client_id))


def test_a_parameter_given_twice_is_refused(app: App, sandbox: Sandbox) -> None:
    """RFC 6749 3.1: which of them should be believed?"""
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
def test_other_mistakes_come_back_to_the_app(
    app: App, changes: dict[str, str | None], error: str
) -> None:
    """With the state, so that the app knows what they belong to."""
    answer = app.signs_on(**changes)

    assert answer["error"] == error
    assert answer["state"] == STATE
    assert "code" not in answer


def test_no_scope_stands_for_all(app: App) -> None:
    """As an app that was written before there were scopes."""
    token = app.gets_a_token(scope=None)

    assert set(token["scope"].split()) == {"tasks:read", "tasks:write"}


def test_consents_can_be_refused_a_number_of_times(app: App, sandbox: Sandbox) -> None:
    """As if the person had chosen Deny."""
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


def test_consents_can_be_refused_until_further_notice(
    app: App, sandbox: Sandbox
) -> None:
    """``deny(None)`` is on, ``deny(0)`` is off."""
    sandbox.deny(None)
    assert {app.signs_on()["error"] for _ in range(3)} == {"access_denied"}

    sandbox.deny(0)

    assert "code" in app.signs_on()


# -- The page ----------------------------------------------------------------


def get_page(app: App, **changes: str | None) -> requests.Response:
    return requests.get(app.asks(**changes).url, allow_redirects=False, timeout=SECONDS)


def submit(
    app: App, page: requests.Response, decision: dict[str, str]
) -> requests.Response:
    """Press a button of the page, as a browser would."""
    fields = re.findall(r'<input type="hidden" name="(.*?)" value="(.*?)">', page.text)
    action = re.findall(r'<form method="post" action="(.*?)">', page.text)[0]
    return requests.post(
        app.sandbox.url(action),
        data=[*((unescape(n), unescape(v)) for n, v in fields), *decision.items()],
        allow_redirects=False,
        timeout=SECONDS,
    )


def test_the_page_shows_who_asks_for_what(app: App, sandbox: Sandbox) -> None:
    """The app, each scope, and where one will be sent; nothing is granted."""
    page = get_page(app)

    assert page.status_code == 200
    assert f"Allow {sandbox.client_id} to use your TickTick?" in page.text
    assert "tasks:read" in page.text
    assert "tasks:write" in page.text
    assert sandbox.redirect_uri in page.text
    assert sandbox.sign_ons == 0


def test_the_page_asks_for_one_scope_alone(app: App) -> None:
    """What was not asked for is not shown as if it were."""
    assert "tasks:write" not in get_page(app, scope="tasks:read").text


def test_pressing_allow_sends_the_browser_back_with_a_code(
    app: App, sandbox: Sandbox
) -> None:
    """The parameters survive the form, PKCE's and awkward ones too."""
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


def test_pressing_deny_sends_the_browser_back_without_one(
    app: App, sandbox: Sandbox
) -> None:
    """``access_denied`` and the state."""
    response = submit(app, get_page(app), {"decision": "deny"})

    answer = dict(parse_qsl(urlsplit(response.headers["Location"]).query))
    assert answer["error"] == "access_denied"
    assert answer["state"] == STATE
    assert sandbox.sign_ons == 0


def test_pressing_neither_shows_the_page_again(app: App) -> None:
    """A form that was submitted otherwise grants nothing."""
    page = get_page(app)

    again = submit(app, page, {})

    assert again.status_code == 200
    assert again.text == page.text


def test_the_page_escapes_all_it_shows(app: App, sandbox: Sandbox) -> None:
    """No parameter becomes markup."""
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
def test_pages_are_kept_nowhere_and_load_nothing(app: App, client_id: str) -> None:
    """They hold the state, so no cache and no other site gets to know them."""
    changes = {"client_id": client_id} if client_id else {}

    headers = get_page(app, **changes).headers

    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    # Chromium would not follow the redirect to the app.
    assert "form-action" not in policy


# -- The code ----------------------------------------------------------------


def test_the_token_has_what_ticktick_sends(app: App) -> None:
    """A UUID, ``bearer``, 180 days less a second; no refresh token."""
    token = app.gets_a_token()

    assert re.fullmatch(
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", token["access_token"]
    )
    assert {**token, "access_token": ""} == {
        "access_token": "",
        "token_type": "bearer",
        "expires_in": 15551999,
        "scope": "tasks:write tasks:read",  # not the order of the request
    }


def test_a_token_response_is_not_to_be_cached(app: App) -> None:
    """RFC 6749 5.1."""
    response = app.exchanges(app.signs_on()["code"])

    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"] == "application/json"


def test_a_code_is_good_once(app: App) -> None:
    """The error quotes the code, as Spring's does: do not log it."""
    code = app.signs_on()["code"]
    assert app.exchanges(code).status_code == 200

    response = app.exchanges(code)

    assert response.status_code == 400
    assert response.json() == {
        "error": "invalid_grant",
        "error_description": f"Invalid authorization code: {code}",
    }


def test_a_code_is_good_once_among_many_at_a_time(app: App) -> None:
    """Checking and using it up are one step."""
    code = app.signs_on()["code"]

    with ThreadPoolExecutor(8) as pool:
        statuses = [
            answer.status_code for answer in pool.map(app.exchanges, [code] * 8)
        ]

    assert sorted(statuses) == [200] + [400] * 7


def test_a_code_is_used_up_by_a_failed_attempt(app: App) -> None:
    """A request with a mistake in it needs another sign-on."""
    code = app.signs_on()["code"]

    mismatch = app.exchanges(code, redirect_uri="http://127.0.0.1/other")

    assert mismatch.status_code == 400
    assert mismatch.json()["error"] == "invalid_grant"
    assert mismatch.json()["error_description"] == "Redirect URI mismatch."
    assert app.exchanges(code).json()["error"] == "invalid_grant"


def test_a_code_expires(app: App, sandbox: Sandbox) -> None:
    """After five minutes by the sandbox's clock, unless told otherwise."""
    now = [1000.0]
    sandbox.clock = lambda: now[0]
    code, late = app.signs_on()["code"], app.signs_on()["code"]

    now[0] += 299
    assert app.exchanges(code).status_code == 200
    now[0] += 1

    assert app.exchanges(late).json()["error"] == "invalid_grant"


def test_a_code_is_bound_to_its_client(app: App, sandbox: Sandbox) -> None:
    """Another app cannot use it."""
    code = app.signs_on()["code"]
    sandbox.client_id = "another"

    assert app.exchanges(code).json()["error"] == "invalid_grant"


def test_codes_do_not_repeat(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six characters are few: one that is out is not issued again."""
    letters = iter("aaaaaaaaaaaabbbbbb")
    monkeypatch.setattr("secrets.choice", lambda alphabet: next(letters))

    assert [app.signs_on()["code"] for _ in range(2)] == ["aaaaaa", "bbbbbb"]


# -- The client --------------------------------------------------------------


def test_credentials_may_come_in_the_form(app: App, sandbox: Sandbox) -> None:
    """``client_secret_post``, with every character of the secret intact."""
    response = app.exchanges(
        app.signs_on()["code"],
        auth=None,
        client_id=sandbox.client_id,
        client_secret=sandbox.client_secret,
    )

    assert response.status_code == 200


@pytest.mark.parametrize("secret", ["wrong", "", "é", None])
def test_wrong_credentials_in_the_form_get_json(
    app: App, sandbox: Sandbox, secret: str | None
) -> None:
    """401 with ``invalid_client``."""
    code = app.signs_on()["code"]

    response = app.exchanges(
        code, auth=None, client_id=sandbox.client_id, client_secret=secret
    )

    assert response.status_code == 401
    assert response.json()["error"] == "invalid_client"
    assert response.json()["error_description"] == "Bad client credentials"
    assert app.exchanges(code).status_code == 200


@pytest.mark.parametrize(
    "credentials",
    [
        "{id}:wrong",
        "{id}",
        "another:{secret}",
        "{id}:{quoted}",
        "",
    ],
)
def test_wrong_credentials_in_the_header_get_the_web_servers_page(
    app: App, sandbox: Sandbox, credentials: str
) -> None:
    """401 in HTML; also for a secret that was form-encoded before."""
    assert sandbox.client_secret is not None
    quoted = urlencode({"": sandbox.client_secret})[1:]
    given = credentials.format(
        id=sandbox.client_id, secret=sandbox.client_secret, quoted=quoted
    )

    response = post_with(sandbox, base64.b64encode(given.encode()).decode())

    assert response.status_code == 401
    assert "HTTP Status 401" in response.text
    assert response.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("encoded", ["%%%", "//79", ""])
def test_credentials_that_cannot_be_read_are_wrong(
    sandbox: Sandbox, encoded: str
) -> None:
    """No base64, no UTF-8, nothing at all."""
    assert post_with(sandbox, encoded).status_code == 401


def post_with(sandbox: Sandbox, encoded: str) -> requests.Response:
    return requests.post(
        sandbox.url("/oauth/token"),
        data={"grant_type": "authorization_code", "code": "abcdef"},
        headers={"Authorization": f"Basic {encoded}"},
        timeout=SECONDS,
    )


def test_a_secret_may_have_a_colon() -> None:
    """RFC 7617 2: it ends the id only."""
    with Sandbox(client_secret="a:b:c") as sandbox:
        App(sandbox).gets_a_token()


@pytest.mark.parametrize("grant_type", ["client_credentials", "password", None])
def test_other_grants_are_refused(app: App, grant_type: str | None) -> None:
    """TickTick's apps are given the code grant alone."""
    response = app.exchanges("abcdef", grant_type=grant_type)

    assert response.status_code == 400
    assert response.json()["error"] == "unsupported_grant_type"


def test_a_token_request_needs_a_code(app: App) -> None:
    """Without one it is no question of a grant."""
    response = app.exchanges(None)

    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"


def test_parameters_in_the_token_endpoints_address_are_refused(
    app: App, sandbox: Sandbox
) -> None:
    """A secret in an address ends up in logs."""
    response = requests.post(
        sandbox.url("/oauth/token?grant_type=authorization_code&code=abcdef"),
        timeout=SECONDS,
    )

    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"


# -- PKCE --------------------------------------------------------------------


def test_a_public_client_uses_pkce_in_place_of_a_secret() -> None:
    """As TickTick's own command line."""
    with Sandbox(public=True) as sandbox:
        app = App(sandbox)
        code = app.signs_on(code_challenge=CHALLENGE, code_challenge_method="S256")

        response = app.exchanges(
            code["code"],
            auth=None,
            client_id=sandbox.client_id,
            code_verifier=VERIFIER,
        )

        assert response.status_code == 200
        assert sandbox.secrets == ["", code["code"], response.json()["access_token"]]


def test_a_public_client_cannot_do_without_pkce() -> None:
    """No challenge, no code; another client, no token."""
    with Sandbox(public=True) as sandbox:
        app = App(sandbox)

        assert app.signs_on()["error"] == "invalid_request"
        answer = app.exchanges("abcdef", auth=None, client_id="another")
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("method", "verifier", "status"),
    [
        ("S256", VERIFIER, 200),
        ("S256", VERIFIER[::-1], 400),
        ("S256", CHALLENGE, 400),
        ("S256", None, 400),
        ("plain", CHALLENGE, 200),
        (None, CHALLENGE, 200),
    ],
)
def test_a_challenge_is_checked_for_any_client(
    app: App, method: str | None, verifier: str | None, status: int
) -> None:
    """A secret and PKCE can be used together."""
    answer = app.signs_on(code_challenge=CHALLENGE, code_challenge_method=method)

    response = app.exchanges(answer["code"], code_verifier=verifier)

    assert response.status_code == status


# -- Lifetimes ---------------------------------------------------------------


def test_a_token_lives_as_long_as_it_says(app: App, sandbox: Sandbox) -> None:
    """``expires_in`` can be set at any time, and the clock can be moved."""
    now = [1000.0]
    sandbox.clock = lambda: now[0]
    sandbox.expires_in = 90

    token = app.gets_a_token()

    assert token["expires_in"] == 90
    now[0] += 89
    assert call(sandbox, token["access_token"]).status_code == 200
    now[0] += 1
    assert call(sandbox, token["access_token"]).status_code == 401


def test_a_token_may_have_no_known_lifetime(app: App, sandbox: Sandbox) -> None:
    """``None`` leaves ``expires_in`` out."""
    sandbox.expires_in = None

    token = app.gets_a_token()

    assert "expires_in" not in token
    assert call(sandbox, token["access_token"]).status_code == 200


def test_every_sign_on_yields_another_token(app: App) -> None:
    """Unless ``reissue`` says otherwise."""
    one, other = app.gets_a_token(), app.gets_a_token()

    assert one["access_token"] != other["access_token"]


def test_a_live_token_can_be_handed_back(app: App, sandbox: Sandbox) -> None:
    """The same one, with what is left of its lifetime, until it expires."""
    now = [1000.0]
    sandbox.clock, sandbox.reissue, sandbox.expires_in = lambda: now[0], True, 100
    first = app.gets_a_token()
    now[0] += 40.5

    again = app.gets_a_token()
    assert again == {**first, "expires_in": 59}
    assert app.gets_a_token(scope="tasks:read")["access_token"] != again["access_token"]

    now[0] += 59.5
    assert app.gets_a_token()["access_token"] != first["access_token"]


def test_a_token_without_a_lifetime_is_handed_back_without_one(
    app: App, sandbox: Sandbox
) -> None:
    """It is alive for ever."""
    sandbox.reissue, sandbox.expires_in = True, None

    assert app.gets_a_token() == app.gets_a_token()


def test_another_apps_token_is_not_handed_back(app: App, sandbox: Sandbox) -> None:
    """A token belongs to one app."""
    sandbox.reissue = True
    first = app.gets_a_token()
    sandbox.client_id = "another"

    assert app.gets_a_token()["access_token"] != first["access_token"]


# -- Refresh -----------------------------------------------------------------


def test_the_refresh_grant_is_refused_as_dida365_does(app: App) -> None:
    """Some brokers try it all the same."""
    response = app.refreshes("any")

    assert response.status_code == 401
    assert response.json() == {
        "error": "invalid_client",
        "error_description": "Unauthorized grant type: refresh_token",
    }


def test_refresh_tokens_rotate(app: App, sandbox: Sandbox) -> None:
    """Each is good once, and yields the next."""
    sandbox.refresh_tokens = True
    first = app.gets_a_token()

    second = app.refreshes(first["refresh_token"]).json()
    third = app.refreshes(second["refresh_token"]).json()

    assert len({t["refresh_token"] for t in (first, second, third)}) == 3
    assert len({t["access_token"] for t in (first, second, third)}) == 3
    assert set(third["scope"].split()) == {"tasks:read", "tasks:write"}
    assert call(sandbox, third["access_token"]).status_code == 200
    assert sandbox.sign_ons == 1
    assert sandbox.reuse_detected == 0


def test_reuse_of_a_refresh_token_revokes_its_family(
    app: App, sandbox: Sandbox
) -> None:
    """RFC 9700 4.14.2: nobody knows who is the thief. Others are unharmed."""
    sandbox.refresh_tokens = True
    bystander = app.gets_a_token()
    first = app.gets_a_token()
    second = app.refreshes(first["refresh_token"]).json()

    response = app.refreshes(first["refresh_token"])

    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    assert sandbox.reuse_detected == 1
    assert call(sandbox, second["access_token"]).status_code == 401
    assert app.refreshes(second["refresh_token"]).json()["error"] == "invalid_grant"
    assert call(sandbox, bystander["access_token"]).status_code == 200
    assert app.refreshes(bystander["refresh_token"]).status_code == 200


def test_a_refresh_token_is_good_once_among_many_at_a_time(
    app: App, sandbox: Sandbox
) -> None:
    """Two who race for it are found out."""
    sandbox.refresh_tokens = True
    token = app.gets_a_token()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(app.refreshes, [token["refresh_token"]] * 4))

    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    assert sandbox.reuse_detected == 3


def test_a_refresh_asks_for_no_more_than_was_granted(
    app: App, sandbox: Sandbox
) -> None:
    """Less is fine; and a mistake does not use the token up."""
    sandbox.refresh_tokens = True
    token = app.gets_a_token(scope="tasks:read")

    too_much = app.refreshes(token["refresh_token"], scope="tasks:read tasks:write")
    enough = app.refreshes(token["refresh_token"], scope="tasks:read")

    assert too_much.json()["error"] == "invalid_scope"
    assert enough.json()["scope"] == "tasks:read"


@pytest.mark.parametrize("refresh_token", ["unknown", None])
def test_an_unknown_refresh_token_is_refused(
    app: App, sandbox: Sandbox, refresh_token: str | None
) -> None:
    """And reuse was not detected."""
    sandbox.refresh_tokens = True

    assert app.refreshes(refresh_token).status_code == 400
    assert sandbox.reuse_detected == 0


def test_a_refresh_token_is_bound_to_its_client(app: App, sandbox: Sandbox) -> None:
    """Another app cannot use it."""
    sandbox.refresh_tokens = True
    token = app.gets_a_token()
    sandbox.client_id = "another"

    assert app.refreshes(token["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_refresh_yields_a_new_token_even_where_a_sign_on_would_not(
    app: App, sandbox: Sandbox
) -> None:
    """``reissue`` is about authorizations."""
    sandbox.refresh_tokens = sandbox.reissue = True
    token = app.gets_a_token()

    renewed = app.refreshes(token["refresh_token"]).json()

    assert renewed["access_token"] != token["access_token"]
