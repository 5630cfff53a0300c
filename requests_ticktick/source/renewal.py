"""A new token: under the store's lock, saved before the lock is released."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .._value import Secret, discreet
from ..errors import (
    SignOnRequiredError,
    TokenStoreError,
)
from ..stores.base import AwayError
from ..token import Token
from .asking import Asking
from .backoff import Pauses
from .failures import Failure
from .reading import Reading
from .saving import Saving
from .turns import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..grant import AuthorizationCodeGrant, AuthorizationRequest
    from ..stores import TokenStore
    from .memory import Memory
    from .question import Question

logger = logging.getLogger("requests_ticktick")

#: Refresh tokens that one renewal tries. Somebody without our lock may have
#: rotated the first; a store that has another at each look is out of order.
_MAX_REFRESHES = 3


class Renewal:
    """Gets a new token, once for all who share the store.

    :param store: Where tokens are kept.
    :param grant: How to get a new one.
    :param sign_on: How a person is asked.
    :param memory: What is known.
    """

    def __init__(
        self,
        store: TokenStore,
        grant: AuthorizationCodeGrant,
        sign_on: Callable[[AuthorizationRequest], str],
        memory: Memory,
    ) -> None:
        self.grant = grant
        self.reading = Reading(store, grant, memory)
        self.asking = Asking(grant, sign_on, memory)
        self.saving = Saving(store, grant, memory, self.say_once)
        self._store = store
        self._memory = memory
        self._pauses = Pauses(memory.clock)
        # Whose pauses are this one's as well.
        self._terms = grant.terms, sign_on
        # Refresh tokens that are spent, or that others took the place of.
        self._used: set[str | None] = set()
        self._said: set[str] = set()

    @discreet
    def run(self, question: Question, *, early: bool) -> Token:
        """Renew under the store's lock, or find that somebody has.

        :param early: Whether the old token still works: then nobody waits.
        :raises LockTimeoutError: Another process is at it.
        """
        with contextlib.ExitStack() as stack:
            token = self._take_lock(stack, question, early=early)
            if token is not None:
                return token
            token = self._obtain(question, early=early)
            # Before the lock is released: the next in line will read it.
            return self.saving.keep(token, question)

    def stop_pausing(self) -> None:
        """Let the next question be asked at once, whatever failed before."""
        self._share_pauses()
        self._pauses.end()

    def was_asked_about(self, token: Token) -> bool:
        """Whether a person was asked to replace it, here or elsewhere."""
        if self.asking.about == token.fingerprint:
            return True
        failure = self.reading.failure()
        return failure is not None and failure.asked == token.fingerprint

    def say_once(self, message: str, *, about: str | None = None) -> None:
        """Log a warning, unless it was logged before."""
        if (about or message) not in self._said:
            self._said.add(about or message)
            logger.warning("%s", message)

    def _share_pauses(self) -> None:
        with contextlib.suppress(TokenStoreError):  # then each has its own
            self._pauses = self._pauses.after(self._store.failure(), self._terms)

    def _take_lock(
        self, stack: contextlib.ExitStack, question: Question, *, early: bool
    ) -> Token | None:
        """Take the store's lock, or find the answer while waiting for it."""
        watch = Watch(self._store)
        while True:
            version = self._store.version()
            try:
                token = self._answer(question, early=early)
                if token is not None:
                    return token
                has_lock = watch.try_lock(stack, self._go_without_lock, early=early)
            except AwayError as error:
                if not watch.has_begun:
                    raise
                watch.go_on(error)
                has_lock = False
            if has_lock:
                # Another thread or process may have signed on while we waited.
                return self._answer(question, early=early)
            watch.wait(version)

    def _go_without_lock(self, error: TokenStoreError) -> None:
        if self.reading.no_place is None:  # else the attempt to save says it
            self.say_once(f"{error} Going on without a lock.")

    def _answer(self, question: Question, *, early: bool) -> Token | None:
        """Return what somebody else's renewal has left for this question.

        :raises TickTickAuthError: It failed, after this question was asked.
        """
        memory = self._memory
        for token in self.reading.tokens():
            if memory.is_spent(token):
                continue
            held = memory.weigh(token)
            usable = memory.is_fresh(held) or (not early and memory.is_alive(held))
            if question.is_answered_by(token) or (usable and not question.forced):
                memory.held = held
                return token
        failure = self.reading.failure(since=question)
        if failure is not None:
            self._pauses.token_requests.heed(failure.error)
            if failure.asked is not None and not early:
                self._pauses.sign_ons.begin(failure.error)
            raise failure.error
        return None

    def _obtain(self, question: Question, *, early: bool) -> Token:
        """Get a new token: by a refresh token, else by a person.

        :raises TickTickAuthError: It failed, or has failed a moment ago.
        """
        # A pause is this process's alone: it is not recorded for the others.
        self._share_pauses()
        self._pauses.token_requests.check()
        token = None
        if not question.forced:
            with self._failures_recorded():
                token = self._refresh()
        if token is None:
            if not question.forced:
                self._pauses.sign_ons.check()
            with self._failures_recorded():
                token = self._ask(question, early=early)
        self._pauses.token_requests.end()
        return token

    @contextlib.contextmanager
    def _failures_recorded(self) -> Iterator[None]:
        try:
            yield
        except SignOnRequiredError:
            raise  # in this process alone: another may have a person
        except BaseException as error:
            self._pauses.token_requests.heed(error)
            self._record(error)
            raise

    def _refresh(self) -> Token | None:
        """Use a refresh token; ``None`` where there is none that works."""
        for _ in range(_MAX_REFRESHES):
            # Read again each time: somebody without our lock may have rotated
            # the refresh token that was just refused.
            token = self.reading.refreshable(self._used)
            if token is None:
                break
            renewed = self.grant.refresh(token, now=self._memory.clock.time())
            if renewed is None or renewed.refresh_token != token.refresh_token:
                self._used.add(Secret(token.refresh_token))
            if renewed is not None:
                return renewed
        return None

    def _ask(self, question: Question, *, early: bool) -> Token:
        """Have a person sign on, who is told what is there and not used."""
        unused = "" if question.forced else " ".join(self.reading.not_ours())
        if unused:
            self.say_once(unused)
        try:
            return self.asking.ask(question, self._pauses.sign_ons, early=early)
        except SignOnRequiredError as error:
            if self.reading.no_place is not None:
                raise self.reading.no_place from None
            raise SignOnRequiredError(f"{unused} {error}".strip()) from None

    def _record(self, error: BaseException) -> None:
        """Tell those who wait, here and in other processes."""
        with contextlib.suppress(TokenStoreError):
            failure = Failure(error, self.asking.about, self.grant.owner).dump()
            self._store.record_failure(failure)
            self._pauses.begun_by(failure, self._terms)
