"""When a token is renewed, by whom, and how often a person is asked."""

from __future__ import annotations

import logging
import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from clients import Faulty, Person, Plain, client_of

from requests_ticktick import (
    AuthorizationDeniedError,
    ChainStore,
    EnvStore,
    FileStore,
    LockTimeoutError,
    MemoryStore,
    SignOnError,
    SignOnRequiredError,
    TickTickAuth,
    Token,
    TokenEndpointError,
    TokenStoreError,
    refuse,
)
from requests_ticktick._source import turns
from requests_ticktick._source.deadlines import RETRY_AFTER
from requests_ticktick._source.failures import Failure
from requests_ticktick.sandbox import Sandbox
from requests_ticktick.stores._base import AwayError, UnwritableError
from requests_ticktick.testing import FakeClock


def warnings_in(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


# -- expiry ----------------------------------------------------------------------


def test_a_token_is_renewed_in_its_last_minute_and_no_sooner(sandbox, clock):
    """At 60 s it is used; a moment later it is renewed, unasked."""
    auth = client_of(sandbox, clock=clock)
    sandbox.expires_in = 3600
    first = auth.token()

    clock.advance(3540)
    assert auth.token() is first
    assert sandbox.sign_ons == 1

    clock.advance(0.01)
    assert auth.token().access_token != first.access_token
    assert sandbox.sign_ons == 2


@pytest.mark.parametrize("leeway", [0.0, 10.0, 300.0])
def test_the_leeway_is_the_callers_to_choose(sandbox, clock, leeway):
    """It is a number of seconds before the expiry."""
    auth = client_of(sandbox, clock=clock, leeway=leeway)
    sandbox.expires_in = 3600
    auth.token()

    clock.advance(3600 - leeway - 1)
    auth.token()
    assert sandbox.sign_ons == 1

    clock.advance(2)
    auth.token()
    assert sandbox.sign_ons == 2


def test_a_token_of_unknown_expiry_is_used_until_it_is_refused(sandbox, clock):
    """Nobody is asked because time has passed."""
    auth = client_of(sandbox, clock=clock)
    sandbox.expires_in = None
    first = auth.token()

    clock.advance(1e9)

    assert auth.token() is first


def test_the_lifetime_counts_from_the_request(sandbox, clock):
    """An answer that took 50 s to arrive has 50 s less to live."""
    sandbox.expires_in = 3600
    auth = client_of(sandbox, clock=clock)
    began = clock.time()
    exchange = auth.source._grant.exchange

    def slow(*args, now):
        token = exchange(*args, now=now)
        clock.advance(50)
        return token

    auth.source._grant.exchange = slow

    token = auth.token()

    assert token.expires_at == began + 3600
    clock.advance(3490)
    assert auth.token() is token
    clock.advance(1)
    assert auth.token() is not token


@pytest.mark.parametrize("lifetime", [1, 30, 60])
def test_a_token_born_within_the_leeway_is_used_until_it_expires(
    sandbox, clock, lifetime
):
    """No lifetime, however short, makes a loop of sign-ons."""
    sandbox.expires_in = lifetime
    auth = client_of(sandbox, clock=clock)

    first = auth.token()
    clock.advance(lifetime - 0.5)
    assert auth.token() is first
    assert sandbox.sign_ons == 1

    clock.advance(0.5)
    assert auth.token() is not first
    assert sandbox.sign_ons == 2


@pytest.mark.parametrize(
    "lifetime", [0, -5, "0", "", "180 days", True, [], {"s": 1}, 1e18, 1e308, "9" * 99]
)
def test_a_lifetime_that_makes_no_sense_says_nothing(sandbox, session, lifetime):
    """A person is asked once; the token is used until the API refuses it."""
    for granted in [sandbox.issue_token() for _ in range(2)]:
        sandbox.fail(1, 200, {"access_token": granted, "expires_in": lifetime})
    session.auth = auth = client_of(sandbox)
    url = sandbox.url("/open/v1/project")

    assert [session.get(url).status_code for _ in range(5)] == [200] * 5
    assert sandbox.sign_ons == 1
    assert auth.token().expires_at is None

    sandbox.revoke(auth.token().access_token)
    assert session.get(url).status_code == 200
    assert sandbox.sign_ons == 2


def test_a_token_that_is_dead_on_arrival_is_used_until_it_is_refused(sandbox, clock):
    """The answer took longer than the token lives: nobody is asked in a loop."""
    sandbox.expires_in = 10
    auth = client_of(sandbox, clock=clock)
    exchange = auth.source._grant.exchange

    def slow(*args, **kwargs):
        token = exchange(*args, **kwargs)
        clock.advance(20)
        return token

    auth.source._grant.exchange = slow

    assert auth.token() is auth.token()
    assert sandbox.sign_ons == 1


def test_the_same_token_handed_back_is_used_to_its_end(sandbox, clock):
    """TickTick may re-issue what is alive: a person is asked once for it."""
    sandbox.reissue = True
    sandbox.expires_in = 3600
    person = Person(sandbox)
    auth = client_of(sandbox, clock=clock, sign_on=person)
    first = auth.token()

    clock.advance(3550)
    again = auth.token()
    assert again.access_token == first.access_token
    assert person.asked == 2
    for _ in range(9):
        clock.advance(5)
        assert auth.token() is again
    assert person.asked == 2

    clock.advance(5)
    assert auth.token().access_token != first.access_token
    assert person.asked == 3


def test_the_same_token_handed_back_is_known_to_other_processes(
    sandbox, clock, tmp_path
):
    """That it was born within the leeway is in the file, not in memory."""
    sandbox.reissue, sandbox.expires_in = True, 3600
    store = FileStore(tmp_path / "t.json")
    client_of(sandbox, store, clock=clock).token()
    clock.advance(3550)
    client_of(sandbox, store, clock=clock).token()

    person = Person(sandbox)
    client_of(sandbox, store, clock=clock, sign_on=person).token()

    assert person.asked == 0


def test_a_refused_token_that_was_handed_back_since_is_worth_a_try(sandbox, tmp_path):
    """A sibling has asked already; its grant is later than the refusal's."""
    sandbox.reissue = True
    store = FileStore(tmp_path / "t.json")
    one, person = client_of(sandbox, store), Person(sandbox)
    two = client_of(sandbox, store, sign_on=person)
    refused = two.token()
    again = one.source.token(instead_of=one.token())
    assert again.access_token == refused.access_token

    assert two.source.token(instead_of=refused) == again
    assert person.asked == 1


# -- a renewal that fails -----------------------------------------------------------


def test_a_failed_renewal_keeps_the_token_that_still_works(sandbox, clock, caplog):
    """One warning; the next try is seconds later; then the renewal."""
    sandbox.expires_in, sandbox.refresh_tokens = 3600, True
    auth = client_of(sandbox, clock=clock)
    first = auth.token()
    clock.advance(3545)
    sandbox.fail(2, 503)

    assert auth.token() is first
    clock.advance(1)
    assert auth.token() is first
    assert sandbox.token_requests == 2
    clock.advance(RETRY_AFTER + 0.1)
    assert auth.token() is first
    assert sandbox.token_requests == 3
    clock.advance(RETRY_AFTER + 0.1)
    assert auth.token() is not first

    assert sandbox.sign_ons == 1
    (warning,) = warnings_in(caplog)
    assert "expires soon" in warning


def test_a_failed_renewal_of_an_expired_token_is_an_error(sandbox, clock):
    """Then there is nothing left to use."""
    sandbox.expires_in, sandbox.refresh_tokens = 3600, True
    auth = client_of(sandbox, clock=clock)
    auth.token()
    clock.advance(3601)
    sandbox.fail(1, 503)

    with pytest.raises(TokenEndpointError, match="503"):
        auth.token()

    assert auth.token()
    assert sandbox.sign_ons == 1


def test_a_person_who_says_no_is_left_alone_until_the_token_ends(
    sandbox, clock, caplog
):
    """Within the leeway, nobody is asked twice about one token."""
    sandbox.expires_in = 3600
    person = Person(sandbox, None, AuthorizationDeniedError("no", error="x"))
    auth = client_of(sandbox, clock=clock, sign_on=person)
    first = auth.token()
    clock.advance(3541)

    for _ in range(5):
        assert auth.token() is first
        clock.advance(10)
    assert person.asked == 2

    clock.advance(60)
    assert auth.token() is not first
    assert person.asked == 3
    assert len(warnings_in(caplog)) == 1


def test_a_person_who_said_no_elsewhere_is_left_alone_here(sandbox, clock, tmp_path):
    """The other process has left word with the store."""
    sandbox.expires_in = 3600
    store = FileStore(tmp_path / "t.json")
    client_of(sandbox, store, clock=clock).token()
    clock.advance(3541)
    no = Person(sandbox, AuthorizationDeniedError("no"))
    client_of(sandbox, store, clock=clock, sign_on=no).token()

    person = Person(sandbox)
    client_of(sandbox, store, clock=clock, sign_on=person).token()

    assert (no.asked, person.asked) == (1, 0)


def test_a_person_who_says_no_is_left_alone_also_where_nothing_is_written(
    sandbox, clock, monkeypatch
):
    """A token in the environment has no place for a note beside it."""
    monkeypatch.setenv(
        "A_TOKEN", f"{{'access_token': 'a', 'expires_at': {clock.time() + 50}}}"
    )
    person = Person(sandbox, *[AuthorizationDeniedError("no")] * 9)
    auth = client_of(sandbox, EnvStore("A_TOKEN"), clock=clock, sign_on=person)

    for _ in range(4):
        assert auth.token().access_token == "a"
        clock.advance(10)

    assert person.asked == 1


def test_a_worker_without_a_person_uses_the_token_to_its_end(sandbox, clock, caplog):
    """The warning comes a minute early and names the command to run."""
    sandbox.expires_in = 3600
    store = MemoryStore()
    client_of(sandbox, store, clock=clock).token()
    worker = client_of(sandbox, store, clock=clock, sign_on=refuse)
    clock.advance(3541)

    for _ in range(5):
        assert worker.token()
        clock.advance(10)
    (warning,) = warnings_in(caplog)
    assert "requests-ticktick login" in warning

    clock.advance(60)
    with pytest.raises(SignOnRequiredError, match="requests-ticktick login"):
        worker.token()


def test_a_person_who_turns_up_within_the_leeway_is_asked(sandbox, clock):
    """``refuse`` asked nobody, so that the next try is seconds later."""
    sandbox.expires_in = 3600
    person = Person(sandbox, None, SignOnRequiredError("nobody here yet"))
    auth = client_of(sandbox, clock=clock, sign_on=person)
    first = auth.token()
    clock.advance(3541)

    assert auth.token() is first
    clock.advance(RETRY_AFTER + 0.1)
    assert auth.token() is not first


# -- clocks that jump ------------------------------------------------------------


@pytest.mark.parametrize("jump", [3600, -3600])
def test_a_clock_that_jumps_sends_no_expired_token_and_asks_nobody_twice(
    sandbox, clock, jump
):
    """The wall clock and the monotonic one both have to agree."""
    sandbox.expires_in = 7200
    person = Person(sandbox)
    auth = client_of(sandbox, clock=clock, sign_on=person)
    sandbox.clock = clock.monotonic  # the server's clock does not jump
    auth.token()

    clock.jump(jump)
    with requests.Session() as session:
        session.auth = auth
        for _ in range(90):
            clock.advance(80)
            response = session.get(sandbox.url("/open/v1/project"))
            assert response.status_code == 200
            assert response.history == []  # no 401 on the way
    assert person.asked == 2


def test_a_token_handed_back_is_alive_although_it_once_seemed_to_have_ended(sandbox):
    """The clock was two hours ahead; the same token comes again, to the second."""
    clock = FakeClock(now=1_800_000_000.0)
    sandbox.reissue, sandbox.expires_in = True, 7200
    person = Person(sandbox, None, AuthorizationDeniedError("not now"))
    store = MemoryStore()
    one, other = (
        client_of(sandbox, store, clock=clock, sign_on=person) for _ in range(2)
    )
    sandbox.clock = clock.monotonic  # the server's clock does not jump
    one.token()
    clock.jump(7190)
    other.token()
    clock.jump(-7190)
    clock.advance(20)

    for _ in range(5):
        other.token()

    assert person.asked == 3


def test_a_token_from_the_future_lives_no_longer_than_it_was_issued_for(sandbox, clock):
    """It was written down while the clock was an hour ahead."""
    now = clock.time()
    store = MemoryStore(Token("a", issued_at=now + 3600, expires_at=now + 7200))
    auth = client_of(sandbox, store, clock=clock)

    assert auth.token().access_token == "a"
    clock.advance(3601)

    assert auth.token().access_token != "a"


# -- which token -----------------------------------------------------------------


def test_memory_then_environment_then_file_then_new(
    sandbox, clock, tmp_path, monkeypatch
):
    """ticktick-py's order; what has expired is passed over."""
    now = clock.time()
    file = FileStore(tmp_path / "t.json")
    file.save(Token("from-file", expires_at=now + 7200))
    store = ChainStore([EnvStore("A_TOKEN"), file])
    monkeypatch.setenv(
        "A_TOKEN", f"{{'access_token': 'from-env', 'expire_time': {now + 3600}}}"
    )
    auth = client_of(sandbox, store, clock=clock)

    assert auth.token().access_token == "from-env"
    monkeypatch.delenv("A_TOKEN")
    assert auth.token().access_token == "from-env"
    monkeypatch.setenv("A_TOKEN", f"{{'access_token': 'old', 'expire_time': {now}}}")
    clock.advance(3600)
    assert auth.token().access_token == "from-file"
    assert sandbox.sign_ons == 0
    clock.advance(3600)
    assert auth.token().access_token not in ("old", "from-file", "from-env")
    assert sandbox.sign_ons == 1
    assert "old" not in (tmp_path / "t.json").read_text()


def test_of_two_tokens_in_their_last_minute_none_hides_a_fresh_one(sandbox, clock):
    """A candidate that needs renewal is the last resort."""
    now = clock.time()
    store = ChainStore(
        [MemoryStore(Token("a", expires_at=now + 30)), MemoryStore(Token("b"))]
    )

    assert client_of(sandbox, store, clock=clock).token().access_token == "b"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"client_id": "another"}, id="client"),
        pytest.param({"service": "another"}, id="service"),
        pytest.param({"scope": "tasks:read"}, id="scopes"),
    ],
)
def test_another_owners_token_is_neither_used_nor_overwritten(
    sandbox, tmp_path, caplog, other
):
    """The sign-on's token stays in memory; the warning says what to do."""
    store = FileStore(tmp_path / "t.json")
    mine = client_of(sandbox, store)
    mine.token()
    before = (tmp_path / "t.json").read_bytes()
    app = {"client_id": other["client_id"]} if "client_id" in other else {}
    scope = other.get("scope", "tasks:read tasks:write")
    with Sandbox(**{"client_id": sandbox.client_id, **app}) as two:
        client = client_of(sandbox if "scope" in other else two, store, scope=scope)
        token = client.token()
        assert client.token() is token
        client.forget()

    assert (tmp_path / "t.json").read_bytes() == before
    assert mine.token().access_token != token.access_token
    (warning,) = warnings_in(caplog)
    assert "profile" in warning
    assert "memory" in warning


