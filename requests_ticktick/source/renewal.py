"""A new token: under the store's lock, saved before the lock is released."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .._value import Secret, discreet
from ..errors import LockTimeoutError, SignOnError, SignOnRequiredError, TokenStoreError
from ..token import Token
from .failures import Failure
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
        self._store = store
        self._sign_on = sign_on
        self._memory = memory
        # The fingerprint of the token that a person was asked to replace.
        self._asked: str | None = None
        # What was last granted, and whether the API refused that at once.
        self._granted: str | None = None
        self._stuck: str | None = None
        self._said: set[str] = set()

    def stored(self) -> Iterator[Token]:
        """Yield the store's tokens that this client may use."""
        owner = self.grant.owner
        for token in self._store.candidates():
            if owner.owns(token):
                yield token

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
            try:
                token = self._obtain(question)
            except SignOnRequiredError:
                raise  # in this process alone: another may have a person
            except BaseException as error:
                self._record(error)
                raise
            # Before the lock is released: the next in line will read it.
            return self.keep(token)

    def keep(self, token: Token) -> Token:
        """Save a new token as this client's, and hold it in memory."""
        token = self.grant.owner.stamp(token)
        held = self._memory.weigh(token)
        held.is_saved = False
        if self._store.writable:
            try:
                self._store.save(token)
                held.is_saved = True
                self._store.record_failure(None)
            except TokenStoreError as error:
                self.say_once(f"{error} The token is used from memory.")
        self._memory.held = held
        return token

    def refused_at_once(self, token: Token) -> None:
        """Know that the API refuses a token at its first use."""
        if token.access_token == self._granted:
            self._stuck = token.access_token

    def was_asked_about(self, token: Token) -> bool:
        """Whether a person was asked to replace it, here or elsewhere."""
        if self._asked == token.fingerprint:
            return True
        failure = Failure.load(self._store.failure() or "")
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
            token = self._answer(question, early=early)
            if token is not None:
                return token
            try:
                stack.enter_context(self._store.lock(0.0))
            except LockTimeoutError:
                if early or watch.is_over():
                    raise
                watch.wait(version)
                continue
            except TokenStoreError as error:
                self.say_once(f"{error} Going on without a lock.")
            # Another thread or process may have signed on while we waited.
            return self._answer(question, early=early)

    def _answer(self, question: Question, *, early: bool) -> Token | None:
        """Return what somebody else's renewal has left for this question.

        :raises TickTickAuthError: It failed, after this question was asked.
        """
        memory = self._memory
        for token in self.stored():
            if memory.is_spent(token):
                continue
            held = memory.weigh(token)
            usable = memory.is_fresh(held) or (not early and memory.is_alive(held))
            if question.is_answered_by(token) or (usable and not question.forced):
                memory.held = held
                return token
        text = self._store.failure()
        if text is not None and text != question.failure:
            failure = Failure.load(text)
            if failure is not None:
                raise failure.error
        return None

    def _obtain(self, question: Question) -> Token:
        tried: set[str | None] = {None}  # what is absent cannot be tried
        while not question.forced:
            # Read again each time: somebody without our lock may have rotated
            # the refresh token that was just refused.
            token = self._refreshable(tried)
            if token is None:
                break
            renewed = self.grant.refresh(token, now=self._memory.clock.time())
            if renewed is not None:
                return renewed
        return self._ask_a_person(question)

    def _refreshable(self, tried: set[str | None]) -> Token | None:
        """Return a token whose refresh token was not tried yet."""
        known = list(self.stored())
        held = self._memory.held
        # Memory counts only where no store has got it: otherwise another
        # process may have used up what it holds.
        if held is not None and not held.is_saved:
            known.insert(0, held.token)
        for token in known:
            if token.refresh_token not in tried:
                tried.add(token.refresh_token)
                return token
        return None

    def _ask_a_person(self, question: Question) -> Token:
        refused = question.instead_of
        if refused is not None and refused.access_token == self._stuck:
            raise SignOnRequiredError(
                "A sign-on has just granted it; another would be in vain. Remove this "
                "app's access in TickTick's settings, then run: requests-ticktick login"
            )
        request = self.grant.begin()
        held = self._memory.held
        self._asked = "" if held is None else held.token.fingerprint
        try:
            redirected_url = self._sign_on(request)
        except SignOnRequiredError:
            self._asked = None  # nobody was there
            raise
        if not isinstance(redirected_url, str):
            raise SignOnError(
                f"The sign-on returned {type(redirected_url).__name__}. It must "
                "return the URL that the person was redirected to."
            )
        redirected_url = Secret(redirected_url)
        now = self._memory.clock.time()
        token = self.grant.exchange(request, redirected_url, now=now)
        self._granted = token.access_token
        if refused is not None and refused.access_token == token.access_token:
            self._stuck = token.access_token
        return token

    def _record(self, error: BaseException) -> None:
        """Tell those who wait, here and in other processes."""
        with contextlib.suppress(TokenStoreError):
            self._store.record_failure(Failure(error, self._asked).dump())
