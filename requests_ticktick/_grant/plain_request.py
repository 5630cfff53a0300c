"""One request for which requests-oauthlib has no method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import requests

from .._service import Service
from .._urls import without_query
from .._value import discreet
from . import token_endpoint
from .credentials import Credentials
from .endpoint import EndpointResponse
from .no_response import explain
from .transport import post

R = TypeVar("R", bound=EndpointResponse)


@discreet
def send(
    kind: type[R],
    service: Service,
    fields: Mapping[str, Any],
    *,
    credentials: Credentials | None = None,
    secrets: Mapping[str, str] | None = None,
    as_json: bool = False,
    redirect_uri: str,
    session: requests.Session | None,
    now: float,
) -> R:
    """Send the fields under the limits of a token request.

    :param kind: Reads the response of its endpoint, which the service has.
    :param credentials: How the client authenticates itself, if it does.
    :param secrets: Further fields, which no message may show.
    :raises TickTickAuthError: The kind's error: no response came.
    """
    url: str = getattr(service, kind.parameter)
    known = Credentials("none", "", None) if credentials is None else credentials
    form = fields if credentials is None else {**fields, **credentials.fields}
    secrets = secrets or {}
    media_type = "json" if as_json else "x-www-form-urlencoded"
    try:
        response = post(
            url,
            {**form, **secrets},
            as_json=as_json,
            headers={
                "Accept": "application/json",
                "Content-Type": f"application/{media_type}",
            },
            auth=known.auth,
            session=session,
            timeout=token_endpoint.TIMEOUT,
            deadline=token_endpoint.DEADLINE,
        )
    except Exception as error:
        # Anything that requests, an adapter or a user's session raises. It
        # refers to the request, which contains the token.
        explanation = explain(error, kind.parameter)
    else:
        return kind(
            service,
            response,
            secrets=[*secrets.values(), *known.withheld],
            redirect_uri=redirect_uri,
            now=now,
        )
    name = kind.parameter.replace("_", " ")
    raise kind.error_class(
        f"No response from the {name} {without_query(url)} {explanation}"
    )