def test_scopes_in_another_order_are_the_same(sandbox, tmp_path):
    """A file belongs to a set of scopes."""
    store = FileStore(tmp_path / "t.json")
    client_of(sandbox, store, scope="tasks:read tasks:write").token()

    client_of(sandbox, store, scope="tasks:write tasks:read").token()

    assert sandbox.sign_ons == 1


def test_no_credentials_are_needed_where_there_is_a_token(tmp_path):
    """A worker knows neither the client's id nor its secret."""
    store = FileStore(tmp_path / "t.json")
    store.save(Token("a", scope="tasks:read tasks:write", extra={"client_id": "x"}))

    assert TickTickAuth(store=store).token().access_token == "a"


class Counted(MemoryStore):
    """A store that counts how often it is read."""

    reads = 0

    def load(self):
        self.reads += 1
        return super().load()


def test_a_new_process_reads_the_store_with_its_token_once():
    """And none behind it: a file that it does not need, or a keychain."""
    first, second = Counted(Token("a")), Counted(Token("b"))

    auth = TickTickAuth(store=ChainStore([Counted(), first, second]))

    assert auth.token().access_token == "a"
    assert (first.reads, second.reads) == (1, 0)


def test_a_sign_on_reads_the_store_four_times(sandbox):
    """Is there a token, what is there, and the same with the lock; whose place."""
    store = Counted()

    client_of(sandbox, store).token()

    assert store.reads <= 4


