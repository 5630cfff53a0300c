"""The names of ticktick-py over this package: one line of imports to change.

::

    from requests_ticktick.compat import OAuth2
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ._auth import TickTickAuth
from ._defaults import LEEWAY_SECONDS
from ._errors import InvalidTokenError, TokenStoreError
from ._retry_session import retry_session
from ._token import Token
from ._value import discreet
from .stores import ChainStore, EnvStore, FileStore

if TYPE_CHECKING:
    from requests import Session

    from ._grant.request import AuthorizationRequest
    from ._service import Service
    from .stores import TokenStore

__all__ = ["OAuth2", "TokenCache", "requests_retry_session", "retry_session"]

#: What ticktick-py calls it.
requests_retry_session = retry_session


class OAuth2:
    """Does what ``ticktick.oauth2.OAuth2`` of ticktick-py 2.0.3 does.

    It reads and writes the same file and variable, and ``TickTickClient`` of
    ticktick-py takes it. Five things are different:

    * The constructor asks nobody and reads nothing. A person is asked when a
      token is first needed: at :meth:`get_access_token`, or where
      :attr:`access_token_info` is read. Where no person can be, that is a
      :exc:`~requests_ticktick.SignOnRequiredError` at once.
    * ``state`` is random and checked, whatever is passed (RFC 6749 10.12).
    * The token of the variable is not written to the file.
    * The client secret and the code are in no URL. A token request is sent
      once, unless a session that was passed repeats it.
    * Threads and processes that share the file share one sign-on.

    :attr:`auth` is what this object is made of: with ``session.auth =
    oauth.auth`` a session needs no token from here any more.

    :param client_id: The app's id.
    :param client_secret: Its secret.
    :param redirect_uri: The redirect URI, exactly as registered. Where it is
        ``http://`` on this machine, nothing has to be pasted.
    :param scope: The scopes to request, separated by spaces.
    :param state: Ignored, as said above.
    :param session: Sends the token requests, by its proxies and certificates,
        and whatever its user sends. Default: :func:`retry_session`'s.
    :param env_key: The name of a variable with a token, such as the literal of
        a dict. It is read before the file.
    :param cache_path: The file. A relative path is resolved at once.
    :param check_cache: Whether the file is read; ``False``: a person is asked
        for the first token, and the file is only written.
    :param service: As for :class:`~requests_ticktick.TickTickAuth`.
    :param sign_on: Likewise.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        redirect_uri: str,
        scope: str = "tasks:write tasks:read",
        state: str | None = None,
        session: Session | None = None,
        env_key: str | None = None,
        cache_path: str | os.PathLike[str] = ".token-oauth",
        check_cache: bool = True,
        *,
        service: Service | None = None,
        sign_on: Callable[[AuthorizationRequest], str] | None = None,
    ) -> None:
        del state  # what a program chooses, others can guess
        #: The session that was passed, or a new one.
        self.session = retry_session() if session is None else session
        self._file = FileStore(cache_path)
        #: The file, as an object with ticktick-py's methods.
        self.cache = TokenCache(self._file)
        self._options: dict[str, Any] = {
            "client_id": client_id,
            "client_secret": client_secret,
            "redirect_uri": redirect_uri,
            "scope": scope,
            "service": service,
            "sign_on": sign_on,
            "session": self.session,
        }
        self._env_key = env_key
        self._check_cache = check_cache
        #: Attaches the token to the requests of any session.
        self.auth = self._auth_with(env_key)

    @property
    def access_token_info(self) -> dict[str, Any]:
        """A valid token as a dict, after a sign-on if one is needed.

        :raises TickTickAuthError: As :meth:`get_access_token` does.
        """
        return self._token(self._check_cache, self._env_key).to_dict()

    @discreet
    def get_access_token(
        self, check_cache: bool | None = None, check_env: str | None = None
    ) -> str:
        """Return a valid access token.

        It is looked for in memory, in the variable and in the file. Then a
        person is asked.

        :param check_cache: Whether the file is read. Default: as the
            constructor was told.
        :param check_env: The name of the variable, likewise.
        :raises InvalidTokenError: The variable is not set, or has no token.
            It is a ``ValueError``, as in ticktick-py.
        :raises TickTickAuthError: No token was found and none could be
            obtained.
        """
        cache = self._check_cache if check_cache is None else check_cache
        variable = self._env_key if check_env is None else check_env
        return self._token(cache, variable).access_token

    @staticmethod
    def is_token_expired(token_dict: Mapping[str, Any]) -> bool:
        """Whether a token has less than a minute left.

        :raises InvalidTokenError: It is no token.
        """
        return Token.from_dict(token_dict).expires_within(LEEWAY_SECONDS)

    @discreet
    def validate_token(
        self, token_dict: Mapping[str, Any] | None
    ) -> Mapping[str, Any] | None:
        """Return this token if it is valid, else another that is.

        :returns: ``None`` for ``None``.
        :raises TickTickAuthError: It has expired, and there is no other.
        """
        if token_dict is None or not self.is_token_expired(token_dict):
            return token_dict
        return self.auth.token().to_dict()

    def _token(self, check_cache: bool, variable: str | None) -> Token:
        if self.auth.peek() is None:
            is_given = variable is not None and self._is_given_by(variable)
            if not (check_cache or is_given):
                return self.auth.sign_on(ask=True)
        return self.auth.token()

    def _is_given_by(self, variable: str) -> bool:
        """Whether a variable has a valid token. It is read from now on.

        :raises InvalidTokenError: It has none at all.
        """
        if variable != self._env_key:
            self._env_key, self.auth = variable, self._auth_with(variable)
        try:
            token = EnvStore(variable).load()
        except TokenStoreError as error:
            raise InvalidTokenError(str(error)) from None
        if token is None:
            raise InvalidTokenError(
                f"The environment variable {variable} is not set. Set it to the token, "
                "as a bare token, JSON or a dict literal; or pass no env_key."
            )
        return not token.expires_within(LEEWAY_SECONDS)

    def _auth_with(self, variable: str | None) -> TickTickAuth:
        store: TokenStore = self._file
        if variable is not None:
            store = ChainStore([EnvStore(variable), store])
        return TickTickAuth(store=store, **self._options)


class TokenCache:
    """The file of an :class:`OAuth2`."""

    def __init__(self, store: FileStore) -> None:
        self._store = store

    @property
    def path(self) -> str:
        """The file's absolute path."""
        return self._store.path

    @discreet
    def get_cached_token(self) -> dict[str, Any] | None:
        """Return the file's token as a dict; ``None`` if there is none.

        :raises TokenStoreError: The file cannot be read.
        """
        token = self._store.load()
        return None if token is None else token.to_dict()

    @discreet
    def write_token_to_cache(self, access_token_info: Mapping[str, Any]) -> None:
        """Replace the file's token.

        :raises InvalidTokenError: It is no token.
        :raises TokenStoreError: The file cannot be written, or has the token
            of another client.
        """
        self._store.save(Token.from_dict(access_token_info))
