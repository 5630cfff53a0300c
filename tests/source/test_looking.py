"""Is anybody signed on? Memory and the stores are looked at, and nothing else."""

from __future__ import annotations

import os
import threading

import pytest
from clients import Faulty, Person, Plain, client_of
from observing import warnings_in
from outages import folder_in_place_of

from requests_ticktick import (
    ChainStore,
    EnvStore,
    FileStore,
    MemoryStore,
    TickTickAuth,
    TickTickAuthError,
    Token,
    TokenStoreError,
    refuse,
)
from requests_ticktick.stores.redis import RedisStore

PROJECT = "/open/v1/project"


class Watched(Plain):
    """Counts what is done with it, and may fail."""

    error = None

    def __init__(self, token=None):
        super().__init__(token)
        self.done = []

    def load(self):
        self.done.append("load")
        if self.error is not None:
            raise self.error
        return super().load()

    def save(self, token):
        self.done.append("save")
        super().save(token)

    def lock(self, timeout=None):
        self.done.append("lock")
        return super().lock(timeout)

    def failure(self):
        self.done.append("failure")


@pytest.fixture
def nobody(sandbox):
    """An auth that asks nobody, over a watched store."""
    return client_of(sandbox, Watched(), sign_on=refuse)


# -- peek ----------------------------------------------------------------------


def test_peek_is_what_memory_has(sandbox):
    """Nothing before the first token; then that token, and no store is read."""
    auth = client_of(sandbox, Watched())
    assert auth.peek() is None
    assert auth.source.store.done == []

    token = auth.token()
    auth.source.store.done.clear()

    assert auth.peek() is token
    assert auth.source.store.done == []


def test_peek_goes_on_to_the_token_s_end(sandbox, clock):
    """In the leeway it can still be used; after its end it cannot."""
    auth = client_of(sandbox, clock=clock)
    token = auth.token()

    clock.advance(sandbox.expires_in - 1)
    assert auth.peek() == token
    clock.advance(1)
    assert auth.peek() is None
    assert sandbox.token_requests == 1


def test_peek_shows_a_token_that_a_program_has_passed():
    """It is in memory from the beginning."""
    assert TickTickAuth.from_token("tp_1").peek() == Token("tp_1")


def test_peek_shows_no_token_of_another_client(sandbox):
    """A memory store may be shared as any other."""
    store = MemoryStore()
    client_of(sandbox, store).token()

    other = TickTickAuth("other", "secret", store=store, service=sandbox.service)

    assert other.peek() is None


def test_peek_shows_no_token_that_the_api_has_refused(sandbox, session, auth):
    """There is no other one, and nobody to ask."""
    nobody = client_of(sandbox, MemoryStore(auth.token()), sign_on=refuse)
    session.auth = nobody
    sandbox.revoke_all()

    assert nobody.peek() is not None
    assert session.get(sandbox.url(PROJECT)).status_code == 401
    assert nobody.peek() is None


def test_peek_shows_a_token_that_could_not_be_saved(sandbox, caplog):
    """Another auth over the same store object has it in memory as well."""
    store = Faulty()
    store.full = True
    token = client_of(sandbox, store).token()

    assert client_of(sandbox, store, sign_on=refuse).peek() == token
    assert len(warnings_in(caplog)) == 1


def test_peek_raises_nothing(sandbox):
    """Whatever a memory of one's own does."""

    class Broken(MemoryStore):
        def load(self):
            raise KeyError("broken")

    assert client_of(sandbox, Broken()).peek() is None


def test_peek_waits_for_nobody(sandbox):
    """While a person is being asked, in another thread."""
    asked, peeked = threading.Event(), threading.Event()

    def person(request):
        asked.set()
        assert peeked.wait(60)
        return sandbox.sign_on(request)

    auth = client_of(sandbox, sign_on=person)
    thread = threading.Thread(target=auth.token)
    thread.start()
    assert asked.wait(60)

    assert (auth.peek(), auth.find()) == (None, None)
    peeked.set()
    thread.join(60)
    assert auth.peek() is not None


# -- find ----------------------------------------------------------------------


def test_find_reads_the_store_once_and_does_nothing_else(nobody):
    """No lock, no save, no look for failures, whether there is a token or not."""
    assert nobody.find() is None
    assert nobody.source.store.done == ["load"]

    nobody.source.store.token = Token("a-token")
    assert nobody.find() == Token("a-token")
    assert nobody.source.store.done == ["load", "load"]


def test_what_was_found_is_in_memory(nobody):
    """The next request reads no store."""
    nobody.source.store.token = Token("a-token")
    found = nobody.find()
    nobody.source.store.done.clear()

    assert nobody.peek() is found
    assert nobody.token() is found
    assert nobody.source.store.done == []


def test_find_asks_nobody_and_renews_nothing(sandbox, clock):
    """Neither a person nor the service, whatever the token's age."""
    sandbox.refresh_tokens = True
    person = Person(sandbox)
    auth = client_of(sandbox, sign_on=person, clock=clock)
    assert auth.find() is None

    token = auth.token()
    clock.advance(sandbox.expires_in - 30)
    assert auth.find() == token
    clock.advance(30)
    assert auth.find() is None
    assert (person.asked, sandbox.token_requests) == (1, 1)


