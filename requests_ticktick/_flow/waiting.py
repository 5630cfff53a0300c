"""How tasks wait for a token, while their event loop goes on.

asyncio and trio are served alike. A program need not have trio.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from .._errors import LockTimeoutError, TickTickAuthError
from .._source.failures import shareable
from .._value import PerProcess

if TYPE_CHECKING:
    from .._source import TokenSource
    from .._token import Token


class Waiting:
    """The one thread in which a source is waited for, however many await it.

    A pool's thread would delay other people's calls, and the interpreter's
    exit until a person has signed on. A task that is cancelled leaves the
    thread alone, which goes on and keeps the token.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: The questions, each by the token that was refused.
        self._asked: dict[Token | None, Future[Token]] = {}
        self._thread: threading.Thread | None = None

    def is_asked(self) -> bool:
        """Whether the thread is getting a token that works, or is about to."""
        return None in self._asked

    async def token(self, source: TokenSource, refused: Token | None) -> Token:
        """Return a valid token once there is one.

        :param source: Is asked for it, one question at a time.
        :param refused: A token that the API has refused.
        :raises TickTickAuthError: None was found and none could be obtained.
        :raises LockTimeoutError: Another task's sign-on has not ended.
        """
        if self._thread is threading.current_thread():
            # A sign-on that needs its own token, for one. It would never end.
            return source.token(instead_of=refused)
        answer, is_first = self._ask(source, refused)
        seconds = None if is_first else source.store.lock_timeout
        await _wait(answer, seconds)
        if is_first:
            return answer.result()
        if not answer.done():
            raise LockTimeoutError(
                f"Another task has been signing on for over {seconds:g} s: finish or "
                "cancel that sign-on, then try again.",
                holder="another task of this process",
            )
        error = answer.exception()
        if error is not None:
            raise shareable(error)
        return answer.result()

    def _ask(
        self, source: TokenSource, refused: Token | None
    ) -> tuple[Future[Token], bool]:
        """Return the answer to come, and whether nobody has asked before."""
        with self._lock:
            answer = self._asked.get(refused)
            if answer is not None:
                return answer, False
            answer = Future()
            answer.set_running_or_notify_cancel()
            if self._thread is None:
                # As asyncio.to_thread() does, for logs and listeners.
                context = copy_context()
                self._thread = started(partial(context.run, self._work, source))
            self._asked[refused] = answer
            return answer, True

    def _work(self, source: TokenSource) -> None:
        """Answer one question after another until there is none."""
        while True:
            with self._lock:
                if not self._asked:
                    self._thread = None
                    return
                refused, answer = next(iter(self._asked.items()))
            token: Token | None = None
            problem: BaseException | None = None
            try:
                token = source.token(instead_of=refused)
            except BaseException as error:
                problem = error
            with self._lock:
                del self._asked[refused]
            if token is not None:
                answer.set_result(token)
            else:
                answer.set_exception(problem)


def started(work: Callable[[], None]) -> threading.Thread:
    # A daemon: no program has to wait for a person in order to end.
    thread = threading.Thread(target=work, name="waits for a token", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        raise TickTickAuthError(
            "No thread could be started to get a token in: the program is ending, or "
            "the system has no more. Have the program start fewer of them."
        ) from error
    return thread


_waitings: PerProcess[WeakKeyDictionary[TokenSource, Waiting]] = PerProcess(
    WeakKeyDictionary
)


async def token_of(source: TokenSource, *, instead_of: Token | None = None) -> Token:
    """Return a valid token, at once where memory has one.

    In the leeway the first task waits for the renewal, and the others go on
    with the token that still works.

    :param instead_of: A token that the API has refused.
    :raises TickTickAuthError: None was found and none could be obtained.
    """
    token = source.ready() if instead_of is None else None
    if token is not None:
        return token
    waiting = _waitings.get().setdefault(source, Waiting())
    if instead_of is None and waiting.is_asked():
        token = source.peek()
        if token is not None:
            return token
    return await waiting.token(source, instead_of)


async def _wait(answer: Future[Token], seconds: float | None) -> None:
    """Return when there is an answer, or so many seconds have passed."""
    if _is_asyncio():
        await _wait_in_asyncio(answer, seconds)
    else:
        await _wait_in_trio(answer, seconds)


def _is_asyncio() -> bool:
    try:
        return asyncio.current_task() is not None
    except RuntimeError:
        return False  # no loop of asyncio's runs in this thread


async def _wait_in_asyncio(answer: Future[Token], seconds: float | None) -> None:
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    _call_when_done(answer, partial(loop.call_soon_threadsafe, over.set))
    timer = None if seconds is None else loop.call_later(seconds, over.set)
    try:
        await over.wait()
    finally:
        if timer is not None:
            timer.cancel()


async def _wait_in_trio(answer: Future[Token], seconds: float | None) -> None:
    trio: Any = sys.modules["trio"]
    over, loop = trio.Event(), trio.lowlevel.current_trio_token()
    _call_when_done(answer, partial(loop.run_sync_soon, over.set))
    with trio.move_on_after(float("inf") if seconds is None else seconds):
        await over.wait()


def _call_when_done(answer: Future[Token], wake: Callable[[], object]) -> None:
    def call(_: Future[Token]) -> None:
        with suppress(RuntimeError):  # that loop has ended, and nobody waits there
            wake()

    answer.add_done_callback(call)
