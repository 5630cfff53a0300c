"""Asking a person, once about each token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._errors import (
    RegistrationError,
    SignOnError,
    SignOnRequiredError,
    TickTickAuthError,
)
from .._value import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._grant import AuthorizationCodeGrant
    from .._grant.request import AuthorizationRequest
    from .._token import Token
    from .backoff import Backoff
    from .snapshot import Snapshot
    from .wallet import Wallet

#: Seconds in which no person is asked to replace a token that the API refused
#: as soon as it was granted: signing on does not help there.
_STUCK_SECONDS = 600.0

#: Such tokens, by client, with the end of that time. The whole process shares
#: them, since a program may make an auth for each call.
stuck: dict[tuple[object, str], float] = {}
_REMEMBERED_TOKENS = 64


class Asking:
    """Asks a person, once about each token.

    :param grant: Exchanges the code for a token.
    :param sign_on: Asks a person for access.
    :param wallet: Has the token that a person is asked to replace.
    """

    def __init__(
        self,
        grant: AuthorizationCodeGrant,
        sign_on: Callable[[AuthorizationRequest], str],
        wallet: Wallet,
    ) -> None:
        self._grant = grant
        self._sign_on = sign_on
        self._wallet = wallet
        #: The fingerprint of the token that a person was asked to replace;
        #: empty if there was none; ``None`` if nobody was asked.
        self.about: str | None = None

    def ask(self, snapshot: Snapshot, pause: Backoff, *, early: bool) -> Token:
        """Have a person sign on.

        :param pause: Begins if the sign-on fails.
        :param early: Whether the old token still works. A failure then begins
            no pause, as no person is asked twice to replace one token.
        :raises SignOnRequiredError: Nobody can be asked, or a sign-on would
            not help.
        """
        refused = snapshot.refused
        if refused is not None and self._is_stuck(refused):
            raise SignOnRequiredError(
                "A sign-on has just granted it; another would be in vain. Remove this "
                "app's access in TickTick's settings, then run: requests-ticktick login"
            )
        from .._sign_on import require_person  # not for a refresh token

        # Nobody has to configure a client where nobody could sign on, and none
        # is registered.
        require_person(self._sign_on)
        request = self._begin(pause)
        current = None if snapshot.forced else self._wallet.current
        self.about = "" if current is None else current.token.fingerprint
        try:
            token = self._granted(request)
        except SignOnRequiredError:
            self.about = None  # nobody was there
            raise
        except TickTickAuthError as error:
            if not early:
                pause.begin(error)
            raise
        pause.end()
        if refused is not None and refused.access_token == token.access_token:
            self.refused_at_once(token)
        return token

    def _begin(self, pause: Backoff) -> AuthorizationRequest:
        try:
            return self._grant.begin(self._wallet.ours(self._wallet.read()))
        except RegistrationError as error:
            pause.begin(error, error.retry_after)
            raise

    def _granted(self, request: AuthorizationRequest) -> Token:
        try:
            return self._exchanged(request)
        except TickTickAuthError as error:
            again = self._grant.begin_again(request, error)
            if again is None:
                raise
        return self._exchanged(again)

    def _exchanged(self, request: AuthorizationRequest) -> Token:
        redirected_url = Secret(self._redirected_url(request))
        now = self._wallet.deadlines.clock.time()
        return self._grant.exchange(request, redirected_url, now=now)

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
        clock = self._wallet.deadlines.clock
        if abs(clock.time() - (token.issued_at or 0.0)) < _STUCK_SECONDS:
            key = self._grant.terms, Secret(token.access_token)
            stuck[key] = clock.monotonic() + _STUCK_SECONDS
            for oldest in list(stuck)[:-_REMEMBERED_TOKENS]:
                stuck.pop(oldest, None)

    def _is_stuck(self, token: Token) -> bool:
        until = stuck.get((self._grant.terms, token.access_token))
        return until is not None and self._wallet.deadlines.clock.monotonic() < until