@pytest.mark.parametrize("first", ["expiring", "fresh"])
def test_find_prefers_what_a_request_would_use(sandbox, clock, first):
    """A token in its last minute is found if there is no other."""
    now = clock.time()
    tokens = [Token("expiring", expires_at=now + 30), Token("fresh")]
    if first == "fresh":
        tokens.reverse()
    store = ChainStore(map(MemoryStore, tokens))
    auth = client_of(sandbox, store, sign_on=refuse, clock=clock)

    assert auth.find().access_token == "fresh"
    assert auth.token().access_token == "fresh"


def test_find_passes_over_what_cannot_be_used(sandbox, clock):
    """Another client's, one that has expired, one with fewer scopes."""
    other = client_of(sandbox, scope="tasks:read").token()
    expired = Token("expired", expires_at=clock.time())
    store = ChainStore([MemoryStore(other), MemoryStore(expired)])

    assert client_of(sandbox, store, sign_on=refuse, clock=clock).find() is None


def test_find_does_not_find_what_the_api_has_refused(sandbox, session):
    """The web application shows the link again."""
    store = MemoryStore(client_of(sandbox).token())
    session.auth = client_of(sandbox, store, sign_on=refuse)
    assert session.auth.find() is not None

    sandbox.revoke_all()
    session.get(sandbox.url(PROJECT))

    assert session.auth.find() is None


def test_find_sees_what_other_processes_have_done(sandbox, tmp_path):
    """Signed on, on a newer token, and signed off again."""
    worker, web = (
        client_of(sandbox, FileStore(tmp_path / "t.json"), sign_on=sign_on)
        for sign_on in (refuse, sandbox.sign_on)
    )
    assert worker.find() is None

    for _ in range(2):
        token = web.sign_on(ask=True)
        assert worker.find() == token
    web.forget()

    assert worker.find() is None
    assert worker.peek() == token  # as memory still has it


def test_find_finds_what_could_not_be_saved(sandbox, caplog):
    """The store has nothing, and memory has what counts."""
    store = Faulty()
    store.full = True
    auth = client_of(sandbox, store)
    token = auth.token()

    assert store.load() is None
    assert auth.find() == token
    assert warnings_in(caplog)


def test_find_looks_into_variables(sandbox, monkeypatch):
    """A token there counts, as for requests."""
    auth = client_of(sandbox, EnvStore("A_TOKEN"), sign_on=refuse)
    assert auth.find() is None

    monkeypatch.setenv("A_TOKEN", "from-env")

    assert auth.find().access_token == "from-env"


# -- find, when a store fails ----------------------------------------------------


def test_a_store_that_cannot_be_read_is_no_miss(sandbox, tmp_path):
    """A person who is signed on must not be told to sign on again."""
    path = tmp_path / "t.json"
    client_of(sandbox, FileStore(path)).token()

    with folder_in_place_of(path):
        with pytest.raises(TokenStoreError) as caught:
            client_of(sandbox, FileStore(path), sign_on=refuse).find()
        assert caught.value.location == str(path)
    assert client_of(sandbox, FileStore(path), sign_on=refuse).find() is not None


def test_memory_does_while_the_store_cannot_be_read(nobody, clock):
    """As it does for requests, to the token's end."""
    nobody.source.clock = clock
    nobody.source.store.token = Token("a", expires_at=clock.time() + 3600)
    found = nobody.find()
    nobody.source.store.error = TokenStoreError("It is away.")

    assert nobody.find() == found
    clock.advance(3600)
    with pytest.raises(TokenStoreError, match="It is away"):
        nobody.find()


@pytest.mark.parametrize("expires_in", [30, 3600])
def test_another_store_s_token_does_while_one_cannot_be_read(
    sandbox, clock, expires_in
):
    """In the leeway or before."""
    broken, token = Watched(), Token("a", expires_at=clock.time() + expires_in)
    broken.error = TokenStoreError("It is away.")
    store = ChainStore([broken, MemoryStore(token)])

    assert client_of(sandbox, store, sign_on=refuse, clock=clock).find() == token


def test_who_is_signed_on_stays_so_while_redis_is_away(sandbox, start_redis):
    """A worker that knows says so, and one that does not is no reason for a link."""
    server = start_redis()
    store = RedisStore(server.client())
    knows = client_of(sandbox, store)
    token = knows.token()

    with server.away():
        assert knows.find() == token
        with pytest.raises(TokenStoreError):
            client_of(sandbox, store, sign_on=refuse).find()
    new = RedisStore(server.client())
    assert client_of(sandbox, new, sign_on=refuse).find() == token


def test_what_a_store_of_ones_own_raises_becomes_our_error(nobody):
    """As for every other call."""
    nobody.source.store.error = KeyError("broken")

    with pytest.raises(TickTickAuthError, match="KeyError") as caught:
        nobody.find()
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_file_is_read_without_its_lock(sandbox, tmp_path):
    """Not even tried: a process that is stopped may hold it for hours."""
    store = FileStore(tmp_path / "t.json")
    token = client_of(sandbox, store).token()
    before = sorted(os.listdir(tmp_path))

    with store.lock():
        auth = client_of(sandbox, FileStore(store.path), sign_on=refuse)
        assert auth.find() == token

    assert sorted(os.listdir(tmp_path)) == before


def test_without_a_place_there_is_no_token(sandbox, monkeypatch):
    """It is a miss, as for requests: a person may still sign on."""
    monkeypatch.setenv("TICKTICK_TOKEN_FILE", "relative.json")

    assert client_of(sandbox, FileStore(), sign_on=refuse).find() is None
