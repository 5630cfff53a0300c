"""What becomes of the token: events for the program, and lines in the log.

Both are told outside every lock. A callback may then do what it likes: use the
auth, wait for another thread, or take its time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from ..._errors import TickTickAuthError
from ..._times import local_time
from ..._value import Value, public
from .telling import is_nested, tell_later, tell_meanwhile

if TYPE_CHECKING:
    from ..._token import Token
    from ...stores import TokenStore
    from .telling import Listener

logger = logging.getLogger("requests_ticktick")

#: What the log says of each kind of event, and how loudly. That a token was
#: found is the normal case.
_LINES = {
    "found": (0, ""),
    "renewed": (logging.INFO, "Renewed: the token {token} is {valid}."),
    "signed_on": (logging.INFO, "Signed on: the token {token} is {valid}."),
    "reused": (
        logging.INFO,
        "Another thread or process has the token {token} in {place}, {valid}. It is "
        "used here as well.",
    ),
    "waiting": (logging.INFO, "Waiting for {reason}."),
    "refused": (logging.INFO, "The API refused the token {token}."),
    "failed": (logging.DEBUG, "No token was obtained. {reason}"),
    "expiring": (logging.INFO, "The token {token} in {place} expires in {left} days."),
    "saved": (logging.INFO, "Saved the token {token} in {place}."),
}

#: Tokens that an auth remembers to have told of.
_REMEMBERED_TOKENS = 64


@public
class Event(Value):
    """What became of a token. It holds no secret.

    :param kind: ``found``, ``renewed``, ``signed_on``, ``reused``,
        ``waiting``, ``refused``, ``failed``, ``expiring`` or ``saved``.
    :param fingerprint: The token's name in logs, if it is about a token.
    :param place: Where the token is kept, or is about to be. A file's path, a
        variable such as ``$TICKTICK_TOKEN``, or another store's ``repr``.
    :param seconds: How long it took; of ``expiring``, how long is left.
    :param reason: Why it failed, or who is waited for: a text for people.
    :param expires_at: When the token expires, in epoch seconds; ``None`` if
        unknown.
    """

    __slots__ = ("expires_at", "fingerprint", "kind", "place", "reason", "seconds")

    kind: str
    fingerprint: str | None
    place: str | None
    seconds: float | None
    reason: str | None
    expires_at: float | None

    def __init__(
        self,
        kind: str,
        fingerprint: str | None = None,
        place: str | None = None,
        seconds: float | None = None,
        reason: str | None = None,
        expires_at: float | None = None,
    ) -> None:
        self._set(
            kind=kind,
            fingerprint=fingerprint,
            place=place,
            seconds=seconds,
            reason=reason,
            expires_at=expires_at,
        )

    def __repr__(self) -> str:
        names = ("fingerprint", "place", "seconds", "reason", "expires_at")
        known = [(name, getattr(self, name)) for name in names]
        fields = [f"{name}={value!r}" for name, value in known if value is not None]
        return f"Event({', '.join([repr(self.kind), *fields])})"


class Events:
    """Tells a program and the log, in the order in which things happened.

    :param listener: The program's, if it wants to know.
    :param store: Where tokens are kept.
    """

    __slots__ = ("_known", "_store", "listener")

    def __init__(self, listener: Listener | None, store: TokenStore) -> None:
        self.listener = listener
        self._store = store
        self._known: dict[object, object] = {}

    def tell(self, kind: str, token: Token | None = None, **fields: Any) -> None:
        """Tell of an event, once this thread holds no lock.

        :param fields: Those of the event that the token does not have.
        """
        if token is not None:
            self._is_new(token)
        if self._is_heard(kind):
            tell_later(partial(self._tell, kind, token, fields))

    def found(self, token: Token) -> None:
        """Tell of a token that was read from a store, once."""
        is_first = not self._known
        if self._is_new(token):
            self.tell("found" if is_first else "reused", token)

    def wait_for(self, holder: str | None, *, leads: bool) -> None:
        """Tell now that this thread waits.

        :param leads: Whether other threads wait for this one. The program is
            then told by a thread that nobody waits for.
        """
        who = (holder or "another process").replace(" since ", ", signing on since ")
        if not self._is_heard("waiting"):
            return
        tell = partial(self._tell, "waiting", None, {"reason": who})
        if self.listener is None or not (leads or is_nested()):
            tell()
        else:
            tell_meanwhile(tell)

    def wait_for_thread(self) -> None:
        """Tell now that this thread waits for another one."""
        self.wait_for("another thread of this process", leads=False)

    @contextmanager
    def failures_told(self) -> Iterator[None]:
        """Tell of an error that leaves the block, if it is a new one."""
        began = time.monotonic()
        try:
            yield
        except TickTickAuthError as error:
            if not error.is_repeated:
                seconds, kind = time.monotonic() - began, type(error).__name__
                self.tell("failed", seconds=seconds, reason=f"{kind}: {error}")
            raise

    def _is_heard(self, kind: str) -> bool:
        level, line = _LINES[kind]
        return self.listener is not None or bool(line and logger.isEnabledFor(level))

    def _is_new(self, token: Token) -> bool:
        if not self._is_heard("reused"):
            return False  # nobody would be told
        # The hash and not the token, which may be forgotten.
        mine, key = object(), (hash(token.access_token), token.issued_at)
        # dict.setdefault is atomic: of two threads, one is first.
        is_new = self._known.setdefault(key, mine) is mine
        for oldest in list(self._known)[:-_REMEMBERED_TOKENS]:
            self._known.pop(oldest, None)
        return is_new

    def _tell(self, kind: str, token: Token | None, fields: dict[str, Any]) -> None:
        if token is not None:
            known = {"fingerprint": token.fingerprint, "expires_at": token.expires_at}
            fields = {**known, **fields}
            if "place" not in fields:
                from .places import place_of_token  # only where somebody listens

                fields["place"] = place_of_token(self._store, token)
        event = Event(kind, **fields)
        _log(event)
        if self.listener is not None:
            self.listener(event)


def _log(event: Event) -> None:
    level, line = _LINES[event.kind]
    if not line:
        return
    if event.kind == "saved" and event.reason is not None:
        line = "The token that was used from memory is saved."
    until = local_time(event.expires_at) if event.expires_at is not None else None
    text = line.format(
        token=event.fingerprint,
        place=event.place or "memory",
        reason=event.reason,
        left=round((event.seconds or 0.0) / 86_400.0),
        valid="valid" if until is None else f"valid until {until}",
    )
    logger.log(level, "%s", text)
