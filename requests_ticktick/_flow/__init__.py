"""What clients other than requests need of an auth.

They have no response hooks. Theirs is a flow: a request goes out with the
token, its answer comes back, and it may go out once more.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from .._auth import TickTickAuth
from .._replay import CANNOT_SEND_TWICE

if TYPE_CHECKING:
    from typing_extensions import Self

    from .._errors import SignOnRequiredError
    from .._header import Bearer
    from .._replay import ResponseHook
    from .._token import Token

logger = logging.getLogger("requests_ticktick")


class FlowAuth(TickTickAuth):
    """An auth of requests that can serve another client as well."""

    @classmethod
    def of(cls, auth: TickTickAuth) -> Self:
        """Return an auth that shares the token of another one.

        All that the other one was made with counts for both: the store, the
        sign-on, the service, the events. Each of them sees at once what the
        other one obtains.

        :param auth: Any TickTickAuth, of whichever client.
        :raises TypeError: It is something else.
        """
        _require_auth(auth)
        made = cls.__new__(cls)
        made.__dict__ = auth.__dict__  # and what is known of the token's first use
        return made

    def gets_token(self, url: object) -> bool:
        """Whether the token may go there. What a person may miss is logged."""
        address = str(url)
        if self.guard[address]:
            return True
        self._explain_absence(address)
        return False

    def bearer(self, token: Token) -> Bearer:
        """Return the header of a token."""
        return self._hook_of(token).header

    def is_to_be_renewed(self, token: Token, status: int) -> bool:
        """Whether the API refused a token, and another one may help.

        :param status: Of the API's answer to a request with that token.
        """
        return not self._hook_of(token).stands(status) and status == 401

    def look_at_second(self, token: Token, status: int) -> None:
        """Know what became of the token that a request was sent again with."""
        if status == 401:
            self.source.refused_at_once(token)

    def _hook_of(self, token: Token) -> ResponseHook:
        hook = self._hook
        if hook is None or hook.token is not token:
            hook = self._hook = self._hook_for(token)
        return hook


def log_refusal(error: SignOnRequiredError) -> None:
    """Say why a 401 goes back to the caller: nobody can be asked."""
    logger.warning("The API refused the token. %s", error)


def log_body() -> None:
    """Say why a 401 goes back to the caller although there is a token."""
    logger.warning(CANNOT_SEND_TWICE)


def _require_auth(auth: object) -> None:
    if not isinstance(auth, TickTickAuth):
        kind = type(auth).__name__
        raise TypeError(f"auth must be a TickTickAuth, not {kind}")
