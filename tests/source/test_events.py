"""What a program is told of its token, and what the log says of it."""

from __future__ import annotations

import copy
import logging
import multiprocessing
import os
import pickle

import pytest
import requests
from clients import Faulty, Person, client_of
from processes import start
from told import Told, lines_of

import requests_ticktick
from requests_ticktick import (
    AuthorizationDeniedError,
    ChainStore,
    EnvStore,
    Event,
    FileStore,
    MemoryStore,
    TickTickAuth,
    Token,
    refuse,
)
from requests_ticktick.vault import TokenVault

#: What a pickled callback has told.
told_here: list[Event] = []


def tell_here(event):
    told_here.append(event)


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path / "t.json")


# -- the kinds ---------------------------------------------------------------------


def test_a_sign_on_and_its_save(sandbox, store, told):
    """With the place, the fingerprint, the end and how long it took."""
    token = client_of(sandbox, store, on_event=told).token()

    signed_on, saved = told
    assert (signed_on.kind, saved.kind) == ("signed_on", "saved")
    for event in told:
        assert event.fingerprint == token.fingerprint
        assert event.place == store.path
        assert event.expires_at == token.expires_at
        assert event.seconds >= 0
        assert event.reason is None


def test_a_token_of_a_store_is_found_once(sandbox, store, told):
    """However often it is asked for."""
    token = client_of(sandbox, store).token()
    auth = client_of(sandbox, store, on_event=told)
    for _ in range(3):
        auth.token()

    (event,) = told
    assert (event.kind, event.fingerprint) == ("found", token.fingerprint)
    assert event.place == store.path


def test_a_token_that_is_only_looked_for_is_found_as_well(sandbox, store, told):
    """By ``find()``; the next request does not tell of it again."""
    token = client_of(sandbox, store).token()
    auth = client_of(sandbox, store, on_event=told)
    assert auth.find() == auth.token() == token

    assert [(event.kind, event.fingerprint) for event in told] == [
        ("found", token.fingerprint)
    ]


@pytest.mark.parametrize("behind", [1, 2])
def test_the_place_is_the_one_of_several_that_has_it(store, told, behind, monkeypatch):
    """Also where nobody reads those behind it."""
    monkeypatch.setenv("MY_TOKEN", "0123456789abcdefghij")
    others = [FileStore(f"{store.path}{number}") for number in range(2)]
    chain = ChainStore([*others[:behind], EnvStore("MY_TOKEN"), *others[behind:]])

    TickTickAuth(store=chain, on_event=told).token()

    assert [event.place for event in told] == ["$MY_TOKEN"]


def test_many_tokens_of_a_chain_do_not_pile_up(told):
    """A process that runs for years sees many."""
    inner = MemoryStore()
    chain = ChainStore([EnvStore("NOT_SET"), inner])
    auth = TickTickAuth(store=chain, on_event=told, sign_on=refuse)
    for number in range(100):
        inner.save(Token(f"token-{number}"))
        old = auth.token()
        auth.source.store.save(Token(f"token-{number}-next"))
        auth.source.token(instead_of=old)

    assert chain.origin_of(Token("token-0")) is None
    assert chain.origin_of(Token("token-99-next")) is inner


def test_a_renewal(sandbox, store, told, clock):
    """By a refresh token: nobody was asked."""
    sandbox.refresh_tokens = True
    auth = client_of(sandbox, store, clock=clock)
    auth.token()
    other = client_of(sandbox, store, clock=clock, on_event=told)
    clock.advance(400 * 86_400)
    token = other.token()

    assert told.kinds == ["renewed", "saved"]
    assert told[0].fingerprint == token.fingerprint


def test_a_siblings_token_is_reused(sandbox, store, told, clock):
    """It is found where this process had another one before."""
    auth = client_of(sandbox, store, clock=clock, on_event=told)
    auth.token()
    clock.advance(400 * 86_400)
    told.clear()

    token = client_of(sandbox, store, clock=clock).token()
    assert auth.token() == token

    assert told.kinds == ["reused"]
    assert told[0].fingerprint == token.fingerprint


