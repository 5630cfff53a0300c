"""Asking a person, once about each token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._value import Secret
from ..errors import SignOnError, SignOnRequiredError, TickTickAuthError
from .backoff import Backoff

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
        #: The pause after a sign-on that failed: nobody is asked in a loop.
        self.backoff = Backoff(memory.clock)
        #: The fingerprint of the token that a person was asked to replace.
        self.about: str | None = None
        # A token refused as soon as it was granted, and how long that counts.
        self._stuck = ("", 0.0)

    def ask(self, question: Question, *, early: bool) -> Token:
        """Have a person sign on.

        :param early: Whether the old token still works: nobody is asked twice
            to replace that one, so that a failure begins no pause.
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
            redirected_url = Secret(self._redirected_url(request))
            now = self._memory.clock.time()
            token = self._grant.exchange(request, redirected_url, now=now)
        except SignOnRequiredError:
            self.about = None  # nobody was there
            raise
        except TickTickAuthError as error:
            if not early:
                self.backoff.begin(error)
            raise
        self.backoff.end()
        if refused is not None and refused.access_token == token.access_token:
            self.refused_at_once(token)
        return token

    def _redirected_url(self, request: AuthorizationRequest) -> str:
        try:
            redirected_url = self._sign_on(request)
        except TickTickAuthError:
            raise
        except Exception as error:
            raise SignOnError(
                f"The sign-on failed with {type(error).__name__}, which is this "
                "error's __cause__. Mend what was passed as sign_on, then call "
                "auth.sign_on()."
            ) from error
        if not isinstance(redirected_url, str):
            raise SignOnError(
                f"The sign-on returned {type(redirected_url).__name__}. It must "
                "return the URL that the person was redirected to."
            )
        return redirected_url

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
