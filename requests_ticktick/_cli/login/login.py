"""``requests-ticktick login``: a person signs on, and the token is kept."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import click

from ..._token import Token
from ..account import Account
from ..found import Verdict, ask_api, look, used
from ..options import account_options
from ..output import CommandError, examples, lines, rows, say
from .delivery import WISHES, Delivery, Wish, delivery_options, wish_of
from .how import Chosen, sign_on_options
from .signing_on import sign_on
from .ways import BEGUN_SECONDS, DEFAULT_SECONDS


@click.command(
    epilog=examples(
        "requests-ticktick login",
        "requests-ticktick login --register       # without an app of yours",
        "requests-ticktick login --console        # over SSH",
        "requests-ticktick login --profile work   # a second account",
        "requests-ticktick login --env            # for a machine without a person",
        "requests-ticktick login --with-token < token.txt",
    )
)
@sign_on_options
@delivery_options
@click.option("--no-check", is_flag=True, help="Do not try the token at the API.")
@account_options
def login(account: Account, **options: Any) -> None:
    """Sign on, and keep the token for all your programs.

    Nobody is asked where there is a valid token already. With --print, --copy,
    --save or --format the token goes there, and is not kept.
    """
    wish = wish_of(**{name: options.pop(name) for name in WISHES})
    no_check = options.pop("no_check")
    chosen = Chosen(**options)
    chosen.require_one_source()
    if chosen.register:
        account = _registering(account)
    if chosen.begins:
        _begin(account, chosen, wish)
        return
    # Before the sign-on: otherwise a person might grant access in vain.
    delivery = Delivery(account, wish)
    result = _token(account, chosen, check=not no_check, saved=not delivery.is_wanted)
    if delivery.is_wanted:
        place = delivery.hand_over(result.token, result.place)
        result = replace(result, place=place)
    _report(account, result)


@dataclass(frozen=True)
class _LoginToken:
    """The token that the command ends with.

    :param place: Where it is kept; ``None`` if it is not.
    :param how: How the command came by it, as the beginning of a sentence.
    """

    token: Token
    place: str | None
    verdict: Verdict | None
    how: str

    @property
    def is_refused(self) -> bool:
        """Whether the API refuses it all the same."""
        return self.verdict is not None and self.verdict.accepted is False


def _registering(account: Account) -> Account:
    if account.client.client_id is not None:
        raise click.UsageError(
            "--register is for those who have no app, and a client id is configured: "
            "leave out --register, or unset TICKTICK_CLIENT_ID."
        )
    return replace(account, registers=True)


def _begin(account: Account, chosen: Chosen, wish: Wish) -> None:
    from .begun import begin

    if wish.to is not None:
        raise click.UsageError("Where the token goes is chosen with --complete.")
    begin(
        account,
        seconds=chosen.timeout or BEGUN_SECONDS,
        prints_json=chosen.prints_json,
    )


def _token(
    account: Account, chosen: Chosen, *, check: bool, saved: bool
) -> _LoginToken:
    """Come by a token.

    :param check: Whether the API is asked.
    :param saved: Whether it is kept in the account's store.
    """
    if chosen.with_token:
        from .given import read_token

        given = read_token(account, check=check, saved=saved)
        return _LoginToken(*given, "The token is kept: signed on" if saved else "Read")
    if chosen.redirected_url is not None:
        from .begun import complete

        token, place = complete(
            account,
            chosen.redirected_url,
            bare_code=chosen.way == "code",
            saved=saved,
        )
    else:
        kept = None if chosen.force else _kept_token(account, check=check)
        if kept is not None:
            return kept
        token, place = sign_on(
            account,
            chosen.way,
            saved=saved,
            replaces=chosen.replaces,
            timeout=chosen.timeout or DEFAULT_SECONDS,
        )
    verdict = ask_api(account, token) if check else None
    return _LoginToken(token, place, verdict, "Signed on")


def _kept_token(account: Account, *, check: bool) -> _LoginToken | None:
    """Return the token that programs use now, if it needs no renewal."""
    found = used(look(account, now=time.time()))
    if found is None or not found.is_fresh:
        return None
    verdict = ask_api(account, found.token) if check else None
    how = "There is a valid token: signed on"
    kept = _LoginToken(found.token, found.place, verdict, how)
    if kept.is_refused:
        say(f"The API refuses the token {found.token.fingerprint} in {found.place}.")
        return None
    return kept


def _report(account: Account, result: _LoginToken) -> None:
    """Tell a person what was done.

    :raises CommandError: The API refuses the token.
    """
    pairs = rows(result.token, now=time.time())
    pairs.append(("Kept in", result.place or "no file of this machine"))
    if result.verdict is not None:
        pairs.append(("The API", result.verdict.text))
    colour = "yellow" if result.is_refused else "green"
    say(f"{result.how} to {account.title}.", bold=True, fg=colour)
    say(lines(pairs))
    if result.is_refused:
        raise CommandError(
            "The API refuses the new token. Remove this app's access in TickTick's "
            f"settings, then run: {account.command('login', '--force')}"
        )