# -- stores that fail -------------------------------------------------------------


def test_a_token_that_cannot_be_saved_works_from_memory(sandbox, tmp_path, caplog):
    """A read-only place costs one warning, not one sign-on a call."""
    (tmp_path / "file").write_text("")
    auth = client_of(sandbox, FileStore(tmp_path / "file" / "t.json"))

    tokens = {auth.token().access_token for _ in range(3)}

    assert len(tokens) == 1
    assert sandbox.sign_ons == 1
    (warning,) = warnings_in(caplog)
    assert "from memory" in warning


def raises(error):
    """Return a function that does."""

    def function(*_args):
        raise error

    return function


def test_a_full_disk_costs_one_warning(sandbox, tmp_path, caplog, monkeypatch):
    """The token works from memory, and its refresh token as well."""
    sandbox.refresh_tokens = True
    auth = client_of(sandbox, FileStore(tmp_path / "t.json"))
    full = raises(OSError(28, "No space left on device"))
    monkeypatch.setattr(os, "fsync", full)
    first = auth.token()
    second = auth.source.token(instead_of=first)

    assert second.access_token != first.access_token
    assert sandbox.sign_ons == 1
    assert len(warnings_in(caplog)) == 1
    assert "No space left" in warnings_in(caplog)[0]


def test_a_store_without_a_lock_costs_one_warning(sandbox, caplog):
    """One of somebody else's: a person signs on all the same."""
    store = Faulty()
    store.lock = raises(TokenStoreError("There is no lock here."))
    auth = client_of(sandbox, store)

    assert auth.token() == store.load()

    assert warnings_in(caplog) == ["There is no lock here. Going on without a lock."]


