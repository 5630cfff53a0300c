"""A sign-on from the command line, whose token is certain to be kept."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import click

from ..._errors import LockTimeoutError, SignOnTimeoutError
from ..._sign_on import person_can_be_here
from ..._sign_on.terminal import terminal_is_here
from ..._token import Token
from ...stores import MemoryStore
from ..account import Account
from ..found import look, place_of, used
from ..output import CommandError, say, warn
from .remembering import note_sign_on, remembered
from .replacing import replace
from .waiting import Waiting
from .ways import DEFAULT_SECONDS, asking

if TYPE_CHECKING:
    from ..._grant.request import AuthorizationRequest
    from ..._source.events import Event

#: Seconds to wait for whoever is saving a token.
_LOCK_SECONDS = 5.0


def sign_on(
    account: Account,
    way: str | None,
    *,
    saved: bool,
    replaces: bool = False,
    timeout: float = DEFAULT_SECONDS,
) -> tuple[Token, str | None]:
    """Have a person sign on now.

    :param way: One of the names in ``WAYS``, or ``None`` for what can work
        here.
    :param saved: Whether the account's store gets the token.
    :param timeout: Seconds until the person must have done so.
    :param replaces: Whether it may replace another client's.
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
    waiting = Waiting()
    ask = asking(way, timeout, waiting)
    with contextlib.ExitStack() as others_turn:

        def ask_in_turn(request: AuthorizationRequest) -> str:
            others_turn.close()
            return ask(request)

        def told(event: Event) -> None:
            if event.kind == "waiting":
                name_holder(
                    event.reason or "another process", account, waiting, others_turn
                )

        is_kept = saved and not replaces
        if is_kept:
            require_room(account)
        auth = account.auth(ask_in_turn, None if is_kept else MemoryStore(), told)
        try:
            token = auth.sign_on(ask=True)
        except SignOnTimeoutError:
            raise CommandError(
                f"Nobody finished the sign-on within {timeout:g} seconds. Start again, "
                "or allow more time with --timeout."
            ) from None
    if not saved:
        return token, None
    if replaces:
        replace(account, account.stamp.put_on(token))
    place = saved_place(account, token)
    note_sign_on(account, token)
    return token, place


def name_holder(
    holder: str,
    account: Account,
    waiting: Waiting,
    turn: contextlib.ExitStack,
) -> None:
    """Say which process is signing on already, and count down meanwhile.

    :param holder: That process.
    :param turn: Ends when that process has ended its sign-on.
    """
    waiting.write(
        f"Another sign-on is under way: {holder}. This one goes on with its token.\n"
    )
    hint = (
        f"Still waiting for {holder}. Finish the sign-on there, or stop it: this one "
        "begins then."
    )
    seconds = account.store.lock_timeout
    turn.enter_context(waiting.until(seconds, f", waiting for {holder}", hint))


def require_client(account: Account) -> None:
    """Require that the client need not be asked for.

    :raises CommandError: It is not configured.
    """
    if account.client.client_id is None and not account.registers:
        where = f" It is on your app's page, {account.portal}" if account.portal else ""
        raise CommandError(
            "A sign-on needs the client id: pass --client-id or set "
            f"TICKTICK_CLIENT_ID.{where}"
        )


def _with_client(account: Account) -> Account:
    """Ask for the client's id and secret, unless the id is configured.

    A client that is configured without a secret has none.

    :raises CommandError: It is not, and nobody is here to be asked.
    """
    if account.client.client_id is not None or account.registers:
        return account
    if not terminal_is_here():
        require_client(account)
    if account.portal is not None:
        say(
            f"The client id and secret are on your app's page, {account.portal}\n"
            f"Its redirect URI there must be {account.redirect_uri}\n"
            "Press Enter for the secret if the app has none.\n"
        )
    return account.with_client(
        click.prompt("Client id", default=remembered(account), err=True),
        account.client.client_secret
        or click.prompt(
            "Client secret (hidden)",
            default="",
            hide_input=True,
            show_default=False,
            err=True,
        ),
    )


def require_room(account: Account) -> None:
    """Make sure that the token can be saved, before a person is asked.

    :raises CommandError: The place holds another account's token.
    :raises TokenStoreError: The place cannot be written.
    """
    for item in look(account, now=time.time()):
        if item.store.writable and not account.stamp.fits(item.token):
            raise CommandError(
                f"The token {item.token.fingerprint} in {item.place} {item.problem}: "
                "it is not overwritten. Choose another place with --profile or --file, "
                "or pass --replace."
            )
    store, sample = account.store, account.stamp.put_on(Token("sample"))
    # Another sign-on may hold the lock: then this one will wait for it.
    with contextlib.suppress(LockTimeoutError), store.lock(0.0), store.reserve(sample):
        pass


def saved_place(account: Account, token: Token) -> str:
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


def keep(account: Account, token: Token) -> str:
    """Save a token, and return where it is kept.

    :raises TickTickAuthError: It cannot be saved.
    """
    store = account.store
    with store.lock(_LOCK_SECONDS):
        store.save(account.stamp.put_on(token))
    note_sign_on(account, token)
    return next(place_of(each) for each in store.members() if each.writable)
