"""``logout --revoke``: the service ends the token."""

from __future__ import annotations

import time
from dataclasses import replace

from .._errors import RevocationError
from .._sign_on import refuse
from .._stamp import Stamp
from .account import Account
from .found import Found, look
from .output import CommandError, answer

#: What the library advises programs to do, and what a person types instead.
_COMMANDS = {
    "call auth.forget() (or run: requests-ticktick logout)": ("logout",),
    "call auth.revoke() again": ("logout", "--revoke"),
    "call auth.revoke()": ("logout", "--revoke"),
}


def revoke(account: Account, stamp: Stamp) -> list[Found]:
    """Have the service revoke all tokens that fit, and remove them.

    :returns: The tokens that were revoked.
    :raises CommandError: One may still be valid. It is still kept.
    """
    found = [item for item in look(account, now=time.time()) if stamp.fits(item.token)]
    scopes = {Stamp.of(item.token).scope or account.scope: None for item in found}
    for scope in scopes:
        try:
            replace(account, scope_option=scope).auth(refuse).revoke()
        except RevocationError as error:
            raise CommandError(_as_commands(str(error), account)) from None
    for item in found:
        where = f", and removed it from {item.place}" if item.store.writable else ""
        answer(f"Revoked the token {item.token.fingerprint}{where}")
    return found


def _as_commands(text: str, account: Account) -> str:
    for call, words in _COMMANDS.items():
        text = text.replace(call, f"run: {account.command(*words)}")
    return text
