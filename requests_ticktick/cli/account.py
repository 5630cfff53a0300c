"""Whose token a command is about."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace

import requests

from ..auth import TickTickAuth
from ..client import Client
from ..owner import Owner
from ..service import Service
from ..sign_on import SignOn
from ..stores import TokenStore
from ..token import Token
from .services import NAMED


@dataclass(frozen=True)
class Account:
    """What the options say: whose token, for what, kept where.

    :param service_name: As it was typed: ``dida365``, or a sandbox's address.
    :param any_scope: Whether no scopes were named.
    :param place: The options that chose the store, to be typed again.
    """

    service: Service
    service_name: str
    client: Client
    scope: str
    any_scope: bool
    store: TokenStore
    place: tuple[str, ...]
    session: requests.Session

    @property
    def title(self) -> str:
        """Return what a person calls the service."""
        named = NAMED.get(self.service_name)
        return f"the sandbox {self.service_name}" if named is None else named[0]

    @property
    def portal(self) -> str | None:
        """Return where its apps are registered; a sandbox has no portal."""
        named = NAMED.get(self.service_name)
        return None if named is None else named[1]

    @property
    def redirect_uri(self) -> str:
        """Return what has to be registered as the app's redirect URI."""
        return self.client.redirect_uri or self.service.default_redirect_uri

    @property
    def owner(self) -> Owner:
        """Return whose token a program with the same settings looks for."""
        return self.owner_of(self.scope)

    def owner_of(self, scope: str | None) -> Owner:
        """Return whose token is meant, for these scopes or for any."""
        return Owner(
            self.client.client_id,
            self.service.token_endpoint,
            scope,
            is_local=self.service.is_local,
        )

    def named_in(self, token: Token) -> Token:
        """Return a token that says for which service it is."""
        return Owner(None, self.service.token_endpoint, None).stamp(token)

    def auth(self, sign_on: SignOn, store: TokenStore | None = None) -> TickTickAuth:
        """Make the plugin, as a program with the same settings does."""
        return TickTickAuth(
            self.client.client_id,
            self.client.client_secret,
            self.client.redirect_uri,
            scope=self.scope,
            store=self.store if store is None else store,
            sign_on=sign_on,
            service=self.service,
            session=None if self.portal else self.session,
        )

    def with_client(self, client_id: str, client_secret: str) -> Account:
        """Return a copy for this client."""
        return replace(
            self, client=Client(client_id, client_secret, self.client.redirect_uri)
        )

    def command(self, *words: str) -> str:
        """Return a command with the same service and store, to be typed."""
        words = ("requests-ticktick", *words)
        if self.service_name != "ticktick":
            words += ("--service", self.service_name)
        return shlex.join(words + self.place)
