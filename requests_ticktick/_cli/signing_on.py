"""A sign-on from the command line, whose token is certain to be kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import click

from .._errors import LockTimeoutError
from .._sign_on import (
    ConsoleSignOn,
    LoopbackSignOn,
    SignOn,
    by_person,
    person_can_be_here,
)
from .._sign_on.terminal import terminal_is_here
from .._token import Token
from ..stores import MemoryStore
from .account import Account
from .found import look, used
from .output import CommandError, say, warn

_WAYS: dict[str | None, Callable[[], SignOn]] = {
    None: lambda: by_person,
    "console": ConsoleSignOn,
    "listen": lambda: LoopbackSignOn(open_url=lambda url: None),
}


def sign_on(
    account: Account, way: str | None, *, saved: bool
) -> tuple[Token, str | None]:
    """Have a person sign on now.

    :param way: ``console``, ``listen``, or ``None`` for what can work here.
    :param saved: Whether the account's store gets the token.
    :returns: The token, and where it was saved.
    :raises TickTickAuthError: The sign-on failed.
    :raises CommandError: It could not begin, or the token was not saved.
    """
    if way is None and not person_can_be_here(by_command=True):
        raise CommandError(
            "Nobody can sign on here: there is no terminal, and no display for a "
            "browser's window; or CI is set. Run "
            f"{account.command('login', '--env')} where there is one, and here the "
            "line that it prints."
        )
    account = _with_client(account)
    if not saved:
        auth = account.auth(_WAYS[way](), MemoryStore())
        return auth.sign_on(ask=True), None
    _require_room(account)
    token = account.auth(_WAYS[way]()).sign_on(ask=True)
    return token, _place_of(account, token)


def _with_client(account: Account) -> Account:
    """Ask for the client's id and secret, unless the id is configured.

    A client that is configured without a secret has none.

    :raises CommandError: It is not, and nobody is here to be asked.
    """
    if account.client.client_id is not None:
        return account
    if not terminal_is_here():
        where = f" It is on your app's page, {account.portal}" if account.portal else ""
        raise CommandError(
            "A sign-on needs the client id: pass --client-id or set "
            f"TICKTICK_CLIENT_ID.{where}"
        )
    if account.portal is not None:
        say(
            f"The client id and secret are on your app's page, {account.portal}\n"
            f"Its redirect URI there must be {account.redirect_uri}\n"
            "Press Enter for the secret if the app has none.\n"
        )
    return account.with_client(
        click.prompt("Client id", err=True),
        account.client.client_secret
        or click.prompt(
            "Client secret (hidden)",
            default="",
            hide_input=True,
            show_default=False,
            err=True,
        ),
    )


def _require_room(account: Account) -> None:
    """Make sure that the token can be saved, before a person is asked.

    :raises CommandError: The place holds another account's token.
    :raises TokenStoreError: The place cannot be written.
    """
    for item in look(account, now=time.time()):
        if item.store.writable and not account.stamp.fits(item.token):
            raise CommandError(
                f"The token {item.token.fingerprint} in {item.place} {item.problem}: "
                "it is not overwritten. Choose another place with --profile or --file, "
                "or remove that file."
            )
    store, sample = account.store, account.stamp.put_on(Token("sample"))
    # Another sign-on may hold the lock: then this one will wait for it.
    with suppress(LockTimeoutError), store.lock(0.0), store.reserve(sample):
        pass


def _place_of(account: Account, token: Token) -> str:
    """Return where the new token was saved.

    :raises CommandError: No store has it.
    """
    found = look(account, now=time.time())
    places = [
        item.place
        for item in found
        if item.store.writable and item.token.access_token == token.access_token
    ]
    if not places:
        raise CommandError(
            "Signed on, but the token was not saved. Choose another place with --file, "
            "or use --print."
        )
    first = used(found)
    if first is not None and first.token.access_token != token.access_token:
        warn(
            f"{first.place} holds another token, {first.token.fingerprint}, which "
            "programs use before the new one: unset it."
        )
    return places[0]
