"""What the types promise to those who use the package; checked by mypy.

Nothing here is run. A line that must be refused carries an ``ignore`` for the
very error, and mypy reports an ``ignore`` that has become superfluous.
"""

from __future__ import annotations

from pathlib import Path

import requests
from requests.auth import AuthBase
from typing_extensions import assert_type

from requests_ticktick import (
    TICKTICK,
    AuthorizationRequest,
    ChainStore,
    ConsoleSignOn,
    EnvStore,
    Event,
    FileStore,
    LoopbackSignOn,
    MemoryStore,
    RegistrationError,
    RevocationError,
    Service,
    SignOn,
    TickTickAuth,
    Token,
    TokenStore,
    refuse,
    register,
    retry_session,
)
from requests_ticktick.compat import OAuth2


def three_lines() -> None:
    session = requests.Session()
    session.auth = TickTickAuth()
    session.get("https://api.ticktick.com/open/v1/project", auth=TickTickAuth())


def an_auth_is_one_of_requests() -> AuthBase:
    return TickTickAuth.from_token("tp_...")


def every_argument() -> TickTickAuth:
    return TickTickAuth(
        "id",
        "secret",
        "http://127.0.0.1:8765/callback",
        scope="tasks:read",
        store=ChainStore([EnvStore("TICKTICK_TOKEN"), FileStore(), MemoryStore()]),
        sign_on=refuse,
        service=TICKTICK,
        leeway=30,
        session=requests.Session(),
    )


def options_are_keywords() -> None:
    TickTickAuth("id", "secret", "uri", "tasks:read", MemoryStore())  # type: ignore[call-arg]  # refused, as it should be


def tokens(auth: TickTickAuth) -> None:
    assert_type(auth.token(), Token)
    assert_type(auth.peek(), Token | None)
    assert_type(auth.find(), Token | None)
    assert_type(auth.sign_on(), Token)
    assert_type(auth.sign_on(force=True), Token)
    assert_type(auth.sign_on(ask=True), Token)
    assert_type(auth.forget(), None)
    assert_type(auth.revoke(), bool)


def clients_that_register_themselves(session: requests.Session) -> None:
    client_id = register(
        TICKTICK,
        "http://127.0.0.1:8765/callback",
        client_name="My program",
        scope=["tasks:read"],
        session=session,
    )
    assert_type(client_id, str)
    TickTickAuth(register=True)
    TickTickAuth(register="My program")


def an_endpoint_says_why(error: RevocationError | RegistrationError) -> None:
    assert_type(error.error, str | None)
    assert_type(error.description, str | None)
    assert_type(error.status_code, int | None)
    assert_type(error.retry_after, float | None)


def two_steps(auth: TickTickAuth, redirected_url: str) -> None:
    request = auth.begin_sign_on()
    assert_type(request, AuthorizationRequest)
    assert_type(request.url, str)
    assert_type(request.redirect_uri, str)
    assert_type(auth.complete_sign_on(request, redirected_url), Token)


def a_token_has_fields(token: Token) -> None:
    assert_type(token.access_token, str)
    assert_type(token.expires_at, float | None)
    assert_type(token.expires_in, int | None)
    assert_type(token.expires_within(60), bool)
    assert_type(token.scope, str | None)
    assert_type(token.refresh_token, str | None)


def my_own_sign_on(request: AuthorizationRequest) -> str:
    return input(request.url)


def every_callable_signs_on() -> list[SignOn]:
    return [my_own_sign_on, refuse, ConsoleSignOn(), LoopbackSignOn(timeout=60)]


def every_store_is_one(path: Path) -> list[TokenStore]:
    return [FileStore(path), FileStore(str(path)), MemoryStore(), EnvStore("NAME")]


def a_service_of_ones_own() -> Service:
    return Service(
        "http://127.0.0.1:8000/authorize",
        "http://127.0.0.1:8000/token",
        ["http://127.0.0.1:8000"],
        code_challenge_method="S256",
        revocation_endpoint="http://127.0.0.1:8000/revoke",
        registration_endpoint="http://127.0.0.1:8000/register",
    )


def sessions_that_wait(session: requests.Session) -> None:
    assert_type(retry_session(), requests.Session)
    retry_session(5, 0.5, [503], None, session, rate_limit_wait=30)


def for_those_who_come_from_ticktick_py(session: requests.Session) -> None:
    oauth = OAuth2("id", "secret", "uri", "tasks:read", None, session, "A_TOKEN")
    assert_type(oauth.get_access_token(), str)
    assert_type(oauth.session, requests.Session)
    assert_type(OAuth2.is_token_expired(oauth.access_token_info), bool)
    session.auth = oauth.auth


def events(seen: list[Event]) -> None:
    TickTickAuth(on_event=seen.append)
    TickTickAuth(on_event=lambda event: event.kind == "expiring")
    TickTickAuth(on_event=print)
    TickTickAuth(on_event="print")  # type: ignore[arg-type]  # refused, as it should be
    assert_type(seen[0].seconds, float | None)
