"""ticktick-py's programs, with one line of imports changed."""

from __future__ import annotations

import inspect
import json
import os
import pickle
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest
import requests
from clients import Person
from wire_servers import Answer, Server

import requests_ticktick.compat
from requests_ticktick import (
    InvalidTokenError,
    SignOnRequiredError,
    StateMismatchError,
    TickTickAuthError,
    Token,
    TokenStoreError,
    refuse,
    retry_session,
)
from requests_ticktick.compat import OAuth2, requests_retry_session

PROJECT = "/open/v1/project"


@pytest.fixture
def person(sandbox):
    return Person(sandbox)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The working directory, where ticktick-py has its file."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def oauth(sandbox, person, home):
    """Make an object as programs do, at home in the sandbox; close its session."""
    made = []

    def oauth(*arguments, **options):
        given = (sandbox.client_id, sandbox.client_secret, sandbox.redirect_uri)
        options = {"sign_on": person, "service": sandbox.service, **options}
        made.append(OAuth2(*given, *arguments, **options))
        return made[-1]

    yield oauth
    for each in made:
        each.session.close()


def dict_of(token, lifetime=3600):
    """A token as ticktick-py has it in its file."""
    expires = int(time.time()) + lifetime
    return {
        "access_token": token,
        "token_type": "bearer",
        "expires_in": 14772375,
        "scope": "tasks:read tasks:write",
        "expire_time": expires,
        "readable_expire_time": time.asctime(time.localtime(expires)),
    }


def literal(token, lifetime=3600):
    """The same as its documentation has it in a variable."""
    return repr(dict_of(token, lifetime))


# -- side by side ------------------------------------------------------------------


def test_the_parameters_are_ticktick_py_s(require_module):
    """By name, order and default; what is ours alone has to be named."""
    theirs = require_module("ticktick.oauth2")

    for name in ("__init__", "get_access_token", "is_token_expired", "validate_token"):
        expected = inspect.signature(getattr(theirs.OAuth2, name)).parameters
        ours = inspect.signature(getattr(OAuth2, name)).parameters
        assert list(ours)[: len(expected)] == list(expected)
        if name == "__init__":
            assert [p.default for p in ours.values()][: len(expected)] == [
                p.default for p in expected.values()
            ]
            assert {p.kind for p in list(ours.values())[len(expected) :]} == {
                inspect.Parameter.KEYWORD_ONLY
            }
    assert {"session", "cache", "access_token_info"} <= set(
        theirs.OAuth2.__init__.__code__.co_names
    )


def test_the_retries_go_by_both_names(require_module):
    """With parameters of the same names; a session is passed by name."""
    theirs = inspect.signature(require_module("ticktick.oauth2").requests_retry_session)

    assert requests_retry_session is retry_session
    assert set(theirs.parameters) < set(inspect.signature(retry_session).parameters)


def test_both_use_one_file(require_module, oauth, sandbox, home):
    """Ours signs on; theirs finds the token, and ours finds what theirs wrote."""
    module = require_module("ticktick.oauth2")
    token = oauth().get_access_token()

    theirs = module.OAuth2(
        sandbox.client_id, sandbox.client_secret, sandbox.redirect_uri
    )
    theirs.session.close()
    assert theirs.access_token_info["access_token"] == token
    theirs.cache.write_token_to_cache({**theirs.access_token_info, "mine": 1})

    again = oauth(sign_on=refuse)
    assert again.get_access_token() == token
    assert again.cache.get_cached_token()["mine"] == 1
    assert set(theirs.access_token_info) <= set(again.access_token_info)


@pytest.fixture
def ticktick_client(require_module, monkeypatch, sandbox):
    """ticktick-py's client, whose own login is at a server here."""
    # Its package says that it needs pytz, for dates alone.
    monkeypatch.setitem(sys.modules, "pytz", ModuleType("pytz"))
    module = require_module("ticktick.api")
    lists = {
        "token": "from-the-login",
        "timeZone": "UTC",
        "id": "1",
        "inboxId": "inbox",
        "projectGroups": [],
        "projectProfiles": [],
        "syncTaskBean": {"update": []},
        "tags": [],
    }
    with Server("v2") as server:
        server.otherwise = lambda seen: Answer(body=json.dumps(lists).encode())
        base = f"{server.url}/api/v2/"
        monkeypatch.setattr(module.TickTickClient, "BASE_URL", base)
        monkeypatch.setattr(module.TickTickClient, "INITIAL_BATCH_URL", f"{base}all")
        api = sandbox.url("").rstrip("/")
        monkeypatch.setattr(module.TickTickClient, "OPEN_API_BASE_URL", api)
        yield module.TickTickClient, server


def test_ticktick_py_s_client_takes_it(oauth, sandbox, person, ticktick_client):
    """It logs on by its session, and adds a task with our token."""
    client_class, server = ticktick_client
    manager = oauth()

    client = client_class("me@example.com", "a-password", manager)
    client.task.create({"title": "Milk"})

    assert person.asked == 1
    added = sandbox.received[-1]
    assert added.headers["Authorization"] == f"Bearer {manager.get_access_token()}"
    assert {seen.headers.get("authorization") for seen in server.seen} == {None}


