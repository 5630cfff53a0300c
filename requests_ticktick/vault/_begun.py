"""Sign-ons under way, where every process finds them by their state."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from .._errors import StateMismatchError
from .._grant import AuthorizationRequest
from ._names import name_of
from ._places import Place

if TYPE_CHECKING:
    from ..stores.encrypted import Seal


class Begun(NamedTuple):
    """A sign-on under way: whose, for which scopes, and what completes it."""

    name: str
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
        state = _digest(begun.request.state)
        content = {
            "name": begun.name,
            "scope": begun.scope,
            "until": time.time() + self._timeout,
            "request": begun.request.to_dict(),
        }
        self._put(state, content)

    def take(self, state: str, key: str | None) -> Begun:
        """Return the sign-on that has this state, once.

        :param key: Whose it has to be, if it has to be somebody's.
        :raises StateMismatchError: There is none, or it is another's.
        """
        content = self._take(_digest(state))
        if content is None or content["until"] <= time.time():
            raise StateMismatchError(
                "There is no such sign-on: it is completed, was not begun here, or "
                f"over {self._timeout:g} s ago. Please begin the sign-on again."
            )
        if key is not None and content["name"] != name_of(key):
            self._put(_digest(state), content)  # its person may still complete it
            raise StateMismatchError(
                "The redirect does not belong to this sign-on: another person has "
                "begun it. Please begin the sign-on again."
            )
        request = AuthorizationRequest.from_dict(content["request"])
        return Begun(content["name"], content["scope"], request)

    def _put(self, state: str, content: dict[str, Any]) -> None:
        if self._seal is None:
            text = json.dumps(content)
        else:
            text = self._seal.encrypt(content, state)
        self._place.put(state, text, self._timeout)

    def _take(self, state: str) -> dict[str, Any] | None:
        text = self._place.take(state)
        if text is None:
            return None
        if self._seal is not None:
            found: dict[str, Any] = self._seal.decrypt(text, state, "the vault")
            return found
        try:
            found = json.loads(text)
        except ValueError:
            return None  # encrypted, before somebody took the keys away
        return found


def _digest(state: str) -> str:
    """Return a name for a state, which is secret."""
    return hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()