def test_a_store_that_has_gone_away_is_no_reason_to_ask_a_person(sandbox):
    """Between the lock and the room: whoever shares it would ask as well."""
    store, person = Faulty(), Person(sandbox)
    store.reserve = raises(AwayError("It does not answer."))

    with pytest.raises(AwayError):
        client_of(sandbox, store, sign_on=person).token()

    assert person.asked == 0


def test_what_could_not_be_read_for_a_moment_is_not_new(sandbox, clock):
    """A token that was there before is no answer, as it has expired."""
    sandbox.expires_in = 3600
    store = Faulty()
    auth = client_of(sandbox, store, clock=clock)
    first = auth.token()
    clock.advance(3601)
    store.blips = 1

    assert auth.token() != first

    store.blips = 1
    assert auth.sign_on(force=True) not in (first, None)
    assert sandbox.sign_ons == 3


def test_an_old_failure_is_not_new_to_one_who_could_not_read_it(sandbox):
    """Whoever asks now asks anew."""
    store = Faulty()
    no = Person(sandbox, AuthorizationDeniedError("no"))
    with pytest.raises(AuthorizationDeniedError):
        client_of(sandbox, store, sign_on=no).token()
    read = store.failure
    failures = [raises(TokenStoreError("It cannot be read."))]
    store.failure = lambda: (failures.pop() if failures else read)()

    assert client_of(sandbox, store).token()


def test_a_record_that_cannot_be_read_costs_nothing(sandbox, clock):
    """In the leeway the token that works is used, and renewed."""
    sandbox.expires_in = 3600
    store = Faulty()
    store.failure = raises(TokenStoreError("It cannot be read."))
    auth = client_of(sandbox, store, clock=clock)
    first = auth.token()

    clock.advance(3550)

    assert auth.token() != first


def test_a_store_that_breaks_later_does_not_stop_a_token_in_memory(
    sandbox, clock, tmp_path, caplog
):
    """Within the leeway the store is asked; what it says is a warning."""
    sandbox.expires_in = 3600
    store = FileStore(tmp_path / "t.json")
    auth = client_of(sandbox, store, clock=clock)
    first = auth.token()
    clock.advance(3550)
    (tmp_path / "t.json").unlink()
    (tmp_path / "t.json").mkdir()

    assert auth.token() is first
    (warning,) = warnings_in(caplog)
    assert f"was not renewed: Cannot read {store.path}" in warning

    clock.advance(60)
    with pytest.raises(TokenStoreError, match="Cannot read"):
        auth.token()


# -- refresh tokens ---------------------------------------------------------------


def test_a_refresh_token_spares_the_person(sandbox, clock, tmp_path):
    """It is used once, and the one that came in its place is saved."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    store = FileStore(tmp_path / "t.json")
    auth = client_of(sandbox, store, clock=clock)
    first = auth.token()

    for _ in range(3):
        clock.advance(3600)
        auth.token()

    assert sandbox.sign_ons == 1
    assert sandbox.token_requests == 4
    assert sandbox.reuse_detected == 0
    assert store.load().refresh_token not in (None, first.refresh_token)


def test_an_answer_without_a_refresh_token_keeps_the_old(sandbox, clock):
    """RFC 6749 6: it stays in force."""
    sandbox.refresh_tokens = True
    auth = client_of(sandbox, clock=clock)
    first = auth.token()
    sandbox.fail(1, 200, {"access_token": "second", "expires_in": 3600})

    second = auth.source.token(instead_of=first)

    assert second.access_token == "second"
    assert second.refresh_token == first.refresh_token


def test_a_refresh_token_that_a_sibling_has_used_is_not_used(sandbox, clock, tmp_path):
    """Memory is older than the store: reuse would revoke the whole family."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    store = FileStore(tmp_path / "t.json")
    one, two = client_of(sandbox, store, clock=clock), client_of(sandbox, store)
    two.source.clock = clock
    one.token()
    clock.advance(3600)
    two.token()
    clock.advance(3600)

    assert one.token()
    assert (sandbox.reuse_detected, sandbox.sign_ons) == (0, 1)


