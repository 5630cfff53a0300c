"""Which client gets the tokens: a registered app, or one of its own making."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .._client import Client
from .._service import Service
from . import AuthorizationCodeGrant
from .registering import RegisteringGrant

if TYPE_CHECKING:
    from requests import Session

#: What a person is shown if the program has not said its name.
_CLIENT_NAME = "requests-ticktick"


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
    name = _CLIENT_NAME if register is True else register
    return RegisteringGrant(
        service, client, scope=scope, session=session, client_name=name
    )
