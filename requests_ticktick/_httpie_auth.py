"""What a request of HTTPie is sent with, and what is said if it cannot be."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from requests.auth import AuthBase

from . import InvalidTokenError, TickTickAuth, TickTickAuthError, refuse

if TYPE_CHECKING:
    from requests import PreparedRequest

#: What nobody calls an account: a token, another long random text, or a user
#: with a password.
_SECRET = r"(?i)[td]p_.*|[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}|.*:.*|.{41,}"

#: Hosts of which the auth itself tells why they get no token.
_TOLD = r"(.*\.)?(ticktick|dida365)\.com"


class CommandLineAuth(AuthBase):
    """Raises, when it is used, what its making would have raised.

    :param given: The profile on the command line or in a session file.
    """

    def __init__(self, given: str | None) -> None:
        #: The profile; ``None`` if it was none, and perhaps a secret.
        self.profile: str | None = None
        self._auth: TickTickAuth | None = None
        self._error: TickTickAuthError | None = None
        try:
            _require_no_secret(given)
            self._auth = TickTickAuth(profile=given, sign_on=refuse)
            self.profile = given
        except TickTickAuthError as error:
            self._error = error
        except ValueError as error:
            self._error = TickTickAuthError(f"{error}.")

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Put the token on, or say that there is none.

        :raises TickTickAuthError: There is no usable token, or no account.
        """
        if self._auth is None:
            assert self._error is not None  # one of them is there
            raise self._error
        if not self._auth.guard[r.url]:
            _tell_of_no_token(r.url or "")
        return self._auth(r)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} profile={self.profile!r}>"


def _require_no_secret(given: str | None) -> None:
    """Require that a text can be a profile. It is not quoted: it may be a key.

    :raises InvalidTokenError: It looks like a secret, or is no profile.
    """
    if given is None:
        return
    if re.fullmatch(_SECRET, given, re.DOTALL):
        raise InvalidTokenError(
            "-a takes the name of a profile, and what was given looks like a secret. "
            "It was not used or saved, but your shell's history may have it. Put a "
            "token into TICKTICK_TOKEN, or run: requests-ticktick login"
        )
    if not re.fullmatch(r"\w[\w.@+-]*", given):
        raise InvalidTokenError(
            "-a takes the name of a profile: letters, digits and . _ @ + - alone. "
            "Run: requests-ticktick accounts"
        )


def _tell_of_no_token(url: str) -> None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if re.fullmatch(_TOLD, host) is None:
        sys.stderr.write(
            f"http: warning: no token was sent to {parts.scheme}://{host}, which is "
            "not TickTick's API. Call https://api.ticktick.com/open/v1/...\n"
        )