def test_a_refresh_token_that_could_not_be_saved_is_used_once(
    sandbox, clock, tmp_path, monkeypatch
):
    """Then what the store has counts again: a sibling may have rotated that."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    store = FileStore(tmp_path / "t.json")
    one, two = client_of(sandbox, store, clock=clock), client_of(sandbox, store)
    two.source.clock = clock
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", raises(OSError(28, "No space left on device")))
        one.token()
    clock.advance(1800)
    two.token()
    clock.advance(1800)
    one.token()
    clock.advance(1800)
    two.token()
    clock.advance(3600)

    one.token()

    assert sandbox.reuse_detected == 0
    assert sandbox.sign_ons == 2


@pytest.mark.parametrize("restarted", [False, True])
def test_a_refresh_token_in_the_environment_is_used_once(
    sandbox, clock, tmp_path, monkeypatch, restarted
):
    """What came of it is in the file, for this process and for later ones."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    monkeypatch.setenv(
        "A_TOKEN", repr(client_of(sandbox, clock=clock).token().to_dict())
    )
    person = Person(sandbox)
    store = ChainStore([EnvStore("A_TOKEN"), FileStore(tmp_path / "t.json")])
    auth = client_of(sandbox, store, clock=clock, sign_on=person)

    for _ in range(3):
        clock.advance(3600)
        if restarted:
            auth = client_of(sandbox, store, clock=clock, sign_on=person)
        auth.token()

    assert (sandbox.reuse_detected, person.asked) == (0, 0)


def test_a_token_that_no_store_has_outlives_its_own_refusal(sandbox, clock):
    """The store's, which it once replaced, has a refresh token that is spent."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    store, person = Faulty(), Person(sandbox)
    auth = client_of(sandbox, store, clock=clock, sign_on=person)
    auth.token()
    store.full = True
    clock.advance(3550)
    second = auth.token()
    sandbox.revoke(second.access_token)
    auth.source.token(instead_of=second)
    clock.advance(60)

    auth.token()

    assert (sandbox.reuse_detected, person.asked) == (0, 1)


@pytest.mark.parametrize("refresh", [True, False])
@pytest.mark.parametrize("late", [3550, 3600])
def test_a_thread_that_reads_late_finds_the_token_that_no_store_has(
    sandbox, clock, refresh, late
):
    """Between its reading and its turn, another one renewed."""
    sandbox.refresh_tokens, sandbox.expires_in = refresh, 3600
    reading, go, slow = threading.Event(), threading.Event(), threading.local()

    class Slow(Faulty):
        def load(self):
            token = super().load()
            slow.reads = getattr(slow, "reads", 0) - 1
            if slow.reads == 0:
                reading.set()
                assert go.wait(30)
            return token

    store, person = Slow(), Person(sandbox)
    auth = client_of(sandbox, store, clock=clock, sign_on=person)
    auth.token()
    store.full = True
    clock.advance(late)

    def ask_late():
        slow.reads = 2  # the question's own, and that for an answer
        return auth.token()

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(ask_late)
        assert reading.wait(30)
        auth.token()
        before = person.asked, sandbox.token_requests
        go.set()
        assert other.result(30)

    assert (person.asked, sandbox.token_requests) == before
    assert sandbox.reuse_detected == 0


def test_a_store_that_saved_what_it_said_it_had_not_is_believed_later(sandbox, clock):
    """A sibling has renewed what it has, meanwhile."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    store, person = Faulty(), Person(sandbox)
    one = client_of(sandbox, store, clock=clock, sign_on=person)
    two = client_of(sandbox, store, clock=clock, sign_on=person)
    store.unsure = True
    one.token()
    store.unsure = False
    clock.advance(3600)
    two.token()
    clock.advance(3600)

    one.token()

    assert (sandbox.reuse_detected, person.asked) == (0, 1)


def test_a_token_that_was_saved_is_the_stores_alone(sandbox, clock, tmp_path):
    """A false refusal of what a sibling made of it revives nothing older."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    store = FileStore(tmp_path / "t.json")
    one, two = (client_of(sandbox, store, clock=clock) for _ in range(2))
    one.token()
    clock.advance(3600)
    two.token()
    clock.advance(3600)
    sandbox.fail(1, 400, {"error": "invalid_grant"})

    one.token()

    assert (sandbox.reuse_detected, sandbox.sign_ons) == (0, 2)


def test_ctrl_c_while_a_token_is_saved_does_not_lose_it(
    sandbox, clock, tmp_path, monkeypatch
):
    """Its refresh token is the only one that still works."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    person = Person(sandbox)
    store = FileStore(tmp_path / "t.json")
    auth = client_of(sandbox, store, clock=clock, sign_on=person)
    auth.token()
    clock.advance(3600)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", raises(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            auth.token()

    assert auth.token()
    assert (sandbox.reuse_detected, person.asked) == (0, 1)


def test_a_refused_refresh_token_is_read_again_before_anybody_is_asked(
    sandbox, clock, tmp_path
):
    """Somebody without our lock has rotated it in the meantime."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    store = FileStore(tmp_path / "t.json")
    person = Person(sandbox)
    auth = client_of(sandbox, store, clock=clock, sign_on=person)
    auth.token()
    refresh = auth.source._grant.refresh
    stale = store.load()
    good = stale.replace(refresh_token=stale.refresh_token)

    def refresh_twice(token, *, now):
        store.save(good)
        return refresh(token, now=now)

    auth.source._grant.refresh = refresh_twice
    store.save(stale.replace(refresh_token="spent"))
    clock.advance(3600)

    assert auth.token()
    assert person.asked == 1


def test_a_spent_refresh_token_ends_in_a_sign_on(sandbox, clock, tmp_path):
    """Nothing was deleted on the way; the person is asked once."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    store = FileStore(tmp_path / "t.json")
    auth = client_of(sandbox, store, clock=clock)
    auth.token()
    sandbox.revoke_all(refresh_tokens=True)
    clock.advance(3600)
    before = (tmp_path / "t.json").read_bytes()
    worker = client_of(sandbox, store, clock=clock, sign_on=refuse)
    with pytest.raises(SignOnRequiredError):
        worker.token()
    assert (tmp_path / "t.json").read_bytes() == before

    assert auth.token()
    assert sandbox.sign_ons == 2


