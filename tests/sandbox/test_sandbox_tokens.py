"""The sandbox's token endpoint: codes, clients, PKCE, lifetimes, refresh."""

from __future__ import annotations

import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

import pytest
import requests
from sandbox_app import CHALLENGE, SECONDS, VERIFIER, App, call

from requests_ticktick.sandbox import Sandbox

# -- The code ------------------------------------------------------------------


def test_the_token_response_is_like_ticktick(app: App) -> None:
    """A UUID, ``bearer``, 180 days less a second, and no refresh token."""
    token = app.gets_a_token()

    assert re.fullmatch(
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", token["access_token"]
    )
    assert {**token, "access_token": ""} == {
        "access_token": "",
        "token_type": "bearer",
        "expires_in": 15551999,
        "scope": "tasks:read tasks:write",
    }


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("tasks:write tasks:read", "tasks:read tasks:write"),
        ("tasks:write", "tasks:write"),
    ],
)
def test_the_scopes_come_in_ticktick_s_order(
    app: App, asked: str, granted: str
) -> None:
    """Pyticktick takes no other, and ticktick-py asks for them in another."""
    assert app.gets_a_token(scope=asked)["scope"] == granted


def test_a_token_request_may_be_in_the_query(app: App, sandbox: Sandbox) -> None:
    """So ticktick-py and pyticktick send it, with an empty body."""
    sent = {
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        "code": app.signs_on()["code"],
        "grant_type": "authorization_code",
        "scope": "tasks:read tasks:write",
        "redirect_uri": sandbox.redirect_uri,
    }
    connection = HTTPConnection(urlsplit(sandbox.url()).netloc, timeout=SECONDS)

    connection.request("POST", f"/oauth/token?{urlencode(sent)}")
    answer = connection.getresponse()
    token = json.load(answer)
    connection.close()

    assert answer.status == 200
    assert call(sandbox, token["access_token"]).status_code == 200


def test_a_token_response_must_not_be_cached(app: App) -> None:
    """RFC 6749 5.1."""
    response = app.exchanges(app.signs_on()["code"])

    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"] == "application/json"


def test_a_code_works_once(app: App) -> None:
    """The error quotes the code, as Spring's does. Clients must not log it."""
    code = app.signs_on()["code"]
    assert app.exchanges(code).status_code == 200

    response = app.exchanges(code)

    assert response.status_code == 400
    assert response.json() == {
        "error": "invalid_grant",
        "error_description": f"Invalid authorization code: {code}",
    }


def test_a_code_works_for_one_of_many_clients_that_race(app: App) -> None:
    """Checking a code and using it up are one step."""
    code = app.signs_on()["code"]

    with ThreadPoolExecutor(8) as pool:
        statuses = [
            answer.status_code for answer in pool.map(app.exchanges, [code] * 8)
        ]

    assert sorted(statuses) == [200] + [400] * 7


def test_a_code_is_used_up_by_a_failed_attempt(app: App) -> None:
    """The person has to sign on again."""
    code = app.signs_on()["code"]

    mismatch = app.exchanges(code, redirect_uri="http://127.0.0.1/other")

    assert mismatch.status_code == 400
    assert mismatch.json()["error"] == "invalid_grant"
    assert mismatch.json()["error_description"] == "Redirect URI mismatch."
    assert app.exchanges(code).json()["error"] == "invalid_grant"


def test_a_code_expires(app: App, sandbox: Sandbox) -> None:
    """After five minutes by the sandbox's clock."""
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


