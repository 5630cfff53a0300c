"""Sign-ons under way, where every process finds them by their state."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from typing import TYPE_CHECKING, NamedTuple

from .._errors import SignOnError, StateMismatchError, TokenStoreError
from .._grant.request import AuthorizationRequest
from ._names import key_of, name_of
from ._places import Place

if TYPE_CHECKING:
    from ..stores.encrypted import Seal


class Begun(NamedTuple):
    """A sign-on under way: whose, for which scopes, and what completes it."""

    key: str
    scope: str
    request: AuthorizationRequest


class SignOns:
    """Keeps sign-ons under way, each for one person and one use.

    :param place: Where.
    :param seal: Encrypts them, if there is one.
    :param timeout: Seconds in which a sign-on can be completed.
    """

    def __init__(self, place: Place, seal: Seal | None, timeout: float) -> None:
        self._place = place
        self._seal = seal
        self._timeout = timeout

    def put(self, begun: Begun) -> None:
        """Keep a sign-on.

        :raises TokenStoreError: It cannot be kept.
        """
        digest = _digest(begun.request.state)
        content = {
            "name": name_of(begun.key),
            "scope": begun.scope,
            "until": time.time() + self._timeout,
            "request": begun.request.to_dict(),
        }
        if self._seal is None:
            text = json.dumps(content)
        else:
            text = self._seal.encrypt(content, digest)
        self._place.put(digest, text, self._timeout)

    def take(self, state: str, key: str | None) -> Begun:
        """Return the sign-on that has this state, once.

        :param key: Whose it has to be, if it has to be somebody's.
        :raises StateMismatchError: There is none, or it is another's.
        :raises TokenStoreError: It cannot be decrypted.
        """
        if key is not None:
            name_of(key)  # raises an error before the sign-on is used up
        digest = _digest(state)
        text = self._place.take(digest)
        begun = None
        if text is not None:
            try:
                begun = _read(self._content(text, digest))
            except TokenStoreError:
                # A process that has the key may still complete it.
                self._place.put(digest, text, self._timeout)
                raise
        if text is None or begun is None:
            raise StateMismatchError(
                "There is no such sign-on: it is completed, was not begun here, or "
                f"over {self._timeout:g} s ago. Please begin the sign-on again."
            )
        if key not in (None, begun.key):
            self._place.put(digest, text, self._timeout)  # its person still may
            raise StateMismatchError(
                "The redirect does not belong to this sign-on: another person has "
                "begun it. Please begin the sign-on again."
            )
        return begun

    def _content(self, text: str, digest: str) -> object:
        if self._seal is not None:
            return self._seal.decrypt(text, digest, "the vault")
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(text)
        raise TokenStoreError(
            "What the vault holds was encrypted, and no key is given: pass keys=..., "
            "or begin the sign-on again."
        )


def _read(content: object) -> Begun | None:
    """Return what :meth:`SignOns.put` has kept, unless its time is over."""
    if not isinstance(content, dict):
        return None
    until, key = content.get("until"), key_of(str(content.get("name")))
    if key is None or not isinstance(until, float) or until <= time.time():
        return None
    try:
        request = AuthorizationRequest.from_dict(content.get("request", {}))
    except SignOnError:
        return None
    return Begun(key, str(content.get("scope")), request)


def _digest(state: str) -> str:
    """Return a name for a state, which is secret."""
    return hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()