def test_dida365_s_refusal_of_the_grant_ends_in_a_sign_on(sandbox, clock):
    """``Unauthorized grant type: refresh_token`` is an end, not an outage."""
    store = MemoryStore(Token("old", refresh_token="r", expires_at=5.0))

    assert client_of(sandbox, store, clock=clock).token().access_token != "old"
    assert (sandbox.token_requests, sandbox.sign_ons) == (2, 1)


# -- threads ---------------------------------------------------------------------


def test_twenty_threads_sign_on_once(sandbox, tmp_path):
    """One leads; the others go on with its token."""
    sandbox.delay(0.1)
    auth = client_of(sandbox, FileStore(tmp_path / "t.json"))
    barrier = threading.Barrier(20)

    def ask(_):
        barrier.wait()
        return auth.token()

    with ThreadPoolExecutor(20) as pool:
        tokens = set(pool.map(ask, range(20)))

    assert len(tokens) == 1
    assert (sandbox.sign_ons, sandbox.token_requests) == (1, 1)


@pytest.mark.parametrize("kind", [MemoryStore, Plain])
def test_a_failed_sign_on_is_shared_with_those_who_waited(sandbox, kind):
    """They get its error, each one of its own, also where no store records it."""
    waiting = threading.Semaphore(0)
    release = threading.Event()
    person = Person(sandbox, AuthorizationDeniedError("no", error="access_denied"))

    def sign_on(request):
        release.wait(30)
        return person(request)

    auth = client_of(sandbox, kind(), sign_on=sign_on)
    attempts = auth.source._turns.get()
    join = attempts.join

    def counted():
        try:
            return join()
        finally:
            waiting.release()

    attempts.join = counted

    def ask(_):
        with pytest.raises(AuthorizationDeniedError) as caught:
            auth.token()
        return caught.value

    with ThreadPoolExecutor(8) as pool:
        errors = pool.map(ask, range(8))
        for _ in range(8):
            assert waiting.acquire(timeout=30)
        release.set()
        errors = list(errors)

    assert len({id(error) for error in errors}) == 8
    assert {error.error for error in errors} == {"access_denied"}
    assert person.asked == 1
    # Whoever asks by name is a new question.
    assert auth.sign_on()
    assert auth.source.store.failure() is None


def fail_while_another_waits(sandbox, path, error, **options):
    """Return what a second process, as it were, is told that had waited."""
    waiting, person = threading.Event(), Person(sandbox)
    looks = []

    class Watched(FileStore):
        def version(self):
            looks.append(self)
            if len(looks) > 1:  # the first one is before it tries the lock
                waiting.set()
            return super().version()

    def sign_on(request):
        followers.append(pool.submit(other.token))
        assert waiting.wait(30)
        raise error

    followers = []
    other = client_of(sandbox, Watched(path), sign_on=person, **options)
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(type(error)):
            client_of(sandbox, FileStore(path), sign_on=sign_on).token()
        told = followers[0].exception(30)
    assert person.asked == (told is None)
    return told


def test_a_sign_on_broken_off_is_shared_with_the_processes_that_waited(
    sandbox, tmp_path
):
    """Ctrl-C in one of them: the next one does not open its browser in turn."""
    told = fail_while_another_waits(sandbox, tmp_path / "t.json", KeyboardInterrupt())

    assert type(told) is SignOnError
    assert "broken off" in str(told)


def test_the_same_failure_twice_is_shared_twice(sandbox, tmp_path):
    """The one on record is not taken for the one that was waited for."""
    for _ in range(2):
        told = fail_while_another_waits(
            sandbox, tmp_path / "t.json", AuthorizationDeniedError("no")
        )

        assert type(told) is AuthorizationDeniedError


def test_the_failure_of_another_owner_stops_nobody(sandbox, tmp_path):
    """Somebody may well grant the one app what was denied to the other."""
    no = AuthorizationDeniedError("no")

    told = fail_while_another_waits(
        sandbox, tmp_path / "t.json", no, scope="tasks:read"
    )

    assert told is None


def test_in_the_leeway_nobody_waits_for_the_one_who_renews(sandbox, clock):
    """While a person is signing on, the others use the token that works."""
    sandbox.expires_in = 3600
    asked, release = threading.Event(), threading.Event()

    def sign_on(request):
        if first_done:
            asked.set()
            release.wait(30)
        return sandbox.sign_on(request)

    first_done = []
    auth = client_of(sandbox, clock=clock, sign_on=sign_on)
    first = auth.token()
    first_done.append(True)
    clock.advance(3550)

    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(auth.token)
        assert asked.wait(30)
        assert [auth.token() for _ in range(5)] == [first] * 5
        release.set()
        assert leader.result(30) is not first

    assert auth.token() is leader.result()
    assert sandbox.sign_ons == 2


def test_in_the_leeway_nobody_waits_for_another_process(sandbox, clock, tmp_path):
    """Its lock is taken: this one goes on, and finds the new token later."""
    sandbox.expires_in = 3600
    store = FileStore(tmp_path / "t.json")
    auth = client_of(sandbox, store, clock=clock)
    first = auth.token()
    clock.advance(3550)

    with FileStore(tmp_path / "t.json").lock(0):
        assert auth.token() is first

    other = client_of(sandbox, store, clock=clock)
    second = other.token()
    assert second is not first
    assert auth.token() == second
    assert sandbox.sign_ons == 2


def test_those_who_wait_for_the_lock_go_on_as_soon_as_there_is_a_token(
    sandbox, tmp_path, monkeypatch
):
    """They need the token, not the lock, and try for that much less often."""
    monkeypatch.setattr(turns, "_TRY_EVERY", 3600.0)
    store = FileStore(tmp_path / "t.json")
    looks, watched = [], threading.Event()

    class Watched(FileStore):
        def version(self):
            looks.append(super().version())
            if len(looks) > 1:  # the first is before it tries for the lock
                watched.set()
            return looks[-1]

    auth = client_of(sandbox, Watched(tmp_path / "t.json"))
    with ThreadPoolExecutor(1) as pool, store.lock(0):
        waiter = pool.submit(auth.token)
        assert watched.wait(30)
        store.save(Token("a", scope="tasks:read tasks:write"))
        assert waiter.result(30).access_token == "a"

    assert sandbox.sign_ons == 0


