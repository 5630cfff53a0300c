"""A server and its client in one object: tokens by a clock that never jumps."""

from __future__ import annotations

from requests_ticktick import (
    AuthorizationRequest,
    MemoryStore,
    Token,
    TokenEndpointError,
)
from requests_ticktick._source import TokenSource
from requests_ticktick._stamp import Stamp

#: Seconds that a person needs, at the least.
A_MOMENT = 2.0


class Issuer:
    """What :class:`TokenSource` takes for a grant; and a person at it.

    :param clock: Its ``monotonic`` is the true time.
    :param lifetime: Seconds; of what kind the answer's ``expires_in`` is.
    :param reissue: Whether a token that is alive is handed back.
    :param latency: Seconds until an answer arrives.
    """

    def __init__(self, clock, lifetime=3600, *, reissue=False, latency=0.0):
        self.clock = clock
        self.lifetime = lifetime
        self.reissue = reissue
        self.latency = latency
        self.person_needs = 0.0
        self.fails = False
        self.stamp = Stamp(None, None, None)
        self.terms = object()
        self.asked = 0
        #: When each token that was issued ends, by the true time.
        self.ends = {}

    def source(self, store=None, **options):
        """Return a source whose person and server this is."""
        store = MemoryStore() if store is None else store
        return TokenSource(store, self, self.sign_on, clock=self.clock, **options)

    def sign_on(self, request):
        self.asked += 1
        self.clock.advance(self.person_needs)
        return "redirected"

    def begin(self, kept):
        return AuthorizationRequest("u", state="s", redirect_uri="r")

    def begin_again(self, request, error):
        return None

    def exchange(self, request, redirected_url, *, now):
        if self.fails:
            raise TokenEndpointError("It is down.", status_code=503)
        arrived = self.clock.monotonic()
        self.clock.advance(self.latency)
        for name, end in self.ends.items():
            if self.reissue and arrived < end:
                return self._answer(name, int(end - arrived), now)
        name = f"token-{len(self.ends)}"
        self.ends[name] = self.end_of(arrived)
        return self._answer(name, self.lifetime, now)

    def end_of(self, arrived):
        """Return when a token that is issued now ends, by the true time."""
        return arrived + self.lifetime

    def is_alive(self, token):
        """Whether the API takes it."""
        return self.clock.monotonic() < self.ends[token.access_token]

    def _answer(self, name, expires_in, now):
        fields = {"access_token": name, "expires_in": expires_in}
        return Token.from_response(fields, now=now)
