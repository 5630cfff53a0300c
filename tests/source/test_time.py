"""Whatever the clocks do: no expired token, and nobody asked in vain."""

from __future__ import annotations

import contextlib
import json
import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from issuers import A_MOMENT, Issuer

from requests_ticktick import (
    ChainStore,
    FileStore,
    InvalidTokenError,
    MemoryStore,
    Token,
    TokenEndpointError,
)
from requests_ticktick.testing import FakeClock

HOUR, DAY, YEAR = 3600.0, 86_400.0, 31_557_600.0
BEGAN = 1_800_000_000.0
HOURS = [n * 3600 for n in (-24, -2, -1, 1, 2, 24)]

#: What a stored token may say of its times.
TIMES = ("expires_in", "expires_at", "expire_time", "issued_at")

#: Seconds that a float holds exactly beside an epoch: no rounding is tested.
eighths = st.integers(0, int(8 * 10 * YEAR)).map(lambda n: n / 8)
microseconds = st.integers(-(10**7), 10**12).map(lambda n: n / 1e6)


# -- the edge of the leeway ------------------------------------------------------


@given(
    lifetime=st.integers(61, int(10 * YEAR)),
    aside=st.sampled_from([-1.0, -0.001, -0.000001, 0.0, 0.000001, 0.001, 1.0]),
    in_memory=st.booleans(),
)
def test_a_token_is_renewed_from_sixty_seconds_on(lifetime, aside, in_memory):
    """At 60 s it is used, a microsecond later it is not; from memory or store."""
    clock = FakeClock(BEGAN)
    token = Token("old", issued_at=BEGAN, expires_at=BEGAN + lifetime)
    issuer = Issuer(clock)
    source = issuer.source(MemoryStore(token))
    if in_memory:
        assert source.token() is token

    clock.advance(lifetime - 60.0 + aside)

    assert (source.token() is token) == (aside <= 0.0)
    assert issuer.asked == (aside > 0.0)


@given(leeway=eighths, left=microseconds, expires_at=eighths)
def test_any_leeway_is_what_it_says(leeway, left, expires_at):
    """A token is used while ``expires_at - now >= leeway``, if it is alive."""
    clock = FakeClock(BEGAN + expires_at - left)
    token = Token("old", expires_at=BEGAN + expires_at)
    source = Issuer(clock).source(MemoryStore(token), leeway=leeway)
    left = token.expires_at - clock.time()

    used = source.token() is token

    assert used == (left >= leeway and left > 0.0)


# -- how often somebody is asked -------------------------------------------------


@given(
    lifetime=st.integers(1, 200) | st.integers(1, int(10 * YEAR)),
    waits=st.lists(st.integers(0, 1600).map(lambda n: n / 8) | eighths, max_size=30),
)
def test_a_person_is_asked_when_a_token_is_due_and_only_then(lifetime, waits):
    """Once a token: a minute early, or at its end if it was born within that."""
    clock = FakeClock(BEGAN)
    issuer = Issuer(clock, lifetime)
    source = issuer.source()
    due = end = -math.inf
    expected = 0

    for wait in [0.0, *waits]:
        clock.advance(wait)
        now = clock.time()
        token = source.token()
        if now > due or now >= end:
            expected, end = expected + 1, now + lifetime
            due = end - 60.0 if lifetime > 60 else end

        assert issuer.asked == expected
        assert token.access_token == f"token-{expected - 1}"
        assert issuer.is_alive(token)


@given(
    lifetime=st.integers(1, 200) | st.integers(1, int(10 * YEAR)),
    waits=st.lists(st.integers(0, 1600).map(lambda n: n / 8) | eighths, max_size=30),
    leeway=st.sampled_from([0.0, 5.0, 60.0, HOUR]),
)
@example(lifetime=83, waits=[80.125, 7 / 8], leeway=5.0)
def test_for_the_same_token_nobody_is_asked_again_and_again(lifetime, waits, leeway):
    """It is handed back with what is left, and then used to its end."""
    clock = FakeClock(BEGAN)
    issuer = Issuer(clock, lifetime, reissue=True)
    issuer.person_needs = A_MOMENT
    source = issuer.source(leeway=leeway)

    for wait in [0.0, *waits]:
        clock.advance(wait)
        assert issuer.is_alive(source.token())
    assert issuer.asked <= 2 * len(issuer.ends)


@pytest.mark.parametrize("lifetime", [3600, 61, 60, 1])
def test_between_two_requests_at_once_nobody_is_asked(lifetime):
    """However many there are at one moment, the first one's token is theirs."""
    clock = FakeClock(BEGAN)
    issuer = Issuer(clock, lifetime, reissue=True)
    source = issuer.source()

    for _ in range(5):
        assert len({source.token().access_token for _ in range(20)}) == 1
        clock.advance(lifetime)

    assert issuer.asked == 5


