"""Which token now? The policy of renewal, and the order of the locks."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from .._value import PerProcess, Secret
from ..errors import LockTimeoutError, TickTickAuthError, TokenStoreError
from ..token import Token
from .failures import only_our_errors
from .memory import Clock, Held, Memory
from .question import Question
from .renewal import Renewal
from .turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..grant import AuthorizationCodeGrant, AuthorizationRequest
    from ..stores import TokenStore

__all__ = ["Clock", "TokenSource"]


class TokenSource:
    """Answers one question: which token now?

    :param store: Where tokens are kept.
    :param grant: How to get a new one.
    :param sign_on: How a person is asked.
    :param leeway: How long before its expiry a token is renewed, in seconds.
    :param clock: The module :mod:`time`, or what a test puts in its place.
    """

    def __init__(
        self,
        store: TokenStore,
        grant: AuthorizationCodeGrant,
        sign_on: Callable[[AuthorizationRequest], str],
        *,
        leeway: float = 60.0,
        clock: Clock = time,
    ) -> None:
        self.store = store
        self._grant = grant
        self._sign_on = sign_on
        self._begin(clock, leeway)

    def _begin(self, clock: Clock, leeway: float) -> None:
        memory = self._memory = Memory(clock, leeway)
        self._renewal = Renewal(self.store, self._grant, self._sign_on, memory)
        self._reading = self._renewal.reading
        self._turns = PerProcess(Turns)

    def __getstate__(self) -> dict[str, Any]:
        # The token stays with its store, and locks cannot travel.
        clock = self._memory.clock
        return {
            "store": self.store,
            "grant": self._grant,
            "sign_on": self._sign_on,
            "leeway": self._memory.leeway,
            "clock": None if clock is time else clock,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.store = state["store"]
        self._grant = state["grant"]
        self._sign_on = state["sign_on"]
        self._begin(state["clock"] or time, state["leeway"])

    @property
    def clock(self) -> Clock:
        """Return the clock; a test sets another."""
        return self._memory.clock

    @clock.setter
    def clock(self, clock: Clock) -> None:
        self._begin(clock, self._memory.leeway)

    def token(self, *, instead_of: Token | None = None) -> Token:
        """Return a valid token, renewing it where that is needed.

        :param instead_of: A token that the API has refused.
        :raises TickTickAuthError: There is none, and none was to be had.
        """
        memory = self._memory
        held = memory.held if instead_of is None else None
        if held is not None and memory.is_fresh(held):
            return held.token
        try:
            with only_our_errors():
                return self._find_or_renew(held, instead_of)
        except TickTickAuthError as error:
            held = memory.held
            if held is None or not memory.is_usable(held):
                raise
            memory.postpone(held)
            self._renewal.say_once(f"{error} The token in memory is used.")
            return held.token

    def _find_or_renew(self, held: Held | None, instead_of: Token | None) -> Token:
        memory, saving = self._memory, self._renewal.saving
        if held is not None and saving.try_again(held.token, self._turns.get()):
            return held.token
        question = self._reading.question(instead_of=instead_of)
        held = self._best()
        if held is None:
            return self._renew(question)
        memory.held = held
        if memory.is_fresh(held):
            saving.remember(held)
            return held.token
        return self._renew_early(held, question)

    def refused_at_once(self, token: Token) -> None:
        """Know that the API refuses the token that was to mend a refusal."""
        self._memory.spend(token)
        self._renewal.obtaining.asking.refused_at_once(token)

    def sign_on(self, *, force: bool = False) -> Token:
        """Return a valid token; with ``force``, one that is asked for now."""
        with only_our_errors():
            self._renewal.obtaining.stop_pausing()
        if not force:
            return self.token()
        with only_our_errors():
            return self._renew(self._reading.question(forced=True))

    def begin(self) -> AuthorizationRequest:
        """Begin a sign-on that :meth:`complete` ends, perhaps elsewhere."""
        with only_our_errors():
            return self._grant.begin()

    def complete(self, request: AuthorizationRequest, redirected_url: str) -> Token:
        """End a sign-on: exchange the code, save the token, use it."""
        redirected_url = Secret(redirected_url)
        now = self.clock.time()
        token = self._grant.exchange(request, redirected_url, now=now)
        with only_our_errors(), contextlib.ExitStack() as stack:
            # A code is good once: its token is saved with the lock or without.
            with contextlib.suppress(LockTimeoutError, TokenStoreError):
                stack.enter_context(self.store.lock(1.0))
            return self._renewal.saving.keep(token, Question())

    def forget(self) -> None:
        """Drop the token from memory, and from every store that has it.

        :raises TokenStoreError: A store failed, after all were tried.
        """
        failed = None
        for store in self.store.members():
            if store.writable:
                try:
                    with only_our_errors():
                        token = store.load()
                        if token is None or self._grant.owner.owns(token):
                            store.delete()
                except TickTickAuthError as error:
                    failed = failed or error
        # At the end: until then, another thread may still have read it.
        self._memory.held = self._memory.unsaved = None
        if failed is not None:
            raise failed

    def _best(self) -> Held | None:
        """Return a fresh token, else one that has not expired, else none."""
        memory, best = self._memory, None
        try:
            for held in self._reading.not_refused():
                if memory.is_fresh(held):
                    return held
                if best is None and memory.is_alive(held):
                    best = held
        except TokenStoreError as error:
            if best is None:
                raise
            self._renewal.say_once(f"{error} The token in memory is used.")
        return best

    def _renew_early(self, held: Held, question: Question) -> Token:
        """Renew while the old token still works; nobody waits for this."""
        attempt = self._turns.get().lead()
        if attempt is None:
            return held.token
        try:
            with only_our_errors(), attempt:
                if self._renewal.was_asked_about(held.token):
                    held.renew_before_end(0.0)
                    return held.token
                # Another process may be at it: then this one just goes on.
                with contextlib.suppress(LockTimeoutError):
                    attempt.token = self._renewal.run(question, early=True)
                return attempt.token or held.token
        except TickTickAuthError as error:
            self._memory.postpone(held)
            self._renewal.say_once(
                f"The token expires soon and was not renewed: {error}",
                about=held.token.fingerprint,
            )
            return held.token

    def _renew(self, question: Question) -> Token:
        """Renew, or wait for whoever is renewing."""
        while True:
            attempt, leads = self._turns.get().join()
            if leads:
                with attempt:
                    attempt.token = self._renewal.run(question, early=False)
                    return attempt.token
            token = attempt.wait(self.store.lock_timeout)
            # Otherwise it was an early attempt, which another process's
            # forestalled, or it answered another question.
            if token is None or self._memory.is_spent(token):
                continue
            if not question.forced or question.is_answered_by(token):
                return token