@pytest.mark.parametrize(
    ("left", "asked"),
    [
        pytest.param(3600, 0, id="fresh"),
        pytest.param(30, 0, id="in its last minute"),
        pytest.param(-1, 1, id="expired"),
    ],
)
def test_who_gets_the_lock_reads_again_before_asking(
    sandbox, tmp_path, clock, left, asked
):
    """Somebody may have put a token there between the last look and the lock."""
    expires_at = clock.time() + left

    class Overtaken(FileStore):
        def lock(self, timeout=None):
            self.save(Token("a", expires_at=expires_at))
            return super().lock(timeout)

    auth = client_of(sandbox, Overtaken(tmp_path / "t.json"), clock=clock)

    assert (auth.token().access_token == "a") == (asked == 0)
    assert sandbox.sign_ons == asked


def test_the_token_is_saved_before_the_lock_is_released(sandbox, tmp_path):
    """The next in line reads it; were it late, it would ask again."""
    saved = []

    class Watched(FileStore):
        def save(self, token):
            with pytest.raises(LockTimeoutError):
                FileStore(self.path).lock(0).__enter__()
            super().save(token)
            saved.append(token)

    auth = client_of(sandbox, Watched(tmp_path / "t.json"))

    assert saved == [auth.token()]


def watch_for_waiters(attempt):
    """Return an event that is set when a thread comes to wait for it."""
    waiting, wait = threading.Event(), attempt.wait

    def waited(timeout):
        waiting.set()
        return wait(timeout)

    attempt.wait = waited
    return waiting


def test_what_one_thread_was_told_may_not_do_for_another(sandbox):
    """It waited for a token in place of the very one that came out."""
    auth = client_of(sandbox)
    refused = auth.token()
    attempt, _ = auth.source._turns.get().join()
    waiting = watch_for_waiters(attempt)
    with ThreadPoolExecutor(1) as pool:
        follower = pool.submit(auth.source.token, instead_of=refused)
        assert waiting.wait(30)
        with attempt:
            attempt.token = refused
        assert follower.result(30).access_token != refused.access_token


def test_waiting_for_a_lock_ends_with_the_stores_time_out(sandbox, tmp_path):
    """The error names the holder; nobody was asked."""
    auth = client_of(sandbox, FileStore(tmp_path / "t.json", lock_timeout=0.2))

    with (
        FileStore(tmp_path / "t.json").lock(0),
        pytest.raises(LockTimeoutError, match="process"),
    ):
        auth.token()

    assert sandbox.sign_ons == 0


@pytest.mark.parametrize("kind", [AwayError, UnwritableError])
def test_a_store_that_could_save_no_token_asks_nobody(sandbox, kind):
    """Whoever shares it would find the same, and ask in turn."""

    class Unwritable(MemoryStore):
        def lock(self, timeout=None):
            raise kind("It takes nothing.")

    auth = client_of(sandbox, Unwritable())

    with pytest.raises(TokenStoreError, match="takes nothing"):
        auth.token()

    assert sandbox.sign_ons == 0


def test_threads_share_a_failure_over_a_store_that_keeps_none(sandbox):
    """Who waited for the one who was asked is not asked in turn."""
    waiting, asked, wait = threading.Semaphore(0), [], turns.Attempt.wait

    def noted(attempt, timeout):
        waiting.release()
        return wait(attempt, timeout)

    def sign_on(request):
        asked.append(request)
        for _ in range(3):
            assert waiting.acquire(timeout=30)
        raise AuthorizationDeniedError("No, thanks.", error="access_denied")

    auth = client_of(sandbox, Plain(), sign_on=sign_on)
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(4) as pool:
        patch.setattr(turns.Attempt, "wait", noted)
        calls = [pool.submit(auth.token) for _ in range(4)]
        errors = [call.exception(30) for call in calls]

    assert [type(error) for error in errors] == [AuthorizationDeniedError] * 4
    # That of the sign-on itself, and not of the pause that it begins.
    assert {str(error) for error in errors} == {"No, thanks."}
    assert len(asked) == 1


def test_waiting_for_a_thread_ends_with_the_stores_time_out(sandbox):
    """Also where the lock is another thread's of this process."""
    store = MemoryStore()
    store.lock_timeout = 0.2
    auth = client_of(sandbox, store)
    attempt, leads = auth.source._turns.get().join()
    assert leads

    with (
        ThreadPoolExecutor(1) as pool,
        pytest.raises(LockTimeoutError, match="thread"),
    ):
        pool.submit(auth.token).result()

    with attempt:
        pass
    assert auth.token()


class OddError(AuthorizationDeniedError):
    """An error of somebody else's making."""


@pytest.mark.parametrize("kind", [OddError, AuthorizationDeniedError])
def test_an_error_of_somebody_elses_making_comes_out_as_it_is(sandbox, tmp_path, kind):
    """What of it cannot be written down is not told to other processes."""
    odd = Person(sandbox, kind("no", error=object()))
    auth = client_of(sandbox, FileStore(tmp_path / "t.json"), sign_on=odd)

    with pytest.raises(kind) as caught:
        auth.token()

    assert type(caught.value.error) is object
    told = Failure.load(auth.source.store.failure(), "here").error
    assert (type(told), told.error) == (AuthorizationDeniedError, None)


def test_without_a_place_to_write_a_token_works_from_memory(sandbox, caplog):
    """A store that is only read is no trouble: nobody is warned of it."""
    auth = client_of(sandbox, ChainStore([EnvStore("UNSET")]))

    assert auth.token() is auth.token()
    assert sandbox.sign_ons == 1
    assert warnings_in(caplog) == []