def test_a_token_that_the_api_refused(sandbox, store, told):
    """Once, although two calls were refused; then a sibling's, or a new one."""
    auth = client_of(sandbox, store, on_event=told)
    refused = auth.token()
    sandbox.revoke_all()
    told.clear()
    with requests.Session() as session:
        session.auth = auth
        response = session.get(sandbox.url("/open/v1/project"))
    auth.source.token(instead_of=refused)

    assert response.status_code == 200
    assert told.kinds == ["refused", "signed_on", "saved"]
    assert told[0].fingerprint == refused.fingerprint


def test_a_token_that_is_refused_as_soon_as_it_is_granted(sandbox, store, told):
    """The second 401 is told of as well; a third one, to the same token, is not."""
    auth = client_of(sandbox, store, on_event=told)
    auth.token()
    with requests.Session() as session:
        session.auth = auth
        sandbox.fail(2, endpoint="api", status=401)
        session.get(sandbox.url("/open/v1/project"))

        refused = session.auth.peek()
        auth.source.refused_at_once(auth.source.store.load())

    assert refused is None
    assert told.kinds[2:] == ["refused", "signed_on", "saved", "refused"]


def test_a_sign_on_that_failed(sandbox, store, told):
    """Once: the pause after it repeats the error, and tells nothing."""
    person = Person(sandbox, AuthorizationDeniedError("No, thanks."))
    auth = client_of(sandbox, store, sign_on=person, on_event=told)
    for _ in range(3):
        with pytest.raises(AuthorizationDeniedError):
            auth.token()

    (event,) = told
    assert event.kind == "failed"
    assert event.reason == "AuthorizationDeniedError: No, thanks."
    assert event.seconds >= 0


def test_a_renewal_that_failed_early(sandbox, store, told, clock):
    """The caller gets the token that still works, and the program is told."""
    auth = client_of(sandbox, store, sign_on=refuse, clock=clock, on_event=told)
    now = clock.time()
    store.save(Token("0123456789abcdef", expires_at=now + 30, issued_at=now - 3600))

    assert auth.token().access_token == "0123456789abcdef"

    assert told.kinds == ["found", "failed"]


def test_a_code_that_is_no_good(sandbox, store, told):
    """The second step of a sign-on in two tells as well."""
    auth = client_of(sandbox, store, on_event=told)
    request = auth.begin_sign_on()
    url = sandbox.sign_on(request)
    auth.complete_sign_on(request, url)
    with pytest.raises(requests_ticktick.TickTickAuthError):
        auth.complete_sign_on(request, url)

    assert told.kinds == ["signed_on", "saved", "failed"]


def test_a_token_saved_late(sandbox, told, clock):
    """The reason says where it was until then."""
    store = Faulty()
    store.full = True
    auth = client_of(sandbox, store, clock=clock, on_event=told)
    auth.token()
    assert told.kinds == ["signed_on"]
    store.full = False
    clock.advance(61)
    auth.token()

    assert told.kinds == ["signed_on", "saved"]
    assert told[-1].reason == "it was used from memory until now"


# -- a callback that fails ---------------------------------------------------------


def test_a_callback_that_raises_is_logged_once(sandbox, store, caplog):
    """Nothing is lost: neither the token, nor the next events."""
    caplog.set_level(logging.INFO)
    kinds = []

    def on_event(event):
        kinds.append(event.kind)
        raise ValueError("a bug in the program")

    auth = client_of(sandbox, store, on_event=on_event)
    token = auth.token()
    client_of(sandbox, store, on_event=on_event).sign_on(force=True)

    assert kinds == ["signed_on", "saved"] * 2
    assert store.load() != token
    (warning,) = lines_of(caplog, logging.WARNING)
    assert warning.startswith("on_event raised ValueError at an event of the kind")
    assert "a bug in the program" in caplog.text  # its traceback
    assert "Signed on" in caplog.text


def test_ctrl_c_in_a_callback_is_not_swallowed(sandbox, store, told):
    """The token is kept, and what was not told is told later."""

    def on_event(event):
        told(event)
        if len(told) == 1:
            raise KeyboardInterrupt

    auth = client_of(sandbox, store, on_event=on_event)
    with pytest.raises(KeyboardInterrupt):
        auth.token()
    token = auth.sign_on(force=True)

    assert told.kinds == ["signed_on", "saved"] * 2
    assert store.load() == token


