"""Two sources, one store, one server, and everything that happens to them.

Hypothesis looks for an order of events that breaks a promise: that the server
never sees a refresh token twice, that no expired token is handed out, and that
a person is asked only where nothing else could help.
"""

from __future__ import annotations

import os
import tempfile
import unittest.mock

import pytest
import requests
from clients import Person, client_of, mend
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from inside import wallet_of

from requests_ticktick import (
    AuthorizationDeniedError,
    FileStore,
    SignOnRequiredError,
    TickTickAuthError,
    TokenEndpointError,
)
from requests_ticktick._source.backoff import LONGEST_PAUSE
from requests_ticktick._source.deadlines import RETRY_AFTER
from requests_ticktick._source.saving import SAVE_AGAIN_AFTER
from requests_ticktick.sandbox import Sandbox
from requests_ticktick.testing import FakeClock

LEEWAY = 60.0

sources = st.sampled_from([0, 1])
seconds = st.one_of(
    st.floats(0.001, 30), st.floats(30, 4000), st.sampled_from([59.9, 60.0, 60.1])
)


class Life(RuleBasedStateMachine):
    """What may happen, and what must hold after each of it."""

    @initialize(
        refresh=st.booleans(),
        reissue=st.booleans(),
        lifetime=st.sampled_from([1, 59, 60, 61, 120, 3600]),
    )
    def begin(self, refresh, reissue, lifetime):
        """Set up a server of some policy, and two clients of it."""
        self.clock = FakeClock(now=1_800_000_000.0)
        self.sandbox = Sandbox(
            clock=self.clock.monotonic,
            expires_in=lifetime,
            refresh_tokens=refresh,
            reissue=reissue and not refresh,
        )
        self.sandbox.start()
        self.folder = tempfile.TemporaryDirectory()
        self.person = Person(self.sandbox)
        path = os.path.join(self.folder.name, "t.json")
        self.path = path
        self.auths = [self._client(), self._client()]
        self.troubled = False  # whether an answer may have been lost
        self.jumped = False

    def _client(self):
        client = client_of(
            self.sandbox,
            FileStore(self.path),
            sign_on=self.person,
        )
        client.source.clock = self.clock
        return client

    def teardown(self):
        """Stop the server."""
        if hasattr(self, "sandbox"):
            self.sandbox.stop()
            self.folder.cleanup()

    def _served(self, token):
        """Ask the server itself, past all of our code."""
        response = requests.get(
            self.sandbox.url("/open/v1/project"),
            headers={"Authorization": f"Bearer {token.access_token}"},
            auth=lambda request: request,
            timeout=30,
        )
        return response.status_code == 200

    def _ask(self, question):
        asked, requests_before = self.person.asked, self.sandbox.token_requests
        try:
            token = question()
        except (AuthorizationDeniedError, SignOnRequiredError, TokenEndpointError):
            assert self.troubled
            token = None
        finally:
            self.last_asked = self.person.asked - asked
            self.last_requests = self.sandbox.token_requests - requests_before
        assert self.last_asked <= 1
        return token

    @rule(which=sources)
    def call(self, which):
        """Ask for a token; it works, unless it was revoked or there is trouble."""
        auth = self.auths[which]
        stored = FileStore(self.path).load()
        left = None
        if stored is not None and stored.expires_at is not None:
            left = stored.expires_at - self.clock.time()
        token = self._ask(auth.token)
        if token is None:
            return
        if not self.jumped and token.expires_at is not None:
            # The server tells of whole seconds: its last one is none.
            last = token.expires_at == self.clock.time() and self.last_requests
            assert last or token.expires_at > self.clock.time()
        if not self.jumped and left is not None and left >= LEEWAY:
            # A fresh one was there for all to read.
            assert self.last_asked == 0
            assert self.last_requests == 0
        if self.sandbox.refresh_tokens and stored is not None and not self.troubled:
            assert self.last_asked == 0

    @rule(which=sources)
    def be_refused(self, which):
        """The server revokes the token in use; a 401 follows."""
        auth = self.auths[which]
        token = self._ask(auth.token)
        if token is None:
            return
        self.sandbox.revoke(token.access_token)
        other = self._ask(lambda: auth.source.token(instead_of=token))
        if other is not None and other.access_token == token.access_token:
            # A sibling was granted the same one since. That may be good again.
            assert other.issued_at != token.issued_at
            token = other
            other = self._ask(lambda: auth.source.token(instead_of=token))
        if other is not None and not self.troubled and not self.jumped:
            assert other.access_token != token.access_token
            assert self._served(other)
        self.troubled = self.troubled or other is None

    @rule(which=sources)
    def work(self, which):
        """Call the API as a program does: at the end there is an answer."""
        with requests.Session() as session:
            session.auth = self.auths[which]
            try:
                response = session.get(self.sandbox.url("/open/v1/project"))
            except TickTickAuthError:
                assert self.troubled
                return
        if not self.troubled and not self.jumped:
            assert response.status_code == 200
            assert len(response.history) <= 1

    @rule(delta=seconds)
    def wait(self, delta):
        """Time passes on all clocks."""
        self.clock.advance(delta)

    @rule(delta=st.sampled_from([-3600.0, -61.0, 61.0, 3600.0]))
    def jump(self, delta):
        """Somebody sets the clock; the server's is not affected."""
        self.clock.jump(delta)
        self.jumped = True

    @rule(times=st.integers(1, 2), status=st.sampled_from([400, 429, 500, 503]))
    def break_the_token_endpoint(self, times, status):
        """The next answers are errors; nothing was rotated."""
        self.sandbox.fail(times, status, {"error": "temporarily_unavailable"})
        self.troubled = True

    @rule()
    def mend_the_token_endpoint(self):
        """All is well again: what failed is tried again."""
        mend(self.sandbox)
        self.person.answers.clear()
        self.clock.advance(max(RETRY_AFTER, LONGEST_PAUSE) + 1)
        stored = FileStore(self.path).load()
        # A token that was refused, and not replaced, troubles the next reader.
        if stored is not None and self._served(stored):
            self.troubled = False

    @rule()
    def say_no(self):
        """The next sign-on is refused by the person."""
        self.person.answers.append(AuthorizationDeniedError("no"))
        self.troubled = True

    @rule(which=sources)
    def restart(self, which):
        """A process ends, and another one begins."""
        self.auths[which] = self._client()

    @rule()
    def lose_the_file(self):
        """Somebody deletes it."""
        FileStore(self.path).delete()
        self.troubled = True

    @precondition(lambda self: not self.troubled)
    @rule(which=sources, delta=seconds)
    def fill_the_disk(self, which, delta):
        """One process works there, and goes on when there is room again."""
        full = OSError(28, "No space left on device")
        self.clock.advance(delta)
        with unittest.mock.patch("os.fsync", side_effect=full):
            self.call(which)
        self.clock.advance(SAVE_AGAIN_AFTER + 1)
        self.call(which)
        assert wallet_of(self.auths[which]).unsaved is None

    @rule(content=st.sampled_from([b"", b"{", b'{"access_token": "c', b"\x00"]))
    def spoil_the_file(self, content):
        """Somebody writes into it."""
        with open(self.path, "wb") as file:
            file.write(content)
        os.chmod(self.path, 0o600)
        self.troubled = True

    @invariant()
    def no_refresh_token_is_used_twice(self):
        """The server would revoke the whole family."""
        if hasattr(self, "sandbox"):
            assert self.sandbox.reuse_detected == 0


SMALL = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
FULL = settings(SMALL, max_examples=1000, stateful_step_count=60)


def test_no_order_of_events_breaks_a_promise():
    """A few hundred lives, some of them hard."""
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(Life, settings=SMALL)


@pytest.mark.stress
@pytest.mark.timeout(1800)
def test_no_order_of_many_events_breaks_a_promise(tally):
    """Thousands of them."""
    from hypothesis.stateful import run_state_machine_as_test

    case = f"lives of two sources, of {FULL.stateful_step_count} events each"
    with tally(case, FULL.max_examples):
        run_state_machine_as_test(Life, settings=FULL)