# -- what a server says of a lifetime --------------------------------------------

numbers = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.integers(10**300, 10**320)
    | st.from_regex(r"\s*[+-]?[0-9]{1,25}(\.[0-9]{0,12})?\s*", fullmatch=True)
    | st.text(max_size=30)
)


@given(expires_in=numbers)
@example(10**400)
@example("9" * 5000)
@example(1.7e308)
@example("1e5")
@example("١٢٣")
@example("")
@example("NaN")
def test_a_lifetime_makes_sense_or_is_unknown(expires_in):
    """As a string too; whatever it is, the token can be written down again."""
    token = Token.from_response(
        {"access_token": "a", "expires_in": expires_in}, now=BEGAN
    )

    if token.expires_at is not None:
        assert token.expires_at == BEGAN + float(expires_in)
        assert 0.0 <= token.lifetime < 101 * YEAR
    assert Token.from_dict(json.loads(json.dumps(token.to_dict()))) == token


@given(fields=st.fixed_dictionaries({}, optional=dict.fromkeys(TIMES, numbers)))
@example({"expires_in": -100_000_000_000, "expires_at": 1})
@example({"expires_in": 3_000_000_000, "expires_at": -99_999_999_999})
def test_no_times_of_a_file_contradict_each_other_to_infinity(fields):
    """Those that are read can be written, and read again as they were."""
    try:
        token = Token.from_dict({"access_token": "a", **fields})
    except InvalidTokenError:
        return

    assert Token.from_dict(json.loads(json.dumps(token.to_dict()))) == token
    assert token.lifetime is None or math.isfinite(token.lifetime)


@given(expires_in=numbers)
def test_no_lifetime_makes_a_loop(expires_in):
    """A call asks once, at the most, whatever is answered."""
    issuer = Issuer(FakeClock(BEGAN))
    issuer.lifetime = expires_in
    issuer.end_of = lambda arrived: math.inf
    source = issuer.source()

    for calls in range(1, 4):
        with contextlib.suppress(InvalidTokenError):
            source.token()
        assert issuer.asked <= calls


# -- an answer that takes its time -----------------------------------------------


@given(lifetime=eighths, latency=st.integers(0, 800).map(lambda n: n / 8))
@example(3600.0, 50.0)
def test_a_lifetime_counts_from_the_request(lifetime, latency):
    """An answer that took 50 s to arrive has 50 s less to live."""
    clock = FakeClock(BEGAN)
    issuer = Issuer(clock, lifetime, latency=latency)
    source = issuer.source()

    token = source.token()

    assert token.issued_at == BEGAN
    if latency >= lifetime:
        assert token.expires_at is None  # it says nothing
        return
    assert token.expires_at == BEGAN + lifetime
    clock.advance(max(0.0, lifetime - latency - 0.125))
    assert issuer.is_alive(token)
    clock.advance(0.125)
    assert source.token() is not token


# -- clocks that jump ------------------------------------------------------------


class NotedStore(MemoryStore):
    """Hands a token out with a note that somebody else has put beside it."""

    def load(self):
        token = super().load()
        if token is None:
            return None
        return token.replace(extra={**token.extra, "note": "mine"})


@pytest.mark.parametrize("early", [0.0, 1.0, 50.0])
def test_an_expired_token_is_not_believed_when_the_clock_is_set_back(tmp_path, early):
    """Not even where the file has a key beside it that our copy lacks.

    :param early: How long before its end the clock is set back, and used.
    """
    clock = FakeClock(BEGAN)
    issuer = Issuer(clock)
    path = tmp_path / "token.json"
    path.write_text('{"access_token": "old", "expire_time": 5, "note": "mine"}')
    source = issuer.source(FileStore(path))
    first = source.token()
    clock.advance(HOUR - early)

    clock.jump(-HOUR)
    issuer.fails = early > 0.0
    if early:
        assert source.token().access_token == first.access_token
        clock.advance(early + 0.125)
    issuer.fails = False

    assert "mine" in path.read_text()
    clock.advance(0.125)
    assert source.token().access_token != first.access_token


def test_a_token_that_only_seemed_to_have_expired_is_used_when_the_clock_is_right():
    """A machine that wakes up in the future, and is corrected, asks nobody."""
    clock = FakeClock(BEGAN)
    token = Token("old", issued_at=BEGAN, expires_at=BEGAN + HOUR)
    issuer = Issuer(clock)
    source = issuer.source(MemoryStore(token))
    clock.jump(DAY)
    issuer.fails = True
    with pytest.raises(TokenEndpointError):
        source.token()

    clock.jump(-DAY)

    assert source.token() is token
    assert issuer.asked == 1