def test_a_code_in_use_is_not_issued_again(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are few codes of six characters."""
    letters = iter("aaaaaaaaaaaabbbbbb")
    monkeypatch.setattr("secrets.choice", lambda alphabet: next(letters))

    assert [app.signs_on()["code"] for _ in range(2)] == ["aaaaaa", "bbbbbb"]


# -- The client ----------------------------------------------------------------


def test_credentials_may_be_sent_in_the_form(app: App, sandbox: Sandbox) -> None:
    """``client_secret_post`` keeps every character of the secret."""
    response = app.exchanges(
        app.signs_on()["code"],
        auth=None,
        client_id=sandbox.client_id,
        client_secret=sandbox.client_secret,
    )

    assert response.status_code == 200


@pytest.mark.parametrize("secret", ["wrong", "", "é", None])
def test_wrong_credentials_in_the_form_get_a_json_error(
    app: App, sandbox: Sandbox, secret: str | None
) -> None:
    """A 401 with ``invalid_client``. The code is not used up."""
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
def test_wrong_credentials_in_the_header_get_an_html_page(
    app: App, sandbox: Sandbox, credentials: str
) -> None:
    """A 401, also for a secret that was form-encoded first."""
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
def test_unreadable_credentials_are_refused(sandbox: Sandbox, encoded: str) -> None:
    """Not base64, not UTF-8, or empty: the response is the HTML page."""
    response = post_with(sandbox, encoded)

    assert response.status_code == 401
    assert "HTTP Status 401" in response.text


def post_with(sandbox: Sandbox, encoded: str) -> requests.Response:
    return requests.post(
        sandbox.url("/oauth/token"),
        data={"grant_type": "authorization_code", "code": "abcdef"},
        headers={"Authorization": f"Basic {encoded}"},
        timeout=SECONDS,
    )


def test_a_secret_may_contain_a_colon() -> None:
    """The first colon ends the id (RFC 7617 2)."""
    with Sandbox(client_secret="a:b:c") as sandbox:
        App(sandbox).gets_a_token()


@pytest.mark.parametrize("grant_type", ["client_credentials", "password", None])
def test_other_grant_types_are_refused(app: App, grant_type: str | None) -> None:
    """TickTick has the authorization code grant only."""
    response = app.exchanges("abcdef", grant_type=grant_type)

    assert response.status_code == 400
    assert response.json()["error"] == "unsupported_grant_type"


def test_a_token_request_needs_a_code(app: App) -> None:
    """The error is ``invalid_request``, not ``invalid_grant``."""
    response = app.exchanges(None)

    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"


# -- PKCE ----------------------------------------------------------------------


def test_a_public_client_uses_pkce_in_place_of_a_secret() -> None:
    """Like TickTick's own command line."""
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


def test_a_public_client_must_use_pkce() -> None:
    """It gets no code without a challenge. Another client gets no token."""
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
def test_a_challenge_is_checked_for_every_client(
    app: App, method: str | None, verifier: str | None, status: int
) -> None:
    """A secret and PKCE can be used together."""
    answer = app.signs_on(code_challenge=CHALLENGE, code_challenge_method=method)

    response = app.exchanges(answer["code"], code_verifier=verifier)

    assert response.status_code == status


# -- Lifetimes -----------------------------------------------------------------


def test_a_token_lives_for_expires_in_seconds(app: App, sandbox: Sandbox) -> None:
    """The setting and the clock can be changed at any time."""
    now = [1000.0]
    sandbox.clock = lambda: now[0]
    sandbox.expires_in = 90

    token = app.gets_a_token()

    assert token["expires_in"] == 90
    now[0] += 89
    assert call(sandbox, token["access_token"]).status_code == 200
    now[0] += 1
    assert call(sandbox, token["access_token"]).status_code == 401


def test_a_token_may_state_no_lifetime(app: App, sandbox: Sandbox) -> None:
    """``None`` leaves ``expires_in`` out."""
    sandbox.expires_in = None

    token = app.gets_a_token()

    assert "expires_in" not in token
    assert call(sandbox, token["access_token"]).status_code == 200


def test_each_sign_on_gets_a_new_token(app: App) -> None:
    """Unless ``reissue`` is set."""
    one, other = app.gets_a_token(), app.gets_a_token()

    assert one["access_token"] != other["access_token"]


def test_a_token_that_is_alive_can_be_reissued(app: App, sandbox: Sandbox) -> None:
    """With the rest of its lifetime, and for the same scopes only."""
    now = [1000.0]
    sandbox.clock, sandbox.reissue, sandbox.expires_in = lambda: now[0], True, 100
    first = app.gets_a_token()
    now[0] += 40.5

    again = app.gets_a_token()
    assert again == {**first, "expires_in": 59}
    assert app.gets_a_token(scope="tasks:read")["access_token"] != again["access_token"]

    now[0] += 59.5
    assert app.gets_a_token()["access_token"] != first["access_token"]


def test_a_token_without_a_lifetime_is_reissued_without_one(
    app: App, sandbox: Sandbox
) -> None:
    """It never expires."""
    sandbox.reissue, sandbox.expires_in = True, None

    assert app.gets_a_token() == app.gets_a_token()


def test_another_apps_token_is_not_reissued(app: App, sandbox: Sandbox) -> None:
    """A token belongs to one app."""
    sandbox.reissue = True
    first = app.gets_a_token()
    sandbox.client_id = "another"

    assert app.gets_a_token()["access_token"] != first["access_token"]


# -- Refresh -------------------------------------------------------------------


def test_the_refresh_grant_is_refused_as_dida365_does(app: App) -> None:
    """Some clients try it nevertheless."""
    response = app.refreshes("any")

    assert response.status_code == 401
    assert response.json() == {
        "error": "invalid_client",
        "error_description": "Unauthorized grant type: refresh_token",
    }


def test_refresh_tokens_rotate(app: App, sandbox: Sandbox) -> None:
    """Each works once, and gets the next one."""
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
    """Nobody knows who is the thief (RFC 9700 4.14.2). Others are unharmed."""
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


def test_a_refresh_token_works_for_one_of_many_clients_that_race(
    app: App, sandbox: Sandbox
) -> None:
    """The others are detected as reuse."""
    sandbox.refresh_tokens = True
    token = app.gets_a_token()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(app.refreshes, [token["refresh_token"]] * 4))

    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    assert sandbox.reuse_detected == 3


def test_a_refresh_cannot_widen_the_scope(app: App, sandbox: Sandbox) -> None:
    """It can narrow it. A refused request does not use the token up."""
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
    """It does not count as reuse."""
    sandbox.refresh_tokens = True

    assert app.refreshes(refresh_token).status_code == 400
    assert sandbox.reuse_detected == 0


def test_a_refresh_token_is_bound_to_its_client(app: App, sandbox: Sandbox) -> None:
    """Another app cannot use it."""
    sandbox.refresh_tokens = True
    token = app.gets_a_token()
    sandbox.client_id = "another"

    assert app.refreshes(token["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_refresh_gets_a_new_token_even_with_reissue(
    app: App, sandbox: Sandbox
) -> None:
    """``reissue`` is about sign-ons only."""
    sandbox.refresh_tokens = sandbox.reissue = True
    token = app.gets_a_token()

    renewed = app.refreshes(token["refresh_token"]).json()

    assert renewed["access_token"] != token["access_token"]
