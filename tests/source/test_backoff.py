"""After what failed, requests pause; ``auth.sign_on()`` never does."""

from __future__ import annotations

from asyncio import CancelledError

import pytest
import requests
from clients import Person, client_of
from observing import warnings_in

from requests_ticktick import (
    AuthorizationDeniedError,
    ChainStore,
    FileStore,
    MemoryStore,
    SignOnError,
    SignOnRequiredError,
    SignOnTimeoutError,
    TickTickAuthError,
    Token,
    TokenEndpointError,
    refuse,
)
from requests_ticktick._source import asking
from requests_ticktick._source.backoff import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    LONGEST_RETRY_AFTER,
    Pauses,
)

PROJECT = "/open/v1/project"


def errors_of(auth, url, calls):
    """Return what a program sees that goes on after each failure."""
    errors = []
    for _ in range(calls):
        with pytest.raises(TickTickAuthError) as caught:
            requests.get(url, auth=auth)
        errors.append(caught.value)
    return errors


# -- a person --------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        AuthorizationDeniedError("They said no.", error="access_denied"),
        SignOnTimeoutError("Nobody came back."),
        SignOnError("What was pasted was something else."),
        TokenEndpointError("It is down.", status_code=500),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_person_is_not_asked_again_by_the_next_request(sandbox, clock, caplog, error):
    """Twenty calls open one tab; each gets the error, and what can be done."""
    person = Person(sandbox, error)
    auth = client_of(sandbox, sign_on=person, clock=clock)

    first, *others = errors_of(auth, sandbox.url(PROJECT), 20)

    assert person.asked == 1
    assert first is error
    assert {type(other) for other in others} == {type(error)}
    assert all(str(error) in str(other) for other in others)
    assert all("auth.sign_on()" in str(other) for other in others)
    assert len({id(other) for other in others}) == 19
    assert len(warnings_in(caplog)) == 1

    clock.advance(FIRST_PAUSE)
    assert requests.get(sandbox.url(PROJECT), auth=auth).ok


def test_sign_on_asks_at_once_in_spite_of_a_pause(sandbox, clock):
    """``auth.sign_on()`` ends the pause, forced or not."""
    for force in (False, True):
        person = Person(sandbox, SignOnTimeoutError("Nobody came back."))
        auth = client_of(sandbox, sign_on=person, clock=clock)
        errors_of(auth, sandbox.url(PROJECT), 3)

        assert auth.sign_on(force=force)

        assert person.asked == 2


def test_each_pause_is_twice_the_last_and_half_an_hour_at_most(sandbox, clock):
    """Whoever goes on saying no is asked less and less often."""
    no = AuthorizationDeniedError("no")
    person = Person(sandbox, *[no] * 9)
    auth = client_of(sandbox, sign_on=person, clock=clock)

    for pause in (60, 120, 240, 480, 960, 1800, 1800):
        errors_of(auth, sandbox.url(PROJECT), 2)
        asked = person.asked
        clock.advance(pause - 1)
        errors_of(auth, sandbox.url(PROJECT), 1)
        assert person.asked == asked
        clock.advance(1)

    # Half an hour after the last pause, a failure is the first again.
    clock.advance(LONGEST_PAUSE + 1)
    errors_of(auth, sandbox.url(PROJECT), 1)
    clock.advance(FIRST_PAUSE)
    asked = person.asked
    errors_of(auth, sandbox.url(PROJECT), 1)
    assert person.asked == asked + 1


def test_a_success_resets_the_pause(sandbox, clock):
    """The next failure, months later, pauses for a minute."""
    no = AuthorizationDeniedError("no")
    person = Person(sandbox, no, no, None, no)
    sandbox.expires_in = 3600
    auth = client_of(sandbox, sign_on=person, clock=clock)
    errors_of(auth, sandbox.url(PROJECT), 1)
    clock.advance(60)
    errors_of(auth, sandbox.url(PROJECT), 1)
    clock.advance(120)
    auth.token()
    sandbox.revoke_all()
    errors_of(auth, sandbox.url(PROJECT), 1)

    clock.advance(60)

    assert requests.get(sandbox.url(PROJECT), auth=auth).ok