@pytest.mark.parametrize("note", ["", "{}", '{"error": {"type": "KeyError"}}'])
def test_a_record_of_nothing_known_stops_nobody(sandbox, note):
    """What another version wrote there is not a failure of ours."""
    store = MemoryStore()
    auth = client_of(sandbox, store)
    question = auth.source._wallet.snapshot()
    store.record_failure(note)

    assert auth.source._renew(question)


def test_an_interrupted_sign_on_frees_everything(sandbox, tmp_path):
    """Ctrl-C leaves neither lock nor attempt behind; the next call works."""
    person = Person(sandbox, KeyboardInterrupt())
    auth = client_of(sandbox, FileStore(tmp_path / "t.json"), sign_on=person)

    with pytest.raises(KeyboardInterrupt):
        auth.token()

    assert auth.token()
    assert person.asked == 2


def test_an_early_attempt_without_a_token_lets_the_next_one_try(sandbox):
    """Those who found the token expired meanwhile do not get its nothing."""
    auth = client_of(sandbox)
    attempt, _ = auth.source._turns.get().join()
    waiting = watch_for_waiters(attempt)

    with ThreadPoolExecutor(1) as pool:
        follower = pool.submit(auth.token)
        assert waiting.wait(30)
        with attempt:
            auth.source.store.save(Token("a"))
        assert follower.result(30).access_token == "a"

    assert sandbox.sign_ons == 0


# -- on demand -------------------------------------------------------------------


def test_sign_on_asks_only_where_there_is_no_token(sandbox):
    """With ``force`` it asks in any case, also past a refresh token."""
    sandbox.refresh_tokens = True
    auth = client_of(sandbox)

    first = auth.sign_on()
    assert auth.sign_on() is first
    assert auth.sign_on(force=True) is not first
    assert auth.token() is not first
    assert sandbox.sign_ons == 2


def test_a_forced_sign_on_that_is_denied_stops_no_renewal(sandbox, clock):
    """It was not to replace the token, which is refreshed in its time."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    person = Person(sandbox, None, AuthorizationDeniedError("no"))
    auth = client_of(sandbox, clock=clock, sign_on=person)
    first = auth.token()
    with pytest.raises(AuthorizationDeniedError):
        auth.sign_on(force=True)

    clock.advance(3550)

    assert auth.token() is not first


def test_a_forced_sign_on_is_not_content_with_what_was_there(sandbox):
    """Also where it waited for a thread that found just that."""
    auth = client_of(sandbox)
    first = auth.token()
    attempt, _ = auth.source._turns.get().join()
    waiting = watch_for_waiters(attempt)

    with ThreadPoolExecutor(1) as pool:
        follower = pool.submit(auth.sign_on, force=True)
        assert waiting.wait(30)
        with attempt:
            attempt.token = first
        assert follower.result(30) != first


def test_a_sign_on_must_return_a_url(sandbox):
    """A callable that forgets its return is told so."""
    with pytest.raises(SignOnError, match="NoneType"):
        client_of(sandbox, sign_on=lambda request: None).token()


def test_a_sign_on_that_needs_its_own_token_is_told_so(sandbox):
    """It would wait for itself; and so would everybody else."""

    def sign_on(request):
        requests.get(sandbox.url("/open/v1/project"), auth=auth)

    auth = client_of(sandbox, sign_on=sign_on)

    with pytest.raises(SignOnError, match="without this auth"):
        auth.token()


def test_forget_drops_the_token_everywhere(sandbox, tmp_path):
    """From memory and from the file; the next call signs on."""
    store = FileStore(tmp_path / "t.json")
    auth = client_of(sandbox, ChainStore([EnvStore("UNSET"), store]))
    auth.token()

    auth.forget()

    assert store.load() is None
    auth.token()
    assert sandbox.sign_ons == 2


def test_forget_goes_on_behind_a_store_that_is_down(sandbox):
    """The error comes at the end."""
    down, kept = Faulty(Token("a")), MemoryStore(Token("b"))
    auth = client_of(sandbox, ChainStore([down, kept]))
    auth.token()
    down.blips = 1

    with pytest.raises(TokenStoreError, match="cannot be read"):
        auth.forget()

    assert kept.load() is None
    assert auth.source._wallet.current is None


def test_forget_forgets_what_was_read_meanwhile(sandbox):
    """Another thread asks for a token before the store has dropped it."""

    class Busy(MemoryStore):
        def delete(self):
            auth.token()
            super().delete()

    auth = client_of(sandbox, Busy())
    first = auth.token()

    auth.forget()

    assert auth.token() != first


def test_forget_forgets_what_no_store_has(sandbox):
    """It is nowhere else."""
    auth = client_of(sandbox, ChainStore([EnvStore("UNSET")]))
    first = auth.token()

    auth.forget()

    assert auth.token() != first


def test_a_sign_on_in_two_steps_waits_for_nobody_for_long(sandbox, tmp_path):
    """The code is good once: its token is saved with the lock or without."""
    store = FileStore(tmp_path / "t.json")
    auth = client_of(sandbox, store)
    request = auth.begin_sign_on()
    redirected_url = sandbox.sign_on(request)

    with FileStore(tmp_path / "t.json").lock(0):
        token = auth.complete_sign_on(request, redirected_url)

    assert store.load() == token


def test_an_auth_is_pickled_without_its_locks(sandbox, clock, tmp_path):
    """The copy reads the same file, by the same clock, and signs nobody on."""
    auth = client_of(sandbox, FileStore(tmp_path / "t.json"), clock=clock)
    first = auth.token()

    copy = pickle.loads(pickle.dumps(auth))

    assert copy.token() == first
    assert copy.source.clock.time() == clock.time()
    assert sandbox.sign_ons == 1