@pytest.mark.parametrize("wrong", ["print", 1, True, []])
def test_what_cannot_be_called_is_an_error_at_once(wrong):
    """Not at the first event, months later."""
    with pytest.raises(TypeError, match="on_event must take an Event"):
        TickTickAuth(on_event=wrong)


# -- copies, pickles, processes, people --------------------------------------------


class Unhashable(Told):
    """A list has no hash."""


def test_a_callback_without_a_hash_will_do(sandbox, store):
    """Lists have none."""
    told = Unhashable()
    client_of(sandbox, store, on_event=told).token()

    assert told.kinds == ["signed_on", "saved"]


def test_a_copy_tells_the_same_program(sandbox, store, told):
    """Not a copy of it, whose counter nobody reads."""
    auth = client_of(sandbox, store, on_event=told)
    for each in (copy.copy(auth), copy.deepcopy(auth)):
        told.clear()
        each.sign_on(force=True)

        assert told.kinds == ["signed_on", "saved"]


def test_a_pickle_names_the_callback(store):
    """As it names the sign-on: a function that the other process can import."""
    store.save(Token("0123456789abcdefghij"))
    auth = TickTickAuth(store=store, sign_on=refuse, on_event=tell_here)
    told_here.clear()

    pickle.loads(pickle.dumps(auth)).token()

    assert [event.kind for event in told_here] == ["found"]


def test_a_callback_that_cannot_be_pickled_is_named(store):
    """Its events would be lost in the other process, without a word."""
    auth = TickTickAuth(store=store, sign_on=refuse, on_event=lambda event: None)

    with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
        pickle.dumps(auth)


@pytest.mark.skipif(os.name != "posix", reason="forks")
def test_a_forked_process_tells_its_own_callback(sandbox, store, told):
    """Its copy of it, as with all else in its memory."""
    auth = client_of(sandbox, store, on_event=told)
    auth.token()
    told.clear()

    def run(pipe):
        auth.sign_on(force=True)
        pipe.send(told.kinds)

    process, _, theirs = start(multiprocessing.get_context("fork"), run)
    process.join()

    assert theirs == ["signed_on", "saved"]
    assert told == []


def test_a_vault_tells_of_each_person(sandbox, tmp_path, told):
    """By the place of their token."""
    vault = TokenVault.files(
        tmp_path,
        client_id=sandbox.client_id,
        client_secret=sandbox.client_secret,
        redirect_uri=sandbox.redirect_uri,
        service=sandbox.service,
        on_event=told,
    )
    for key in ("ann", "bob"):
        request = vault.begin_sign_on(key)
        vault.complete_sign_on(key, sandbox.sign_on(request))

    assert told.kinds == ["signed_on", "saved"] * 2
    assert [event.place for event in told[1::2]] == [
        vault["ann"].path,
        vault["bob"].path,
    ]


# -- the value, and the log --------------------------------------------------------


def test_an_event_is_a_frozen_value():
    """It can be compared, kept and pickled, and shows what it has."""
    event = Event("found", "01234567", place="$T", seconds=0.0)

    assert event == Event(kind="found", fingerprint="01234567", place="$T", seconds=0.0)
    assert (
        repr(event) == "Event('found', fingerprint='01234567', place='$T', seconds=0.0)"
    )
    assert pickle.loads(pickle.dumps(event)) == event
    with pytest.raises(AttributeError):
        event.kind = "saved"


def test_the_log_tells_without_a_callback(sandbox, store, caplog):
    """A sign-on and a save, at the level INFO; and nothing for each request."""
    caplog.set_level(logging.INFO)
    auth = client_of(sandbox, store)
    token = auth.token()
    client_of(sandbox, store).token()
    before = lines_of(caplog)
    for _ in range(3):
        auth.token()

    signed_on, saved = lines_of(caplog)
    assert lines_of(caplog) == before
    assert signed_on.startswith(f"Signed on: the token {token.fingerprint} is valid")
    assert saved == f"Saved the token {token.fingerprint} in {store.path}."


def test_a_fresh_token_in_memory_tells_nothing(sandbox, store, monkeypatch):
    """The hot path does not even look whether there is something to tell."""
    auth = client_of(sandbox, store, on_event=lambda event: None)
    auth.token()

    def never(*args):
        raise AssertionError("it was looked at")

    monkeypatch.setattr("requests_ticktick._source.told_afterwards", never)
    assert auth.token()
