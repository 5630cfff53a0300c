"""The token that programs of an account use, for commands that hand it on."""

from __future__ import annotations

import time
from contextlib import suppress

from .._errors import SignOnRequiredError
from .._sign_on import refuse
from .._token import Token
from .account import Account
from .found import Found, each, why_none
from .output import CommandError


def valid_token(account: Account, *, may_sign_on: bool) -> Token:
    """Return a valid token of an account.

    Scripts run such a command before each call: it loads what it needs.

    :param may_sign_on: Whether a person is asked where there is none.
    :raises CommandError: There is none. It names the command to run.
    """
    found: list[Found] = []
    for item in each(account, now=time.time()):
        if item.is_fresh:
            return item.token
        found.append(item)
    if found:
        # A refresh token may be among them; or another process renews one.
        with suppress(SignOnRequiredError):
            return account.auth(refuse).token()
    if may_sign_on:
        from .login.signing_on import sign_on

        return sign_on(account, None, saved=True)[0]
    reasons = " ".join(why_none(found, account))
    raise CommandError(f"{reasons} Run: {account.command('login')}")
