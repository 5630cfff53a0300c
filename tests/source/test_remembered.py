"""What a long-lived process remembers has an end; what it promises has none."""

from __future__ import annotations

import gc
import logging
import weakref

import pytest
import requests
from clients import Faulty, Person, client_of
from leaks import texts_kept_by
from processes import run_in_a_fork
from steady import Rotating, ours_alive, renew

from requests_ticktick import (
    ChainStore,
    EnvStore,
    FileStore,
    MemoryStore,
    TickTickAuth,
    Token,
)
from requests_ticktick._source import used, write_behind
from requests_ticktick._value import Once, PerProcess, Recent
from requests_ticktick.vault import TokenVault


@pytest.fixture
def remembers_little(monkeypatch):
    """As after a thousand renewals and refusals."""
    monkeypatch.setattr(used, "LIMIT", 4)
    monkeypatch.setattr(Recent, "limit", 4)


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_fifty_renewals_leave_what_ten_do(remembers_little, clock, tmp_path, kind):
    """Neither their tokens, refused or used, nor an object of ours."""
    store = MemoryStore() if kind == "memory" else FileStore(tmp_path / "t.json")
    with Rotating() as endpoint:
        auth = endpoint.auth(store, clock)
        renew(auth, clock, 40)
        texts, objects = len(texts_kept_by(auth)), ours_alive()

        renew(auth, clock, 50)

        assert (endpoint.issued, endpoint.misused) == (91, 0)
    assert len(texts_kept_by(auth)) == texts
    assert ours_alive() == objects


def test_used_refresh_tokens_take_four_bytes_each_and_have_a_limit():
    """Those of the last thousand renewals."""
    tokens = [Token("a", refresh_token=f"r-{number}") for number in range(1100)]
    spent = used.UsedTokens()

    for token in tokens:
        assert not spent.has(token)
        spent.add(used.fingerprint_of(token.refresh_token))

    assert len(spent) == used.LIMIT == 1000
    assert all(spent.has(token) for token in tokens[-1000:])
    assert not any(spent.has(token) for token in tokens[:100])


def test_a_refresh_token_that_is_handed_back_is_never_used_again(
    remembers_little, sandbox, clock, monkeypatch
):
    """However many have been used since: its store is read at each renewal."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    first = client_of(sandbox, clock=clock).token()
    monkeypatch.setenv("A_TOKEN", repr(first.to_dict()))
    person, memory = Person(sandbox), MemoryStore()
    store = ChainStore([EnvStore("A_TOKEN"), memory])
    auth = client_of(sandbox, store, clock=clock, sign_on=person)
    for _ in range(10):
        clock.advance(3600)
        auth.token()

    memory.delete()
    clock.advance(3600)
    auth.token()

    assert sandbox.reuse_detected == 0
    assert person.asked == 1


def test_a_refused_token_that_is_handed_back_is_never_used_again(
    remembers_little, sandbox, monkeypatch
):
    """However many were refused since: its store is read each time."""
    monkeypatch.setenv("A_TOKEN", "a-refused-token")
    person = Person(sandbox)
    store = ChainStore([EnvStore("A_TOKEN"), MemoryStore()])
    auth = client_of(sandbox, store, sign_on=person)
    token = auth.token()
    for _ in range(10):
        token = auth.source.token(instead_of=token)
        assert token.access_token != "a-refused-token"

    assert person.asked == 10
    assert "a-refused-token" in texts_kept_by(auth.source)


def test_warnings_that_all_differ_are_forgotten_in_turn(remembers_little, caplog):
    """An outage may last, and may tell of each second of it."""
    once = Once()

    for number in range(100):
        once.warn("It never changes.")
        once.warn(f"{number} s")

    assert caplog.text.count("It never changes.") == 1
    assert len(texts_kept_by(once)) == 4


def test_what_many_threads_note_has_the_limit_as_well():
    recent = Recent[int, bool]()

    recent.note(1, True)
    del recent[1]

    assert recent.recall(1) is None
    assert list(recent) == []


def test_calls_to_many_hosts_are_warned_of_and_forgotten(remembers_little, caplog):
    """A program may crawl all of TickTick's."""
    auth = TickTickAuth(store=MemoryStore(Token("a")))
    request = requests.Request("GET", "https://ticktick.com/").prepare()
    urls = [f"https://h{number}.ticktick.com/" for number in range(50)]

    for request.url in [*urls, urls[-1]]:
        auth(request)

    assert caplog.text.count("No token was sent") == 50
    assert len([t for t in texts_kept_by(auth) if t.endswith(".ticktick.com")]) <= 8


def test_auths_that_are_dropped_leave_nothing(tmp_path):
    """A program may make one for each call."""

    def use(number):
        path = tmp_path / f"{number % 10}.json"
        for store in (MemoryStore(Token("a")), FileStore(path), None):
            auth = TickTickAuth("id", "secret", store=store)
            if store is not None:
                store.save(Token("a"))
                auth(requests.Request("GET", "https://api.ticktick.com/").prepare())

    use(0)
    before, known = ours_alive(), len(write_behind.known)

    for number in range(200):
        use(number)

    assert ours_alive() == before
    assert len(write_behind.known) == known


def test_people_whom_a_program_is_done_with_leave_nothing(tmp_path):
    """A vault has a store for whoever it is at work for."""
    vault = TokenVault.files(tmp_path, client_id="id", client_secret="secret")
    vault["somebody"].save(Token("a"))
    vault.auth("somebody").token()
    before, known = ours_alive(), len(write_behind.known)

    for number in range(200):
        vault[f"user-{number}"].save(Token("a"))
        vault.auth(f"user-{number}").token()

    assert ours_alive() == before
    assert len(write_behind.known) == known


def test_a_deleted_person_is_forgotten_though_the_token_was_never_saved(sandbox):
    """Their store was kept for the sake of that token."""
    stores = weakref.WeakValueDictionary()

    def made(name):
        store = stores[name] = Faulty()
        store.full = True
        return store

    vault = TokenVault(
        made,
        client_id=sandbox.client_id,
        client_secret=sandbox.client_secret,
        service=sandbox.service,
        redirect_uri=sandbox.redirect_uri,
        sign_on=sandbox.sign_on,
    )
    vault.auth("user").token()
    gc.collect()
    assert len(stores) == 1

    del vault["user"]

    gc.collect()
    assert len(stores) == 0


class Thing:
    """Something that each process has one of."""


def test_a_forked_process_forgets_its_parents_part():
    """A daemon may go on in a child, and in a child of that."""
    per_process = PerProcess(Thing)
    ours = weakref.ref(per_process.get())
    assert per_process.get() is ours()

    assert run_in_a_fork(lambda: [per_process.get() is not None, ours() is None]) == [
        True,
        True,
    ]


def test_whoever_listens_later_is_told_of_a_token_that_nobody_heard_of(sandbox):
    """There was no listener, the log was not wanted, and nothing is remembered."""
    logger, store = logging.getLogger("requests_ticktick"), MemoryStore()
    store.save(Token(sandbox.issue_token("a")))
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        client_of(sandbox, store).token()
    finally:
        logger.setLevel(before)

    told = []
    client_of(sandbox, store, on_event=told.append).token()
    assert [event.kind for event in told] == ["found"]
