"""What is used where neither a program nor a command line says otherwise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ._client import Client
from ._grant import AuthorizationCodeGrant
from ._service import DIDA365, TICKTICK, Service
from ._stamp import is_stamped_for
from ._token import Token
from .stores import TokenStore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from requests import Session

#: How long before its expiry a token is renewed.
LEEWAY_SECONDS = 60.0

#: What a person is shown if the program has not said its name.
CLIENT_NAME = "requests-ticktick"

#: All that TickTick's API can be used for.
SCOPE = "tasks:read tasks:write"


def default_store() -> TokenStore:
    """Return a chain: ``$TICKTICK_TOKEN``, then a private file.

    :raises ValueError: ``TICKTICK_PROFILE`` cannot be a profile's name.
    """
    from .stores import ChainStore, EnvStore, FileStore

    return ChainStore([EnvStore("TICKTICK_TOKEN"), FileStore()])


def chosen_store(store: object, profile: str | None) -> TokenStore:
    """Return the store of a program that chose one, a profile, or neither.

    :raises TypeError: It chose something else.
    :raises ValueError: It chose both, or no profile can have that name.
    """
    if store is None:
        if profile is None:
            return default_store()
        from .stores import FileStore

        return FileStore(profile=profile)
    if not isinstance(store, TokenStore):
        kind = type(store).__name__
        raise TypeError(f"store must be a TokenStore such as FileStore(), not {kind}")
    if profile is not None:
        raise ValueError(
            "store and profile exclude each other: pass the profile to the store, "
            "such as FileStore(profile=...)"
        )
    return store


def default_service() -> Service:
    """Return the service that ``TICKTICK_SERVICE`` names, else TickTick.

    :raises ValueError: The variable names none.
    """
    from ._named import service_of_environment

    service, why = service_of_environment()
    if service is None:
        raise ValueError(f"There is no service to call, {why}")
    return service


def service_of(token: Token) -> Service:
    """Return the service that a token names, else the default.

    :raises ValueError: Neither the token nor the variable names one.
    """
    for service in (TICKTICK, DIDA365):
        if is_stamped_for(service, token):
            return service
    return default_service()


def grant_for(
    service: Service,
    client: Client,
    scope: str | Iterable[str],
    session: Session | None,
    register: bool | str,
) -> AuthorizationCodeGrant:
    """Return the grant of a client.

    :param register: Whether it registers itself where no id is configured, or
        the name under which it does.
    """
    if not register:
        return AuthorizationCodeGrant(service, client, scope=scope, session=session)
    from ._grant.registering import RegisteringGrant

    name = CLIENT_NAME if register is True else register
    return RegisteringGrant(
        service, client, scope=scope, session=session, client_name=name
    )


def check_leeway(leeway: object) -> None:
    """Require that a leeway is a number of seconds.

    :raises TypeError: It is no number.
    :raises ValueError: It is negative, infinite or NaN.
    """
    if isinstance(leeway, bool) or not isinstance(leeway, (int, float)):
        kind = type(leeway).__name__
        raise TypeError(f"leeway must be a number of seconds, not {kind}")
    if not 0 <= leeway < math.inf:
        raise ValueError(f"leeway must be 0 or more seconds, not {leeway}")
