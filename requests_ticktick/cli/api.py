"""Asking the API whether it takes a token."""

from __future__ import annotations

from dataclasses import dataclass

import requests

from ..token import Token
from .account import Account
from .services import new_session, projects_url

#: Seconds to connect, and to wait for the answer.
_TIMEOUT = (10.0, 30.0)


@dataclass(frozen=True)
class Verdict:
    """What the API says of a token.

    :param accepted: ``None`` where it did not say.
    :param text: The same in words, with "The API" before it.
    """

    accepted: bool | None
    text: str


def ask_api(account: Account, token: Token) -> Verdict:
    """Make one call with a token, and renew nothing."""

    def bearer(request: requests.PreparedRequest) -> requests.PreparedRequest:
        # As auth, so that no netrc file puts its own in place of the header.
        request.headers["Authorization"] = f"Bearer {token.access_token}"
        return request

    try:
        with new_session(account.service) as session:
            response = session.get(
                projects_url(account.service),
                auth=bearer,
                timeout=_TIMEOUT,
                allow_redirects=False,
            )
    except requests.RequestException as error:
        return Verdict(None, f"could not be reached ({type(error).__name__})")
    status = response.status_code
    if status == 200:
        return Verdict(True, "accepts it")
    if status == 401:
        return Verdict(False, "refuses it")
    # TickTick answers with 500 beyond 100 calls a minute: that is no verdict.
    return Verdict(None, f"answered with HTTP status {status}: try again in a minute")
