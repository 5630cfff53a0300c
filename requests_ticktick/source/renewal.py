"""A new token: under the store's lock, saved before the lock is released."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from .._value import discreet
from ..errors import TokenStoreError
from ..stores.base import AwayError, UnsavedError, UnwritableError
from ..token import Token
from .obtaining import Obtaining
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
        self.obtaining = Obtaining(
            store, grant, sign_on, memory, self.reading, self.say_once
        )
        self.saving = Saving(store, grant, memory, self.say_once)
        self._store = store
        self._memory = memory
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
            trouble = self._take_room(stack)
            token = self.obtaining.obtain(question, trouble, early=early)
            # Before the lock is released: the next in line will read it.
            token = self.saving.keep(token, question)
            if self._store.writable and self._memory.unsaved is token:
                self.obtaining.record(UnsavedError())
            return token

    def was_asked_about(self, token: Token) -> bool:
        """Whether a person was asked to replace it, here or elsewhere."""
        if self.obtaining.asking.about == token.fingerprint:
            return True
        failure = self.reading.failure()
        return failure is not None and failure.asked == token.fingerprint

    def say_once(self, message: str, *, about: str | None = None) -> None:
        """Log a warning, unless it was logged before."""
        if (about or message) not in self._said:
            self._said.add(about or message)
            logger.warning("%s", message)

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

    def _take_room(self, stack: contextlib.ExitStack) -> TokenStoreError | None:
        """Have the store take room for a token, before it costs anything.

        :returns: Why the store would not take one.
        :raises UnwritableError: Whoever shares the store finds the same.
        """
        if not self._store.writable:
            return None
        try:
            sample = self.grant.owner.stamp(Token("sample"))
            stack.enter_context(self._store.reserve(sample))
        except UnwritableError:
            raise
        except TokenStoreError as error:
            return error
        return None

    def _go_without_lock(self, error: TokenStoreError) -> None:
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
            self.obtaining.heed(failure, early=early)
            raise failure.error
        return None
