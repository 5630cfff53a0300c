"""One token in a real Redis, for many machines, whatever becomes of it."""

from __future__ import annotations

import contextlib
import json

import pytest
from observing import until, warnings_in
from redis_keys import CORRUPT, FAILURE, KEY, told_by
from redis_server import (
    Interrupted,
    OutageClock,
)

from requests_ticktick import (
    Token,
    TokenStoreError,
)
from requests_ticktick._stamp import Stamp
from requests_ticktick.stores import _redis_value
from requests_ticktick.stores.redis import RedisStore
from requests_ticktick.testing import TokenStoreContract

DAY = 24 * 3600


@pytest.fixture
def store(client):
    return RedisStore(client)


# -- the contract --------------------------------------------------------------


class TestRedisStore(TokenStoreContract):
    @pytest.fixture
    def lock_ttl(self, request):
        """One test waits until it is over; the others must not see it end."""
        return 6.0 if "of_a_process_that_dies" in request.node.name else 30.0

    @pytest.fixture(params=[False, True], ids=["bytes", "text"])
    def store(self, server, request, lock_ttl):
        client = server.client(decode_responses=request.param)
        return RedisStore(client, lock_ttl=lock_ttl)

    @pytest.fixture(autouse=True)
    def raw(self, server, monkeypatch):
        self.server, self.raw = server, server.client()
        self.clock = OutageClock(monkeypatch)

    def corrupt(self, store):
        self.raw.set(KEY, b'{"access_token": "half\xff')

    @contextlib.contextmanager
    def outage(self, store):
        with self.server.away():
            yield
        self.clock.now += 60.0  # a store leaves it alone for a moment


class TestRedisStoreThatGoesOn(TestRedisStore):
    @pytest.fixture
    def store(self, client, lock_ttl):
        return RedisStore(client, lock_ttl=lock_ttl, when_down="memory")

    def test_an_outage_is_an_error(self, store):
        """By whatever would be lost; what Redis had can be read."""
        store.save(self.token)

        with self.outage(store):
            assert store.load() == self.token.replace(refresh_token=None)
            for act in (lambda: store.save(self.token), store.delete):
                with pytest.raises(TokenStoreError):
                    act()
            assert store.version() is not None


# -- the value -----------------------------------------------------------------


def test_the_value_is_plain_json_with_all_its_keys(store, client):
    """A key that another program put there survives our renewal."""
    client.set(KEY, '{"access_token": "a", "note": "mine", "expire_time": 5}')

    store.save(Token("b", expires_at=2e9))

    fields = json.loads(client.get(KEY))
    assert fields["access_token"] == "b"
    assert fields["note"] == "mine"
    assert fields["expire_time"] == 2_000_000_000


@pytest.mark.parametrize(
    ("token", "expires_at"),
    [
        pytest.param(
            Token("a", expires_at=2e9 + 0.0005), 2_000_000_000_001, id="known"
        ),
        pytest.param(Token("a"), -1, id="never, where it is unknown"),
        pytest.param(
            Token("a", expires_at=2e9, refresh_token="r"), -1, id="not renewable ones"
        ),
        pytest.param(Token("a", expires_at=1e300), 100_000_000_000_000, id="far away"),
    ],
)
def test_the_value_expires_with_its_token(store, client, token, expires_at):
    """Where there is a refresh token, it is kept beyond that."""
    store.save(Token("before", expires_at=3e9))

    store.save(token)

    assert client.execute_command("PEXPIRETIME", KEY) == expires_at


@pytest.mark.parametrize("expires_at", [-1e300, -5.0, 0.0, 5.0])
def test_waiting_processes_get_a_token_that_expired_on_arrival(
    store, client, expires_at
):
    """It answers them; a second later it is gone."""

    def is_there():
        store.save(Token("a", expires_at=expires_at))
        return 0 < client.pttl(KEY) <= 1000

    until(is_there)
    until(lambda: store.load() is None)


def test_a_late_result_does_not_overwrite_a_newer_one(store, caplog):
    """What was issued later stays, and nothing is raised."""
    store.save(Token("newer", issued_at=200.0))

    store.save(Token("late", issued_at=100.0))

    assert store.load().access_token == "newer"
    assert warnings_in(caplog) == [
        f"{KEY} keeps its token, which was issued after the one to be saved."
    ]


@pytest.mark.parametrize(
    ("before", "after"), [(None, 100.0), (200.0, None), (5.0, 5.0)]
)
def test_a_token_of_unknown_age_is_never_late(store, before, after):
    """Where nobody can tell, the last one wins."""
    store.save(Token("before", issued_at=before))

    store.save(Token("after", issued_at=after))

    assert store.load().access_token == "after"


def test_the_holder_of_the_lock_is_never_late(store):
    """Its clock may have been set back; no token would ever be kept again."""
    store.save(Token("before", issued_at=7200.0))

    with store.lock(0):
        store.save(Token("after", issued_at=3600.0))

    assert store.load().access_token == "after"
    store.save(Token("unlocked", issued_at=1800.0))
    assert store.load().access_token == "after"


def test_a_save_that_comes_first_in_the_last_moment_stays(server, store):
    """Nobody comes between the look at what is there and the write."""
    client = server.client(kind=Interrupted)
    client.others = [lambda: store.save(Token("newer", issued_at=200.0))]

    RedisStore(client).save(Token("late", issued_at=100.0))

    assert store.load().access_token == "newer"
    assert client.others == []


