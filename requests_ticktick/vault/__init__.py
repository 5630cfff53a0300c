"""The tokens of many people, each in a store of their own.

::

    session.auth = vault.auth("user-17")
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from .._auth import TickTickAuth
from .._errors import SignOnRequiredError
from .._grant.redirect import parameters
from .._grant.request import AuthorizationRequest
from .._sign_on import refuse
from .._stamp import Stamp
from .._token import Token
from .._value import discreet
from ..stores import MemoryStore, TokenStore
from ._begun import Begun, SignOns
from ._names import key_of, name_of
from ._places import Folder, Place, Stores
from ._servers import PREFIX, TABLE, Keys, Rows
from ._shelf import Shelf
from ._waiting import first_new

if TYPE_CHECKING:
    from redis import Redis
    from sqlalchemy import URL, Engine

__all__ = ["TokenVault"]


class TokenVault:
    """Keeps the tokens of many people, and their sign-ons under way.

    ``vault[key]`` is a person's store, ``del vault[key]`` deletes their token,
    ``key in vault`` tells whether there is one, and iteration yields the keys
    of all who have one. A key is any text that names a person, such as the id
    of their account: two keys never share a token.

    Make it by :meth:`files`, :meth:`redis` or :meth:`sql`; or from stores of
    your own, and then begin and complete each sign-on in one process.

    :param stores: Returns a store for a name. Each key has a name of its own,
        which does as the name of a file.
    :param keys: Fernet keys, by which all that is kept is encrypted: the first
        encrypts, all of them decrypt. ``None``: nothing is encrypted.
    :param sign_on_timeout: Seconds that a person has to complete a sign-on.
    :param options: What the :class:`TickTickAuth` of each person is made with:
        ``scope``, ``service``... Nobody is asked unless ``sign_on`` is given.
    :raises TypeError: There is no such option.
    :raises ValueError: An option is out of range, or is ``register``.
    """

    def __init__(
        self,
        stores: Callable[[str], TokenStore] | Place,
        *,
        keys: Iterable[str | bytes] | None = None,
        sign_on_timeout: float = 600.0,
        **options: Any,
    ) -> None:
        if options.get("register"):
            raise ValueError(
                "register=True would register a client for each person. Call "
                "register(...) once for all, and pass what it returns as client_id=."
            )
        self._options = {"sign_on": refuse, **options}
        TickTickAuth(store=MemoryStore(), **self._options)  # says what is wrong
        self._place = stores if isinstance(stores, Place) else Stores(stores)
        seal = None
        if keys is not None:
            from ..stores.encrypted import Seal

            seal = Seal(keys)
        self._shelf = Shelf(self._place, seal)
        self._sign_ons = SignOns(self._place, seal, sign_on_timeout)

    @classmethod
    def files(cls, folder: str | os.PathLike[str], **options: Any) -> TokenVault:
        """Return a vault for all processes of one machine.

        :param folder: One that nothing else uses; made where it is not there.
        :param options: The constructor's, here and below.
        """
        return cls(Folder(folder), **options)

    @classmethod
    def redis(cls, client: Redis, prefix: str = PREFIX, **options: Any) -> TokenVault:
        """Return a vault for all machines that share a Redis.

        :param client: One that a ``RedisStore`` takes.
        :param prefix: What the keys in it begin with.
        """
        return cls(Keys(client, prefix), **options)

    @classmethod
    def sql(
        cls, database: str | URL | Engine, table: str = TABLE, **options: Any
    ) -> TokenVault:
        """Return a vault for all machines that share a database.

        :param database: What a ``SqlStore`` takes.
        :param table: Its table; the sign-ons are in ``<table>_sign_ons``.
        """
        return cls(Rows(database, table), **options)

    def __getitem__(self, key: str) -> TokenStore:
        return self._shelf.store(name_of(key))

    def __delitem__(self, key: str) -> None:
        self._shelf.delete(name_of(key))

    def __contains__(self, key: str) -> bool:
        return self[key].load() is not None

    def __iter__(self) -> Iterator[str]:
        return filter(None, map(key_of, self._place.names()))

    def auth(self, key: str, *, scope: str | None = None) -> TickTickAuth:
        """Return a new auth for a person's requests.

        :param scope: The scopes of this person, if not those of all. A token
            is for its scopes: another needs a key of its own.
        :raises TokenStoreError: The key is empty, or too long.
        """
        options = self._options if scope is None else {**self._options, "scope": scope}
        name = name_of(key)
        auth = TickTickAuth(store=self._shelf.store(name), **options)
        return self._shelf.lend(name, auth)

    def token(self, key: str, *, scope: str | None = None) -> Token | None:
        """Return a person's token, renewed where that takes no sign-on.

        :returns: ``None`` if the person has to sign on.
        :raises TickTickAuthError: Nobody knows, such as in an outage.
        """
        try:
            return self.auth(key, scope=scope).token()
        except SignOnRequiredError:
            return None

    def begin_sign_on(
        self, key: str, *, scope: str | None = None
    ) -> AuthorizationRequest:
        """Begin a sign-on, and keep what any process needs to complete it.

        A person may begin several, such as in two tabs.

        :returns: The request, whose ``url`` the person opens.
        :raises SignOnRequiredError: The client id or secret is missing.
        :raises TokenStoreError: No token could be saved, as in an outage, or
            where there is one for other scopes.
        """
        auth = self.auth(key, scope=scope)
        request = auth.begin_sign_on()
        asked = parse_qs(urlsplit(request.url).query).get("scope", [""])[0]
        stamp = Stamp(request.client_id, request.token_endpoint, asked)
        with auth.source.store.reserve(stamp.put_on(Token("sample"))):
            self._sign_ons.put(Begun(key, asked, request))
        return request

    @discreet
    def complete_sign_on(self, key: str | None, redirected_url: str) -> str:
        """Complete a sign-on, in any process, and save the token.

        :param key: Who has come back, by the session of their browser: one who
            was sent another's link is refused (RFC 9700 4.7). ``None``: who
            has begun it, where nobody else was shown its URL.
        :param redirected_url: The URL that they were redirected to, or its
            query.
        :returns: The key of the person.
        :raises StateMismatchError: Another has begun the sign-on; or it is
            completed, has expired, or was not begun here.
        :raises SignOnError: The URL has no code for it.
        :raises TokenEndpointError: The service did not accept the code.
        :raises TokenStoreError: The token cannot be saved: this process alone
            has it. Or a sign-on cannot be decrypted, and can be completed yet.
        """
        state = parameters(redirected_url).get("state", "")
        owner, scope, request = self._sign_ons.take(state, key)
        auth = self.auth(owner, scope=scope)
        token = auth.complete_sign_on(request, redirected_url)
        found = self[owner].load()
        if found is None or found.access_token != token.access_token:
            # It is in the memory of an auth that is gone in a moment.
            self[owner].save(token)
        return owner

    def wait_for_token(
        self,
        key: str,
        timeout: float = 300.0,
        *,
        scope: str | None = None,
        instead_of: Token | None = None,
    ) -> Token:
        """Wait until a person has signed on, in whatever process.

        :param timeout: Seconds. Those of a person who denies access pass, too.
        :param instead_of: A token that the API has refused.
        :raises SignOnTimeoutError: The person has not.
        :raises TokenStoreError: The store cannot be read. An outage is waited
            out.
        :raises TickTickAuthError: There is a token, and renewing it failed.
        """

        def ask() -> Token | None:
            token = self.token(key, scope=scope)
            return None if token == instead_of else token

        return first_new(self[key], ask, timeout)

    def __repr__(self) -> str:
        return f"<TokenVault {self._place}>"