@pytest.mark.parametrize("back", [-HOUR, -1.5 * HOUR, -9 * HOUR])
def test_a_token_in_front_that_has_expired_stays_expired(back):
    """One behind it was used since; then the clock was set back."""
    clock = FakeClock(BEGAN)
    front = Token("front", issued_at=BEGAN, expires_at=BEGAN + HOUR)
    behind = Token("behind", issued_at=BEGAN, expires_at=BEGAN + 2 * HOUR)
    store = ChainStore([MemoryStore(front), MemoryStore(behind)])
    source = Issuer(clock).source(store)
    assert source.token() is front
    clock.advance(HOUR)
    assert source.token() is behind

    clock.advance(HOUR - 30)
    clock.jump(back)

    for _ in range(5):
        assert source.token() is not front
        clock.advance(30)
    assert source.token().access_token == "token-0"


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_forced_sign_on_asks_whatever_the_clock_has_done(jump):
    """A token of before is no answer, though its issue seems yet to come."""
    clock = FakeClock(BEGAN)
    issuer = Issuer(clock, DAY)
    source = issuer.source()
    first = source.token()

    clock.jump(jump)

    assert source.sign_on(force=True).access_token != first.access_token
    assert issuer.asked == 2


def test_after_a_renewal_that_failed_a_token_is_used_to_its_end_and_not_beyond():
    """The next try is five seconds later; the end may come sooner."""
    clock = FakeClock(BEGAN)
    issuer = Issuer(clock)
    source = issuer.source()
    first = source.token()
    clock.advance(HOUR - 3.0)
    issuer.fails = True
    assert source.token() is first

    clock.advance(3.0)

    with pytest.raises(TokenEndpointError):
        source.token()


class Jumps(RuleBasedStateMachine):
    """A program that runs while somebody plays with its clock.

    What it can know: when it first saw a token alive, how long that had left by
    the clock of then. It never sends one that has expired by either clock.
    """

    @initialize(
        lifetime=st.sampled_from([1, 30, 60, 61, 90, 3600, 15551999]),
        leeway=st.sampled_from([0.0, 60.0, 300.0]),
        reissue=st.booleans(),
        store=st.sampled_from([MemoryStore, NotedStore]),
    )
    def begin(self, lifetime, leeway, reissue, store):
        self.clock = FakeClock(BEGAN)
        self.issuer = Issuer(self.clock, lifetime, reissue=reissue)
        self.store, self.leeway = store(), leeway
        self.disturbances = 0
        self.start()

    def start(self):
        self.source = self.issuer.source(self.store, leeway=self.leeway)
        self.deadlines = {}

    def look(self, token):
        """Know from now on what the program can know of a token."""
        if token is None or self.clock.time() >= token.expires_at:
            return
        left = min(token.expires_at - self.clock.time(), token.lifetime)
        name = (token.access_token, token.expires_at)
        self.deadlines.setdefault(name, self.clock.monotonic() + left)

    def left(self, token):
        """Return the seconds that a token has left, by both clocks.

        The monotonic one is allowed a millisecond.
        """
        end = self.deadlines.get((token.access_token, token.expires_at), -math.inf)
        return min(
            token.expires_at - self.clock.time(),
            end - self.clock.monotonic() + 0.001,
        )

    @rule(seconds=st.sampled_from([1, 5, 29, 30, 31, 59, 60, 61, 3540, 3600]))
    def wait(self, seconds):
        self.clock.advance(seconds)

    @rule(share=st.floats(0.0, 1.1))
    def wait_for_a_part_of_a_lifetime(self, share):
        self.clock.advance(int(share * self.issuer.lifetime))

    @rule(seconds=st.integers(-10 * 86_400, 10 * 86_400) | st.sampled_from(HOURS))
    def jump(self, seconds):
        self.clock.jump(seconds)
        self.disturbances += 1

    @rule()
    def restart(self):
        self.start()
        self.disturbances += 1

    @rule()
    def ask(self):
        before, asked = self.store.load(), self.issuer.asked
        self.look(before)

        token = self.source.token()

        self.look(token)
        assert self.left(token) > 0
        assert self.issuer.asked <= asked + 1
        if self.issuer.asked > asked and before is not None:
            assert self.left(before) < self.leeway or self.left(before) <= 0

    @rule()
    def be_refused(self):
        """The API has revoked it; a sign-on gets another one."""
        self.look(self.store.load())
        token = self.source.token()
        self.look(token)
        self.issuer.ends[token.access_token] = -math.inf
        self.disturbances += 1

        another = self.source.token(instead_of=token)

        self.look(another)
        assert another.access_token != token.access_token
        assert self.left(another) > 0

    @invariant()
    def nobody_was_asked_in_vain(self):
        """Twice for a token, at its leeway and its end; and once a jump."""
        assert self.issuer.asked <= 2 * len(self.issuer.ends) + self.disturbances


TestJumps = Jumps.TestCase
TestJumps.settings = settings(max_examples=200)
