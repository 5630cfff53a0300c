"""``requests-ticktick logout``."""

from __future__ import annotations

import time

import click

from .account import Account
from .found import look
from .options import account_options
from .output import examples, warn


@click.command(
    epilog=examples(
        "requests-ticktick logout",
        "requests-ticktick logout --profile work",
    )
)
@account_options
def logout(account: Account) -> None:
    """Forget the token, if there is one.

    TickTick itself is not told, since it offers no way to: remove the app's
    access in its settings to make the token worthless.
    """
    owner = account.owner_of(None) if account.any_scope else account.owner
    removed = 0
    for item in look(account, now=time.time()):
        if not item.store.writable:
            warn(f"{item.place} holds the token {item.token.fingerprint}: unset it.")
        elif owner.owns(item.token):
            item.store.delete()
            removed += 1
            click.echo(f"Removed the token {item.token.fingerprint} from {item.place}")
        else:
            warn(f"The token {item.token.fingerprint} in {item.place} {item.problem}.")
    if not removed:
        click.echo("There was no token to remove.")