def test_a_token_that_comes_meanwhile_ends_the_wait(sandbox, clock, tmp_path):
    """A person signs on in a terminal: the program goes on at its next request."""
    store = FileStore(tmp_path / "t.json")
    person = Person(sandbox, SignOnTimeoutError("Nobody came back."))
    auth = client_of(sandbox, store, sign_on=person, clock=clock)
    errors_of(auth, sandbox.url(PROJECT), 2)

    client_of(sandbox, store, clock=clock).sign_on()

    assert requests.get(sandbox.url(PROJECT), auth=auth).ok
    assert person.asked == 1


def test_a_process_without_a_person_does_not_pause(sandbox, clock):
    """Nobody was asked: it looks at the store each time, and says so each time."""
    auth = client_of(sandbox, sign_on=refuse, clock=clock)

    errors = errors_of(auth, sandbox.url(PROJECT), 2)

    assert [type(error) for error in errors] == [SignOnRequiredError] * 2
    assert "another" not in str(errors[1])


def test_a_denied_sign_on_stops_no_refresh(sandbox, clock):
    """A refresh token asks nobody, so that it need not wait."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 90
    person = Person(sandbox, None, AuthorizationDeniedError("no"))
    auth = client_of(sandbox, sign_on=person, clock=clock)
    auth.token()
    clock.advance(80)
    with pytest.raises(AuthorizationDeniedError):
        auth.sign_on(ask=True)

    clock.advance(15)

    assert auth.token()
    assert person.asked == 2


def test_a_program_that_makes_an_auth_for_each_call_asks_once(sandbox, clock, tmp_path):
    """They share a store, and so what failed; ``auth.sign_on()`` asks at once."""
    person = Person(sandbox, *[AuthorizationDeniedError("no")] * 3)

    def auth(**options):
        store = FileStore(tmp_path / "t.json")
        return client_of(sandbox, store, sign_on=person, clock=clock, **options)

    for _ in range(5):
        errors_of(auth(), sandbox.url(PROJECT), 1)
    assert person.asked == 1

    # Asked again, and refused again: the pause is twice as long.
    clock.advance(FIRST_PAUSE)
    errors_of(auth(), sandbox.url(PROJECT), 1)
    clock.advance(2 * FIRST_PAUSE - 1)
    errors_of(auth(), sandbox.url(PROJECT), 1)
    assert person.asked == 2

    with pytest.raises(AuthorizationDeniedError):
        auth().sign_on()
    assert person.asked == 3
    assert auth().sign_on()


def test_a_token_that_is_refused_at_once_is_known_to_every_auth(sandbox, tmp_path):
    """The API refuses whatever is granted: not a tab for each call."""
    person = Person(sandbox)
    sandbox.fail(20, 401, endpoint="api")

    for _ in range(5):
        auth = client_of(sandbox, FileStore(tmp_path / "t.json"), sign_on=person)
        assert requests.get(sandbox.url(PROJECT), auth=auth).status_code == 401

    assert person.asked == 2


@pytest.mark.parametrize("other", ["sign_on", "store", "scope"])
def test_an_auth_with_another_sign_on_does_not_pause(sandbox, tmp_path, other):
    """Where a browser failed, a console may do; another person may say yes."""
    person = Person(sandbox, SignOnError("The port is taken."))
    ways = {
        "sign_on": person,
        "store": FileStore(tmp_path / "t.json"),
        "scope": "tasks:read",
    }
    errors_of(client_of(sandbox, **ways), sandbox.url(PROJECT), 1)

    ways[other] = {
        "sign_on": sandbox.sign_on,
        "store": FileStore(tmp_path / "other.json"),
        "scope": "tasks:write",
    }[other]

    assert client_of(sandbox, **ways).token()


def test_pauses_of_long_ago_are_forgotten(sandbox):
    """A process that signs on for many people remembers the latest."""
    for _ in range(100):
        person = Person(sandbox, AuthorizationDeniedError("no"))
        errors_of(client_of(sandbox, sign_on=person), sandbox.url(PROJECT), 1)

    assert len(Pauses.latest) < 100


def test_tokens_refused_at_once_long_ago_are_forgotten(sandbox, clock):
    """The same for what the API refuses as soon as it was granted."""
    source = client_of(sandbox, clock=clock).source
    for number in range(100):
        source.refused_at_once(Token(f"token-{number}", issued_at=clock.time()))

    assert len(asking.stuck) < 100


# -- the token endpoint --------------------------------------------------------------


@pytest.fixture
def aged(sandbox, clock):
    """A client whose token has expired, and can be refreshed."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    auth = client_of(sandbox, clock=clock)
    auth.token()
    clock.advance(3601)
    return auth


