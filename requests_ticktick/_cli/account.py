"""Whose token a command is about, and how its service is reached."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import requests

from .._client import Client
from .._defaults import SCOPE
from .._pasted import unwrapped
from .._service import Service
from .._stamp import Stamp
from .._token import Token
from ..stores import TokenStore

if TYPE_CHECKING:
    from .._auth import TickTickAuth
    from .._sign_on import SignOn
    from .._source.events import Event

#: What a person calls a service, and where its apps are registered.
_TITLES_AND_PORTALS = {
    "ticktick": ("TickTick", "https://developer.ticktick.com/manage"),
    "dida365": ("Dida365", "https://developer.dida365.com/manage"),
}


@dataclass(frozen=True)
class Account:
    """A client of a service, the scopes it asks for, and where its token is.

    :param service_name: ``ticktick``, ``dida365``, or a sandbox's address.
    :param scope_option: The scopes that were typed, if any were.
    :param store_options: The options that chose the store, to be typed again.
    :param registers: Whether a sign-on registers a client (RFC 7591).
    """

    service: Service
    service_name: str
    client: Client
    scope_option: str | None
    store: TokenStore
    store_options: tuple[str, ...]
    registers: bool = False

    @property
    def profile(self) -> str | None:
        """Return the profile that was named for a file, if one was."""
        typed = self.store_options
        if typed[:1] == ("--profile",):
            return typed[1]
        if typed or os.environ.get("TICKTICK_TOKEN_FILE"):
            return None
        return unwrapped(os.environ.get("TICKTICK_PROFILE", "")) or None

    @property
    def title(self) -> str:
        """Return what a person calls the service."""
        return title_of(self.service_name)

    @property
    def portal(self) -> str | None:
        """Return where apps are registered. A sandbox has no such page."""
        known = _TITLES_AND_PORTALS.get(self.service_name)
        return None if known is None else known[1]

    @property
    def redirect_uri(self) -> str:
        """Return the redirect URI that has to be registered for the app."""
        return self.client.redirect_uri or self.service.default_redirect_uri

    @property
    def scope(self) -> str:
        """Return the scopes that a sign-on asks for."""
        return SCOPE if self.scope_option is None else self.scope_option

    @property
    def stamp(self) -> Stamp:
        """Return whose token a program with the same settings uses."""
        return self.stamp_of(self.scope)

    def stamp_of(self, scope: str | None) -> Stamp:
        """Return whose token is meant.

        :param scope: The scopes requested for it; ``None`` for any.
        """
        return Stamp(
            self.client.client_id,
            self.service.token_endpoint,
            scope,
            is_local=self.service.is_local,
            is_registered=self.registers,
        )

    def stamp_service(self, token: Token) -> Token:
        """Return the token, marked with the service it is for."""
        return Stamp(None, self.service.token_endpoint, None).put_on(token)

    def auth(
        self,
        sign_on: SignOn,
        store: TokenStore | None = None,
        on_event: Callable[[Event], object] | None = None,
    ) -> TickTickAuth:
        """Return the auth object of a program with the same settings."""
        from .._auth import TickTickAuth  # not for "token", which scripts wait for

        return TickTickAuth(
            self.client.client_id,
            self.client.client_secret,
            self.client.redirect_uri,
            scope=self.scope,
            store=self.store if store is None else store,
            sign_on=sign_on,
            service=self.service,
            register=self.registers,
            on_event=on_event,
        )

    def with_client(self, client_id: str, client_secret: str | None) -> Account:
        """Return a copy for this client."""
        return replace(
            self, client=Client(client_id, client_secret, self.client.redirect_uri)
        )

    def command(self, *words: str) -> str:
        """Return a command for the same service and store, to be typed."""
        words = ("requests-ticktick", *words)
        if self.service_name != "ticktick":
            words += ("--service", self.service_name)
        return shlex.join(words + self.store_options)


def title_of(service_name: str) -> str:
    """Return what a person calls a service."""
    known = _TITLES_AND_PORTALS.get(service_name)
    return f"the sandbox {service_name}" if known is None else known[0]


def new_session(service: Service) -> requests.Session:
    """Return a session that reaches the service from this machine."""
    session = requests.Session()
    # The proxy that leads to the internet does not lead back to this machine.
    session.trust_env = not service.is_local
    return session


def projects_url(service: Service) -> str:
    """Return the URL whose GET request costs the API least."""
    return urljoin(service.api_origins[0], "/open/v1/project")