def test_the_client_s_token_is_renewed_by_one_more_line(
    oauth, sandbox, ticktick_client, caplog
):
    """It reads the token once; the session then sees to it."""
    client_class, server = ticktick_client
    manager = oauth()
    manager.session.auth = manager.auth
    client = client_class("me@example.com", "a-password", manager)
    sandbox.revoke_all()

    client.task.create({"title": "Milk"})

    assert sandbox.sign_ons == 2
    assert {seen.headers.get("authorization") for seen in server.seen} == {None}


# -- what is different ---------------------------------------------------------------


def test_the_constructor_does_nothing(oauth, person, sandbox, home, monkeypatch):
    """A worker that only makes the object asks nobody, and reads nothing."""
    monkeypatch.setenv("MALFORMED", "{")
    monkeypatch.setattr("builtins.open", None)
    monkeypatch.setattr("os.open", None)

    oauth()
    oauth(env_key="UNSET")
    oauth(env_key="MALFORMED")

    assert (person.asked, sandbox.token_requests) == (0, 0)
    assert os.listdir(home) == ["home"]


def test_where_nobody_is_the_error_says_what_to_run(oauth):
    """And not EOFError at an input that nobody sees."""
    manager = oauth(sign_on=None)

    with pytest.raises(SignOnRequiredError, match="requests-ticktick login"):
        manager.get_access_token()
    with pytest.raises(SignOnRequiredError):
        _ = manager.access_token_info


def test_the_state_is_random_and_checked(oauth, sandbox):
    """Whatever a program passes; ticktick-py takes any answer."""
    seen = []

    def person(request):
        seen.append(request.state)
        url = sandbox.sign_on(request)
        return url.replace(request.state, "chosen") if len(seen) == 2 else url

    oauth(state="chosen", sign_on=person, cache_path="a").get_access_token()
    with pytest.raises(StateMismatchError):
        oauth(None, "chosen", sign_on=person, cache_path="b").get_access_token()

    assert "chosen" not in seen
    assert len(set(seen)) == 2


def test_a_variable_s_token_stays_off_the_disk(oauth, home, monkeypatch, secrets):
    """Who keeps it in a variable has a reason."""
    secrets.add("from-env")
    monkeypatch.setenv("ACCESS_TOKEN_DICT", literal("from-env"))

    assert oauth(env_key="ACCESS_TOKEN_DICT").get_access_token() == "from-env"

    assert os.listdir(home) == ["home"]


def test_threads_share_one_sign_on(oauth, person):
    """ticktick-py asks in each of them."""
    manager = oauth()

    with ThreadPoolExecutor(8) as pool:
        tokens = {*pool.map(lambda _: manager.get_access_token(), range(8))}

    assert len(tokens) == person.asked == 1


# -- what is the same ----------------------------------------------------------------


def test_memory_then_variable_then_file_then_a_person(oauth, person, home, monkeypatch):
    """The order of ticktick-py; what has expired is passed over."""
    (home / ".token-oauth").write_text(json.dumps(dict_of("from-file")))
    (home / ".token-oauth").chmod(0o600)
    monkeypatch.setenv("A_TOKEN", literal("from-env"))
    manager = oauth(env_key="A_TOKEN")
    assert manager.get_access_token() == "from-env"
    monkeypatch.delenv("A_TOKEN")
    assert manager.get_access_token() == "from-env"

    monkeypatch.setenv("A_TOKEN", literal("old", 0))
    assert oauth(env_key="A_TOKEN").get_access_token() == "from-file"
    assert person.asked == 0
    (home / ".token-oauth").write_text(json.dumps(dict_of("older", 0)))
    granted = oauth(env_key="A_TOKEN").get_access_token()
    assert person.asked == 1
    assert oauth(sign_on=refuse).get_access_token() == granted


@pytest.mark.parametrize("value", [None, "", "{", "not a token", "{'a': 1}"])
@pytest.mark.parametrize("way", ["constructor", "method", "info"])
def test_a_variable_without_a_token_is_a_value_error(oauth, monkeypatch, value, way):
    """A wrong name is found, instead of a person being asked each time."""
    if value is not None:
        monkeypatch.setenv("A_TOKEN", value)
    manager = oauth(env_key=None if way == "method" else "A_TOKEN", sign_on=refuse)

    ways = {
        "constructor": manager.get_access_token,
        "method": lambda: manager.get_access_token(check_env="A_TOKEN"),
        "info": lambda: manager.access_token_info,
    }

    with pytest.raises(ValueError, match="A_TOKEN") as caught:
        ways[way]()

    assert isinstance(caught.value, InvalidTokenError)
    assert isinstance(caught.value, TickTickAuthError)


