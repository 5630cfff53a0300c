"""The clients: the registered app, and those that registered themselves."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .._service import is_loopback
from ._policy import SCOPES, Policy

#: So many registered clients are kept; the oldest are forgotten.
MAX_CLIENTS = 1000

#: The only values that TickTick is known to register.
_METADATA = {
    "grant_types": ({"authorization_code"}, {"authorization_code", "refresh_token"}),
    "response_types": ({"code"},),
}


class MetadataError(ValueError):
    """The metadata of a client cannot be registered (RFC 7591 3.2.2).

    :param error: ``invalid_redirect_uri`` or ``invalid_client_metadata``.
    """

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


@dataclass(frozen=True)
class Client:
    """A client of the authorization server."""

    client_id: str
    name: str
    redirect_uris: tuple[str, ...]
    is_public: bool


class Clients:
    """Knows the clients. Any thread may ask and register.

    :param policy: The app that somebody registered at the portal.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._lock = threading.Lock()
        self._registered: dict[str, Client] = {}

    def find(self, client_id: str | None) -> Client | None:
        """Return the client that has this id."""
        policy = self._policy
        if client_id == policy.client_id:
            uris = tuple(policy.redirect_uris)
            return Client(policy.client_id, policy.client_id, uris, policy.public)
        with self._lock:
            return self._registered.get(client_id or "")

    def register(self, metadata: Mapping[str, Any]) -> Client:
        """Register a public client (RFC 7591 3.1).

        :raises MetadataError: The metadata are refused.
        """
        uris = _redirect_uris(metadata)
        _check(metadata)
        client_id = f"registered{secrets.token_hex(8)}"
        name = str(metadata.get("client_name") or client_id)
        client = Client(client_id, name, uris, is_public=True)
        with self._lock:
            self._registered[client_id] = client
            while len(self._registered) > MAX_CLIENTS:
                del self._registered[next(iter(self._registered))]
        return client

    def registered(self) -> list[str]:
        """List the ids of those that registered themselves, oldest first."""
        with self._lock:
            return list(self._registered)

    def forget(self) -> None:
        """Know none of those that registered themselves any more."""
        with self._lock:
            self._registered.clear()


def _redirect_uris(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    uris = metadata.get("redirect_uris")
    if not isinstance(uris, list) or not uris:
        raise MetadataError("invalid_redirect_uri", "redirect_uris is missing")
    for uri in uris:
        if not isinstance(uri, str) or not _is_allowed(uri):
            raise MetadataError(
                "invalid_redirect_uri",
                f"{uri} is neither https:// nor on a loopback address",
            )
    return tuple(uris)


def _is_allowed(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError:
        return False
    if parts.fragment or not host:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))


def _check(metadata: Mapping[str, Any]) -> None:
    if metadata.get("token_endpoint_auth_method") != "none":
        raise MetadataError(
            "invalid_client_metadata", "token_endpoint_auth_method must be none"
        )
    for name, allowed in _METADATA.items():
        if name in metadata and _set_of(metadata[name]) not in allowed:
            raise MetadataError("invalid_client_metadata", f"{name} is not supported")
    scope = metadata.get("scope", "")
    if not isinstance(scope, str) or not set(scope.split()) <= set(SCOPES):
        raise MetadataError("invalid_client_metadata", "scope is not supported")


def _set_of(values: object) -> set[Any]:
    is_list = isinstance(values, list) and all(isinstance(v, str) for v in values)
    return set(values) if is_list and isinstance(values, Iterable) else set()