def test_a_token_endpoint_that_is_asked_too_often_is_left_alone(sandbox, aged, clock):
    """A 429 without Retry-After: one token request a minute, then two minutes."""
    sandbox.fail(2, 429, {"error": "slow_down"})
    before = sandbox.token_requests

    for pause in (60, 120):
        errors = errors_of(aged, sandbox.url(PROJECT), 15)
        assert {type(error) for error in errors} == {TokenEndpointError}
        assert {error.status_code for error in errors} == {429}
        clock.advance(pause)

    assert sandbox.token_requests == before + 2
    assert requests.get(sandbox.url(PROJECT), auth=aged).ok


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("seconds", [7, 120, 10**6])
def test_a_server_says_when_to_try_again(sandbox, aged, clock, status, seconds):
    """Retry-After is kept to the second, and for an hour at most."""
    sandbox.fail(1, status, "", headers={"Retry-After": str(seconds)})
    pause = min(seconds, LONGEST_RETRY_AFTER)
    errors_of(aged, sandbox.url(PROJECT), 2)
    before = sandbox.token_requests

    clock.advance(pause - 1)
    errors_of(aged, sandbox.url(PROJECT), 2)
    assert sandbox.token_requests == before

    clock.advance(1)
    assert requests.get(sandbox.url(PROJECT), auth=aged).ok


@pytest.mark.parametrize("said", ["0", "0.0", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_retry_after_of_zero_is_ignored(sandbox, aged, clock, said):
    """A 429 is no invitation: the date of a server whose clock is late is past."""
    sandbox.fail(9, 429, {"error": "slow_down"}, headers={"Retry-After": said})
    before = sandbox.token_requests

    errors_of(aged, sandbox.url(PROJECT), 9)

    assert sandbox.token_requests == before + 1


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, "invalid_client"), (400, "invalid_request"), (403, "locked")],
)
def test_a_client_that_is_refused_does_not_go_on(sandbox, aged, clock, status, error):
    """A wrong secret: one refresh a minute, and not one with each request."""
    sandbox.fail(1, status, {"error": error})
    before = sandbox.token_requests

    errors_of(aged, sandbox.url(PROJECT), 9)
    assert sandbox.token_requests == before + 1

    clock.advance(FIRST_PAUSE)
    assert requests.get(sandbox.url(PROJECT), auth=aged).ok


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("body", ["", {"error": "server_error"}])
def test_a_token_endpoint_that_is_down_is_tried_at_each_request(
    sandbox, aged, status, body
):
    """It has not said that it wants to be left alone."""
    sandbox.fail(3, status, body)

    errors_of(aged, sandbox.url(PROJECT), 3)

    assert requests.get(sandbox.url(PROJECT), auth=aged).ok


