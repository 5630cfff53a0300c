"""The operating system's keychain, which may be absent, locked or slow."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import keyring
from keyring.backend import KeyringBackend
from keyring.backends import chainer, null
from keyring.errors import KeyringLocked, NoKeyringError, PasswordDeleteError

from .._value import PerProcess

T = TypeVar("T")

_CHOOSE = (
    "Choose another in PYTHON_KEYRING_BACKEND or keyringrc.cfg (python -m keyring "
    "--list-backends shows which there are), or use FileStore()."
)


class KeychainError(Exception):
    """A problem with the keychain, and its remedy, as the message."""


class Keychain:
    """Asks keyring, with a time-out.

    :param timeout: How long to wait for an answer, in seconds.
    """

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        # Threads ask one at a time, so that a person sees one dialog at a
        # time.
        self._turn = PerProcess(threading.Lock)
        self._unanswered: threading.Thread | None = None

    def ask(self, question: Callable[[KeyringBackend], T]) -> T:
        """Return the answer to a question.

        :param question: Called in a thread of its own. The thread is abandoned
            after the time-out: neither D-Bus nor a dialog can be interrupted.
        :raises KeychainError: There is no answer.
        """
        turn = self._turn.get()
        if not turn.acquire(timeout=self.timeout):
            raise self._no_answer()
        try:
            # While a dialog is unanswered, no other dialog is opened.
            if self._unanswered is not None:
                self._wait_for(self._unanswered)
            answer = _Answer(question)
            thread = threading.Thread(
                target=answer.find, name="asks the keychain", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:
                raise KeychainError(
                    "It cannot be asked, as no thread can be started: the program is "
                    "ending, or at a limit of this machine. Ask earlier, or use "
                    "FileStore()."
                ) from None
            self._wait_for(thread)
        finally:
            turn.release()
        return answer.get()

    def _wait_for(self, thread: threading.Thread) -> None:
        thread.join(self.timeout)
        # In a forked child, the parent's thread is not alive.
        if thread.is_alive():
            self._unanswered = thread
            raise self._no_answer()

    def _no_answer(self) -> KeychainError:
        return KeychainError(
            f"It did not answer within {self.timeout:g} s. Unlock it, or answer its "
            "question on the screen, then try again; where nobody can, use FileStore()."
        )


class _Answer(Generic[T]):
    """The answer that a thread finds."""

    def __init__(self, question: Callable[[KeyringBackend], T]) -> None:
        self._question = question
        self._found: list[T] = []
        self._problem = ""

    def find(self) -> None:
        try:
            self._found.append(self._question(_backend()))
        except BaseException as error:
            # Backends let exceptions of their libraries pass, whose messages
            # may contain the token.
            self._problem = _problem_of(error)

    def get(self) -> T:
        if self._problem:
            raise KeychainError(self._problem)
        return self._found[0]


def password(backend: KeyringBackend, service: str, name: str) -> str | None:
    """Return a password, or ``None`` if there is none.

    :raises KeychainError: The backend returned something other than text.
    """
    answer: object = backend.get_password(service, name)
    if answer is None or isinstance(answer, str):
        return answer
    kind = type(answer).__name__
    raise KeychainError(f"Its backend answered with {kind}, and not a text. {_CHOOSE}")


def delete(backend: KeyringBackend, service: str, *names: str) -> None:
    """Delete the passwords that exist."""
    for name in names:
        try:
            backend.delete_password(service, name)
        except PasswordDeleteError:  # raised also if there was none
            if backend.get_password(service, name) is not None:
                raise


def _backend() -> KeyringBackend:
    """Return keyring's backend.

    :raises KeychainError: The backend keeps nothing.
    """
    backend = keyring.get_keyring()
    if isinstance(backend, null.Keyring) or (
        isinstance(backend, chainer.ChainerBackend) and not backend.backends
    ):
        name = f"{type(backend).__module__}.{type(backend).__qualname__}"
        raise KeychainError(f"Its backend {name} forgets everything. {_CHOOSE}")
    return backend


def _problem_of(error: BaseException) -> str:
    if isinstance(error, KeychainError):
        return str(error)
    if isinstance(error, KeyringLocked):
        return "It is locked. Unlock it, then try again."
    if isinstance(error, NoKeyringError):
        return (
            "There is none that keyring can use. On Linux, run gnome-keyring or "
            "KWallet in a session with D-Bus; where there is none, use FileStore()."
        )
    return f"It failed ({type(error).__name__}). {_CHOOSE}"
