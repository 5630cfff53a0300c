"""``login --with-token``: a token that is there already."""

from __future__ import annotations

import sys
import time

import click

from ..._stamp import PREFIXES, Stamp
from ..._token import Token
from ..._usable import is_alive
from ...stores import _files, _payload
from ..account import Account
from ..found import Verdict, ask_api
from ..output import CommandError
from .signing_on import keep, require_room


def read_token(
    account: Account, *, check: bool, saved: bool
) -> tuple[Token, str | None, Verdict | None]:
    """Read a token from standard input, and keep it.

    :param check: Whether the API has to accept it.
    :param saved: Whether the account's store gets it.
    :returns: The token, where it was saved, and what the API said.
    :raises CommandError: There is none, it is for another service, or the API
        refuses it.
    :raises TickTickAuthError: It cannot be saved.
    """
    if saved:
        require_room(account)
    token = account.stamp_service(_usable(account, _read()))
    verdict = ask_api(account, token) if check else None
    if verdict is not None and verdict.accepted is False:
        raise CommandError(
            f"The API refuses the token {token.fingerprint}, which is not kept. "
            f"Copy it again, or sign on: {account.command('login')}"
        )
    return token, keep(account, token) if saved else None, verdict


def _read() -> str | bytes:
    """Return standard input; at a terminal, what is typed without an echo."""
    if sys.stdin is None:
        raise CommandError("Standard input is closed: pipe the token to it.")
    if sys.stdin.isatty():
        typed: str = click.prompt("Token (hidden)", hide_input=True, err=True)
        return typed
    return sys.stdin.buffer.read(_files.MAX_BYTES + 1)


def _usable(account: Account, content: str | bytes) -> Token:
    found = _payload.parse(content)
    token = found.token
    if token is None:
        raise CommandError(
            f"Standard input holds {found.what}, and no token. Pipe the bare token to "
            "it, or what requests-ticktick token --json prints."
        )
    difference = account.stamp.difference(token)
    service = PREFIXES.get(token.access_token[:3], account.service)
    is_stamped = Stamp.of(token).token_endpoint is not None
    if not (is_stamped or account.service.is_local) and service != account.service:
        difference = f"another service, {service.token_endpoint}"
    if difference is not None:
        raise CommandError(
            f"The token {token.fingerprint} is for {difference}. See --service, "
            "--client-id and --scope."
        )
    if not is_alive(token, now=time.time()):
        raise CommandError(
            f"The token {token.fingerprint} has expired. Sign on: "
            f"{account.command('login')}"
        )
    return token
