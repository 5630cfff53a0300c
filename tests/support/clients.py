"""Clients of a sandbox, as tests make them."""

from __future__ import annotations

import contextlib

from inside import faults_of

from requests_ticktick import MemoryStore, TickTickAuth, TokenStore, TokenStoreError


def client_of(sandbox, store=None, *, sign_on=None, clock=None, **options):
    """Return an auth for the sandbox; with a memory of its own by default."""
    auth = TickTickAuth(
        sandbox.client_id,
        sandbox.client_secret,
        sandbox.redirect_uri,
        store=MemoryStore() if store is None else store,
        sign_on=sandbox.sign_on if sign_on is None else sign_on,
        service=options.pop("service", sandbox.service),
        **options,
    )
    if clock is not None:
        auth.source.clock = clock
        sandbox.clock = clock.time
    return auth


class Person:
    """Somebody at the sandbox's consent page, who can be watched and told.

    :param sandbox: Where access is granted.
    :param answers: Errors to raise, or ``None`` to grant access; then granted.
    """

    def __init__(self, sandbox, *answers):
        self.sandbox = sandbox
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, request):
        self.asked += 1
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        return self.sandbox.sign_on(request)


def mend(sandbox):
    """Drop the failures of the token endpoint that are still to come."""
    while faults_of(sandbox).next_failure("token") is not None:
        pass


class Plain(TokenStore):
    """A store that does no more than has to be defined."""

    def __init__(self, token=None):
        self.token = token

    def load(self):
        return self.token

    def save(self, token):
        self.token = token

    def delete(self):
        self.token = None

    def lock(self, timeout=None):
        return contextlib.nullcontext()


class Faulty(MemoryStore):
    """A store that fails when told to.

    ``save`` has ``full`` refuse, and ``unsure`` fail after all was done;
    ``load`` fails as often as ``blips`` says.
    """

    full = unsure = False
    blips = 0

    def save(self, token):
        if self.full:
            raise TokenStoreError("It is full.")
        super().save(token)
        if self.unsure:
            raise TokenStoreError("No answer came.")

    def load(self):
        if self.blips:
            self.blips -= 1
            raise TokenStoreError("It cannot be read.")
        return super().load()


#: Bad answers of the token endpoint: the status, and the body.
#: What a token endpoint answers on its worst days.
ANSWERS = {
    "401": (401, "<html>Bad client credentials</html>"),
    "400": (400, {"error": "invalid_request"}),
    "429": (429, {"error": "slow_down"}),
    "500": (500, "<html>"),
    "503": (503, ""),
    "garbage": (200, b"\x00garbage\xff"),
    "no token": (200, {"access_token": ""}),
}