def test_a_spent_refresh_token_is_sent_once(sandbox, clock):
    """Nobody is there to replace it: that makes no storm of token requests."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    store = MemoryStore()
    client_of(sandbox, store, clock=clock).token()
    worker = client_of(sandbox, store, sign_on=refuse, clock=clock)
    sandbox.revoke_all(refresh_tokens=True)
    clock.advance(3601)
    before = sandbox.token_requests

    errors_of(worker, sandbox.url(PROJECT), 10)

    assert sandbox.token_requests == before + 1


class Restless(MemoryStore):
    """Holds another refresh token at each look."""

    looks = 0

    def load(self):
        self.looks += 1
        return Token("a", expires_at=1.0, refresh_token=f"refresh-{self.looks}")


def test_a_store_whose_refresh_token_changes_at_each_look_ends(sandbox):
    """A few are tried, then a person is asked."""
    person = Person(sandbox)
    auth = client_of(sandbox, Restless(), sign_on=person)

    assert auth.token()

    assert person.asked == 1
    assert sandbox.token_requests <= 5


# -- somebody else's exceptions ------------------------------------------------------


class Broken(MemoryStore):
    """Raises what its author did not think of."""

    def __init__(self, *methods):
        super().__init__()
        self.methods = methods

    def load(self):
        return self._do("load")

    def save(self, token):
        self._do("save", token)

    def failure(self):
        return self._do("failure")

    def version(self):
        return self._do("version")

    def delete(self):
        self._do("delete")

    def _do(self, name, *args):
        if name in self.methods:
            raise RuntimeError(f"{name} is broken")
        return getattr(super(), name)(*args)


@pytest.mark.parametrize("name", ["load", "failure", "version"])
def test_a_store_that_raises_what_it_likes_is_an_error_of_ours(sandbox, name):
    """It says of what kind; its cause has the rest."""
    auth = client_of(sandbox, Broken(name))

    with pytest.raises(TickTickAuthError, match="RuntimeError") as caught:
        auth.token()

    assert isinstance(caught.value.__cause__, RuntimeError)
    with pytest.raises(TickTickAuthError, match="RuntimeError"):
        auth.sign_on(force=True)


def test_a_store_that_cannot_save_in_its_own_way_costs_no_token(sandbox, caplog):
    """A person granted access for it: it works from memory, after one warning."""
    auth = client_of(sandbox, Broken("save"))

    assert auth.token() is auth.token()

    assert sandbox.sign_ons == 1
    (warning,) = warnings_in(caplog)
    assert "RuntimeError" in warning


def test_a_sign_on_that_raises_what_it_likes_is_an_error_of_ours(sandbox):
    """It says of what kind; its cause has the rest."""

    def sign_on(request):
        raise RuntimeError(request.url)

    with pytest.raises(SignOnError, match="RuntimeError") as caught:
        client_of(sandbox, sign_on=sign_on).token()

    assert isinstance(caught.value.__cause__, RuntimeError)
    assert "state" not in str(caught.value)


@pytest.mark.parametrize("broken", ["sign-on", "store"])
def test_in_the_leeway_the_token_that_works_is_used_whatever_is_raised(
    sandbox, clock, broken, caplog
):
    """A sign-on or a store of somebody's own does not fail a request."""

    def sign_on(request):
        if sandbox.sign_ons and broken == "sign-on":
            raise RuntimeError("no browser here")
        return sandbox.sign_on(request)

    store = Broken()
    sandbox.expires_in = 3600
    auth = client_of(
        sandbox, ChainStore([store, MemoryStore()]), sign_on=sign_on, clock=clock
    )
    first = auth.token()
    clock.advance(3550)
    if broken == "store":
        store.methods = ("load", "failure", "version")

    for _ in range(3):
        assert requests.get(sandbox.url(PROJECT), auth=auth).ok
        assert auth.token() is first

    assert "RuntimeError" in caplog.text
    assert len(warnings_in(caplog)) == 1


def test_forget_goes_on_behind_a_store_that_raises_what_it_likes(sandbox):
    """Its error comes at the end, as one of ours."""
    second = MemoryStore(Token("a"))
    auth = client_of(sandbox, ChainStore([Broken("load"), second]))

    with pytest.raises(TickTickAuthError, match="RuntimeError"):
        auth.forget()

    assert second.load() is None


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, CancelledError])
def test_what_ends_a_program_or_a_task_passes(sandbox, error):
    """It is nobody's failure, and begins no pause; a signal may have raised it."""
    person = Person(sandbox, error())
    auth = client_of(sandbox, sign_on=person)
    with pytest.raises(error):
        auth.token()

    assert auth.token()