def test_another_clients_token_that_arrives_last_is_not_overwritten(server, store):
    """Whose it is, is looked at again, too."""
    theirs = Stamp("you", "https://as.test/t", "tasks:read").put_on(Token("theirs"))
    mine = Stamp("me", "https://as.test/t", "tasks:read").put_on(Token("mine"))
    client = server.client(kind=Interrupted)
    client.others = [lambda: store.save(theirs)]

    with pytest.raises(TokenStoreError, match="another client") as caught:
        RedisStore(client).save(mine)

    assert caught.value.location == KEY
    assert store.load() == theirs


def test_another_clients_token_is_in_no_variable_of_the_error(store, secrets):
    """Neither theirs, as it was read, nor ours."""
    secrets.add("hunter2", "pa55word")
    store.save(Stamp("you", "https://as.test/t", None).put_on(Token("hunter2")))

    with pytest.raises(TokenStoreError) as caught:
        store.save(Stamp("me", "https://as.test/t", None).put_on(Token("pa55word")))

    assert secrets.shown_in(told_by(caught.value)) == []


def test_a_write_that_always_loses_ends(server, store, monkeypatch):
    """Every wait has an end, also among many writers."""
    monkeypatch.setattr(_redis_value, "MAX_TRIES", 3)
    client = server.client(kind=Interrupted)
    client.others = [
        lambda n=n: store.save(Token(f"other-{n}", issued_at=0.0)) for n in range(3)
    ]

    with pytest.raises(TokenStoreError, match="all the time"):
        RedisStore(client).save(Token("a", issued_at=1.0))


def test_what_json_cannot_hold_is_an_error(store):
    """It says where to look; the token before it stays."""
    store.save(Token("a"))

    with pytest.raises(TokenStoreError, match="plain data"):
        store.save(Token("b", extra={"x": object()}))

    assert store.load() == Token("a")


BOMB = b'{"a":' * 100_000


in_both_forms = pytest.mark.parametrize("text", [False, True], ids=["bytes", "text"])


@in_both_forms
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="one brace"),
        pytest.param(b'{"access_token": "hunter2', id="cut off"),
        pytest.param(b'{"access_token": "hunter2\xc3', id="cut off in a letter"),
    ],
)
def test_a_torn_value_is_set_aside_by_the_next_save(
    server, client, caplog, secrets, content, text
):
    """Nothing crashes, nothing is lost, a load moves nothing; one warning."""
    secrets.add("hunter2")
    client.set(KEY, content)
    store = RedisStore(server.client(decode_responses=text))

    assert store.version() is not None
    assert store.load() is None
    assert store.load() is None

    assert (client.get(KEY), client.get(CORRUPT)) == (content, None)
    store.save(Token("new"))
    (warning,) = warnings_in(caplog)
    assert f"set aside as {CORRUPT}" in warning
    assert client.get(CORRUPT) == content
    assert 29 * DAY < client.ttl(CORRUPT) <= 30 * DAY
    assert store.load() == Token("new")
    store.delete()
    assert client.keys(f"{KEY}*") == []


@in_both_forms
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"{}", id="no token"),
        pytest.param(b'{"installed": {"secret": "hunter2"}}', id="a client's"),
        pytest.param(b"name: hunter2", id="YAML"),
        pytest.param(b"\x00\xff\xfe" * 50, id="binary"),
        pytest.param(BOMB, id="deeply nested"),
    ],
)
def test_another_programs_value_stays(server, client, secrets, content, text):
    """It may be needed under that key: nothing replaces it."""
    secrets.add("hunter2")
    client.set(KEY, content)
    store = RedisStore(server.client(decode_responses=text))

    for call in (store.load, lambda: store.save(Token("new"))):
        with pytest.raises(TokenStoreError, match=f"{KEY} holds ") as caught:
            call()
        assert "hunter2" not in told_by(caught.value)

    assert client.keys(f"{KEY}*") == [KEY.encode()]
    assert client.get(KEY) == content


def test_a_good_value_is_not_overwritten_for_the_torn_one_before_it(server, store):
    """Somebody may save between the reading and the writing."""
    client = server.client(kind=Interrupted)
    client.set(KEY, "{")
    good = Token("good", extra={"client_id": "another"})
    client.others = [lambda: store.save(good)]

    with pytest.raises(TokenStoreError, match="another client"):
        RedisStore(client).save(Token("new", extra={"client_id": "mine"}))

    assert store.load() == good


def test_a_value_may_be_a_bare_token_or_a_literal(store, client):
    """As in a variable or in a file."""
    client.set(KEY, " tp_0123456789abcdef\n")
    assert store.load() == Token("tp_0123456789abcdef")
    client.set(KEY, "{'access_token': 'a'}")
    assert store.load() == Token("a")


@pytest.mark.parametrize("verb", ["load", "save"])
def test_a_key_of_another_kind_is_named_and_left(store, client, verb):
    """A list under our name is somebody else's."""
    client.rpush(KEY, "theirs")

    with pytest.raises(TokenStoreError, match="WRONGTYPE") as caught:
        store.load() if verb == "load" else store.save(Token("a"))

    assert caught.value.location == KEY
    assert client.lrange(KEY, 0, -1) == [b"theirs"]


def test_a_failure_is_forgotten_after_a_day(store, client):
    """Nobody waits that long for it; a fleet leaves no litter."""
    store.record_failure("no")

    assert store.failure() == "no"
    assert 0 < client.ttl(FAILURE) <= DAY


def test_the_version_changes_with_a_failure(store):
    """Those who wait learn of it without reading it."""
    before = store.version()

    store.record_failure("no")

    assert store.version() != before
    assert "no" not in str(store.version())
