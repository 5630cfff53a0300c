"""``requests-ticktick logout``."""

from __future__ import annotations

import time

import click

from ..stores.base import NoPlaceError
from .account import Account
from .found import look, place
from .options import account_options
from .output import answer, examples, warn


@click.command(
    epilog=examples(
        "requests-ticktick logout",
        "requests-ticktick logout --profile work",
    )
)
@account_options
def logout(account: Account) -> None:
    """Forget the token, if there is one.

    TickTick itself is not told: remove the app's access in its settings to
    make the token worthless.
    """
    owner = account.owner_of(None) if account.any_scope else account.owner
    removed = 0
    found = look(account, now=time.time())
    for item in found:
        if not item.store.writable:
            warn(f"{item.place} holds the token {item.token.fingerprint}: unset it.")
        elif owner.owns(item.token):
            item.store.delete()
            removed += 1
            answer(f"Removed the token {item.token.fingerprint} from {item.place}")
        else:
            warn(f"The token {item.token.fingerprint} in {item.place} {item.problem}.")
    for store in account.store.members():
        if store.writable and all(item.store is not store for item in found):
            try:
                place(store)
                store.delete()  # what may be left of a token, or was set aside
            except NoPlaceError as error:
                warn(str(error))
    if not removed:
        answer("There was no token to remove.")
