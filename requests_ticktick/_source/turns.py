"""Who renews next, among the threads and among the processes.

Waits are measured with the real clock, whichever clock tokens expire by.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from .._errors import LockTimeoutError, SignOnError, TickTickAuthError
from .._token import Token
from ..stores._base import AwayError

if TYPE_CHECKING:
    from types import TracebackType

    from ..stores import TokenStore

#: Seconds between two tries for the store's lock. A try costs 0.5 ms, and a
#: look at a file's version 0.01 ms.
TRY_EVERY = 0.1

#: The pause between two looks is a part of the wait so far, within these
#: bounds in seconds. A herd that looks often takes the processor, or a Redis,
#: from the one that it waits for: where looks take long, they are fewer.
_LOOK_AGAIN_PART = 0.1
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.02, 0.1
_PAUSE_PER_LOOK = 100.0


#: Seconds. Of a shorter wait nobody is told.
PATIENCE = 0.1


class Attempt:
    """One thread's renewal, as a context; the others wait for its end."""

    def __init__(self, turns: Turns) -> None:
        self.token: Token | None = None
        self._turns = turns
        self._leader = threading.get_ident()
        self._error: TickTickAuthError | None = None
        self._done = threading.Event()

    def __enter__(self) -> Attempt:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            from .failures import shareable  # few attempts fail

            self._error = shareable(error)
        self._turns.leave()
        self._done.set()

    def is_soon_over(self) -> bool:
        """Whether nobody needs to be told that this thread waits."""
        if self._leader == threading.get_ident():
            return True  # wait() says what is wrong
        return self._done.wait(PATIENCE)

    def wait(self, timeout: float) -> Token | None:
        """Return the attempt's token; ``None`` if it ended without one.

        :param timeout: How long to wait, in seconds.
        :raises TickTickAuthError: The attempt failed.
        :raises LockTimeoutError: It has not ended.
        :raises SignOnError: It is this thread's own, and would never end.
        """
        if self._leader == threading.get_ident():
            raise SignOnError(
                "The sign-on itself needs the token that it is to obtain: let it use "
                "a session without this auth."
            )
        if not self._done.wait(timeout):
            raise LockTimeoutError(
                f"Another thread has been signing on for over {timeout:g} s: finish "
                "or cancel that sign-on, then try again.",
                holder="another thread of this process",
            )
        if self._error is not None:
            from .failures import shareable

            raise shareable(self._error)
        return self.token


class Turns:
    """The threads of one process: one attempts, the others wait or go on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._attempt: Attempt | None = None

    def join(self) -> tuple[Attempt, bool]:
        """Return the attempt under way or a new one, and whether it is new."""
        with self._lock:
            if self._attempt is not None:
                return self._attempt, False
            self._attempt = Attempt(self)
            return self._attempt, True

    def lead(self) -> Attempt | None:
        """Return a new attempt; ``None`` where one is under way."""
        attempt, leads = self.join()
        return attempt if leads else None

    def leave(self) -> None:
        """End the attempt under way."""
        with self._lock:
            self._attempt = None


class LockWait:
    """One wait for a store's lock, from its beginning to its time-out."""

    def __init__(self, store: TokenStore) -> None:
        self._store = store
        self._began = time.monotonic()
        self._look_seconds = 0.0
        #: Whether somebody else was seen to have the lock; and whether that
        #: was told.
        self.has_begun = self.is_told = False

    @property
    def seconds(self) -> float:
        """How long it has lasted."""
        return time.monotonic() - self._began

    def is_to_be_told(self) -> bool:
        """Whether somebody should be told of it, which is so once.

        By then the lock's holder has written who it is.
        """
        if self.is_told or self.seconds < PATIENCE:
            return False
        self.is_told = True
        return True

    def is_over(self) -> bool:
        """Whether the store's time-out has passed."""
        return self.seconds >= self._store.lock_timeout

    def go_on(self, error: LockTimeoutError | AwayError) -> None:
        """Know that a try was in vain, and let the wait go on.

        :raises TickTickAuthError: The time-out has passed.
        """
        self.has_begun = True
        if self.is_over():
            raise self.timed_out(error) from None

    def timed_out(self, error: LockTimeoutError | AwayError) -> TickTickAuthError:
        """Return the error of the last try, as that of the whole wait."""
        from .failures import shareable

        whole = shareable(error)
        whole.args = (f"Waited {self.seconds:.3g} s. {error}",)
        return whole

    def pause(self, version: object) -> None:
        """Return when there may be something new to read, or to lock.

        :param version: The store's, before it was read.
        """
        began = time.monotonic()
        while True:
            waited = self.seconds * _LOOK_AGAIN_PART
            looked = self._look_seconds * _PAUSE_PER_LOOK
            time.sleep(min(max(waited, looked, _SHORTEST_PAUSE), _LONGEST_PAUSE))
            now = time.monotonic()
            is_new = version is None or self._store.version() != version
            self._look_seconds = time.monotonic() - now
            if is_new or now - began >= TRY_EVERY:
                return
