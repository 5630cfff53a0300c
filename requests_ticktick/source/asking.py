"""Asking a person, once about each token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._value import Secret
from ..errors import SignOnError, SignOnRequiredError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..grant import AuthorizationCodeGrant, AuthorizationRequest
    from ..token import Token
    from .memory import Memory
    from .question import Question

#: Seconds in which nobody is asked again for what the API refuses as soon as
#: it was granted: something else is wrong.
_IN_VAIN = 600.0


class Asking:
    """Gets a token by way of a person, and remembers about what it asked.

    :param grant: How to get a token.
    :param sign_on: How a person is asked.
    :param memory: What is known.
    """

    def __init__(
        self,
        grant: AuthorizationCodeGrant,
        sign_on: Callable[[AuthorizationRequest], str],
        memory: Memory,
    ) -> None:
        self._grant = grant
        self._sign_on = sign_on
        self._memory = memory
        #: The fingerprint of the token that a person was asked to replace.
        self.about: str | None = None
        # A token refused as soon as it was granted, and how long that counts.
        self._stuck = ("", 0.0)

    def ask(self, question: Question) -> Token:
        """Have a person sign on.

        :raises SignOnRequiredError: Nobody is there, or it would be in vain.
        """
        refused = question.instead_of
        if refused is not None and self._is_stuck(refused):
            raise SignOnRequiredError(
                "A sign-on has just granted it; another would be in vain. Remove this "
                "app's access in TickTick's settings, then run: requests-ticktick login"
            )
        request = self._grant.begin()
        held = None if question.forced else self._memory.held
        self.about = "" if held is None else held.token.fingerprint
        try:
            redirected_url = self._sign_on(request)
        except SignOnRequiredError:
            self.about = None  # nobody was there
            raise
        if not isinstance(redirected_url, str):
            raise SignOnError(
                f"The sign-on returned {type(redirected_url).__name__}. It must "
                "return the URL that the person was redirected to."
            )
        redirected_url = Secret(redirected_url)
        now = self._memory.clock.time()
        token = self._grant.exchange(request, redirected_url, now=now)
        if refused is not None and refused.access_token == token.access_token:
            self.refused_at_once(token)
        return token

    def refused_at_once(self, token: Token) -> None:
        """Know that the API refuses a token at its first use.

        Whoever was asked for it: two processes would else ask in turn.
        """
        clock = self._memory.clock
        if abs(clock.time() - (token.issued_at or 0.0)) < _IN_VAIN:
            self._stuck = token.access_token, clock.monotonic() + _IN_VAIN

    def _is_stuck(self, token: Token) -> bool:
        access_token, until = self._stuck
        is_over = self._memory.clock.monotonic() >= until
        return token.access_token == access_token and not is_over
