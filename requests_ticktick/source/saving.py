"""A new token into the store; into memory until the store takes it."""

from __future__ import annotations

import contextlib
import logging
import math
from typing import TYPE_CHECKING

from ..errors import LockTimeoutError, TokenStoreError
from .question import Question

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..grant import AuthorizationCodeGrant
    from ..stores import TokenStore
    from ..token import Token
    from .memory import Held, Memory
    from .turns import Turns

logger = logging.getLogger("requests_ticktick")

#: Seconds until a store that failed is tried again; twice as many after each
#: try, as a keychain may ask a person every time.
SAVE_AGAIN_AFTER = 60.0


class Saving:
    """Saves the latest token, sooner or later.

    :param store: Where tokens are kept.
    :param grant: Whose they are.
    :param memory: What is known.
    :param warn: Tells what failed.
    """

    def __init__(
        self,
        store: TokenStore,
        grant: AuthorizationCodeGrant,
        memory: Memory,
        warn: Callable[[str], None],
    ) -> None:
        self._store = store
        self._grant = grant
        self._memory = memory
        self._warn = warn
        # To what the latest token is the answer; when to try again to save it.
        self._question = Question()
        self._due = math.inf
        self._pause = SAVE_AGAIN_AFTER

    def keep(self, token: Token, question: Question) -> Token:
        """Save a new token as this client's, and hold it in memory."""
        memory, token = self._memory, self._grant.owner.stamp(token)
        self._question, self._pause = question, SAVE_AGAIN_AFTER
        before = None if memory.held is None else memory.held.token
        if (
            before is not None
            and before.access_token == token.access_token
            and token.expires_at is None
        ):
            # Handed back with less than a second left, which reads as 0.
            token = token.replace(expires_at=before.expires_at)
        held = memory.weigh(token)
        if not memory.is_alive(held):
            # An end that is past when the answer comes says nothing: the token
            # is used until it is refused, and nobody is asked in a loop.
            token = token.replace(expires_at=None)
            held = memory.weigh(token)
        # Before it is saved: that may be broken off.
        memory.held, memory.unsaved = held, token
        if self._store.writable:
            try:
                self._store.save(token)
                memory.unsaved = None
                self._store.record_failure(None)
            except TokenStoreError as error:
                self._warn(f"{error} The token is used from memory.")
            except Exception as error:
                # A store of somebody else's that breaks its promise: the token
                # is as good, and it cost somebody a click.
                self._warn(
                    f"The store failed with {type(error).__name__}, where it should "
                    "raise TokenStoreError. The token is used from memory."
                )
            finally:
                self._put_off(held)
        return token

    def try_again(self, token: Token, turns: Turns) -> bool:
        """Save a fresh token that no store has, if it is time for that.

        One thread does; the others go on at once.

        :returns: Whether it is such a token: then it is the one to use.
        """
        memory = self._memory
        held = memory.weigh(token)
        if memory.unsaved is not token or not memory.is_fresh(held):
            return False
        memory.held = held
        if memory.clock.monotonic() < self._due:
            self.remember(held)
        else:
            self._put_off(held)
            self._try_now(held, turns)
        return True

    def remember(self, held: Held) -> None:
        """Have it looked at when it is time to save it, if no store has it."""
        if self._memory.unsaved is held.token:
            held.look_at(self._due)

    def _try_now(self, held: Held, turns: Turns) -> None:
        attempt = turns.lead()
        if attempt is None:
            return
        with (
            attempt,
            contextlib.suppress(LockTimeoutError, TokenStoreError),
            contextlib.ExitStack() as stack,
        ):
            # As with a new one: where there can be no lock, it does without.
            with contextlib.suppress(TokenStoreError):
                stack.enter_context(self._store.lock(0.0))
            self._save_late(held)

    def _put_off(self, held: Held) -> None:
        """Have it looked at again after a pause; the next one is longer."""
        self._due = self._memory.clock.monotonic() + self._pause
        self._pause *= 2
        self.remember(held)

    def _save_late(self, held: Held) -> None:
        memory, token = self._memory, held.token
        if memory.unsaved is not token or memory.is_spent(token):
            return  # since just now
        if not self._is_replaced():
            self._store.save(token)
            if memory.unsaved is token:
                memory.unsaved = None
            self._store.record_failure(None)
            logger.info("The token that was used from memory is saved.")
        if memory.held is held:
            memory.held = memory.weigh(token)  # nothing is left to look at

    def _is_replaced(self) -> bool:
        """Whether somebody has saved a token since, and it works."""
        owner, memory = self._grant.owner, self._memory
        store = next(store for store in self._store.members() if store.writable)
        return any(
            memory.is_alive(memory.weigh(token)) and not memory.is_spent(token)
            for token in store.candidates()
            if owner.owns(token) and not self._question.has_seen(token)
        )