def test_another_variable_may_be_named_later(oauth, person, monkeypatch, secrets):
    """Memory comes before it all the same."""
    secrets.add("from-env", "another")
    monkeypatch.setenv("A_TOKEN", literal("from-env"))
    monkeypatch.setenv("ANOTHER", literal("another"))
    manager = oauth()

    assert manager.get_access_token(check_env="A_TOKEN") == "from-env"
    assert manager.get_access_token(check_env="ANOTHER") == "from-env"
    assert manager.auth.token().access_token == "from-env"
    assert person.asked == 0


@pytest.mark.parametrize("by", ["constructor", "method"])
def test_without_the_cache_a_person_is_asked_once(oauth, person, by):
    """The token goes into the file, and into memory."""
    first = oauth().get_access_token()
    manager = oauth(check_cache=by == "method")
    cache = False if by == "method" else None

    tokens = {manager.get_access_token(check_cache=cache) for _ in range(3)}

    assert person.asked == 2
    assert first not in tokens
    assert tokens == {manager.cache.get_cached_token()["access_token"]}


def test_without_the_cache_a_variable_does(oauth, person, monkeypatch, secrets):
    """It is not the cache; one that has expired does not."""
    secrets.add("from-env")
    monkeypatch.setenv("A_TOKEN", literal("from-env"))
    manager = oauth(env_key="A_TOKEN", check_cache=False)
    assert manager.get_access_token() == "from-env"
    assert person.asked == 0

    monkeypatch.setenv("A_TOKEN", literal("old", 59))
    in_file = oauth().get_access_token()
    new = oauth(env_key="A_TOKEN", check_cache=False).get_access_token()
    assert new not in ("old", in_file)
    assert person.asked == 2


@pytest.mark.parametrize(
    ("left", "expired"), [(-1, True), (0, True), (59, True), (60, False), (9e4, False)]
)
def test_a_token_is_expired_a_minute_before_its_end(monkeypatch, left, expired):
    """As ticktick-py has it, from its dict."""
    monkeypatch.setattr(time, "time", lambda: 1_000_000_000)

    token = {"access_token": "a", "expire_time": 1_000_000_000 + left}

    assert OAuth2.is_token_expired(token) is expired


def test_a_dict_is_validated(oauth, person):
    """One that is valid comes back as it is, and one that is not is replaced."""
    manager = oauth()
    valid = {"access_token": "a", "expire_time": time.time() + 3600, "mine": 1}

    assert manager.validate_token(None) is None
    assert manager.validate_token(valid) is valid
    assert person.asked == 0
    new = manager.validate_token({**valid, "expire_time": 0})
    assert new == manager.access_token_info
    assert person.asked == 1
    with pytest.raises(ValueError, match="access_token"):
        manager.validate_token({"expire_time": 0})


def test_the_cache_is_the_file(oauth, home):
    """With the methods that programs call, and its private mode."""
    manager = oauth(cache_path="mine.json")
    assert manager.cache.path == str(home / "mine.json")
    assert manager.cache.get_cached_token() is None

    manager.cache.write_token_to_cache({"access_token": "mine", "expire_time": 4e9})

    assert manager.cache.get_cached_token()["access_token"] == "mine"
    assert manager.get_access_token() == "mine"
    assert (home / "mine.json").stat().st_mode & 0o777 == 0o600
    with pytest.raises(InvalidTokenError):
        manager.cache.write_token_to_cache({"token": "mine"})


def test_a_cache_that_is_no_token_is_our_error(oauth, home):
    """It is somebody's file, which is left as it is."""
    (home / ".token-oauth").write_text("several\nlines")

    with pytest.raises(TokenStoreError):
        oauth().cache.get_cached_token()
    assert (home / ".token-oauth").read_text() == "several\nlines"


def test_the_session_carries_the_token_request(oauth, sandbox):
    """And no auth or cookie of it goes there."""
    with requests.Session() as session:
        session.headers["User-Agent"] = "mine"
        manager = oauth("tasks:read", None, session)
        assert manager.session is session
        manager.get_access_token()

    (request,) = [r for r in sandbox.received if r.path == "/oauth/token"]
    assert request.headers["User-Agent"] == "mine"
    assert manager.access_token_info["scope"] == "tasks:read"


def test_a_session_is_made_that_tries_again(oauth, sandbox):
    """As ticktick-py makes one."""
    sandbox.fail(1, 503, endpoint="api", headers={"Retry-After": "0"})
    manager = oauth()
    manager.session.auth = manager.auth

    assert manager.session.get(sandbox.url(PROJECT)).status_code == 200


def test_a_pickle_works_as_well(oauth, sandbox, home):
    """Wherever the process of it starts."""
    manager = oauth(sign_on=refuse)
    manager.cache.write_token_to_cache(Token("a", expires_at=4e9).to_dict())

    copy = pickle.loads(pickle.dumps(manager))

    assert copy.get_access_token() == "a"
    assert sandbox.client_secret not in repr(copy) + repr(vars(copy).get("auth"))


def test_what_is_public_is_what_it_says():
    """Names of others are not there by accident."""
    assert set(requests_ticktick.compat.__all__) == {
        "OAuth2",
        "TokenCache",
        "requests_retry_session",
        "retry_session",
    }
