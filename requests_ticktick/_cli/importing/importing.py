"""``requests-ticktick import``: take over the token of another client."""

from __future__ import annotations

import contextlib
import os
import time

import click

from ..._grant.error_text import clean
from ..._sign_on.terminal import terminal_is_here
from ..._token import Token
from ..._usable import is_alive
from ..account import Account
from ..found import ask_api, place_of
from ..login.replacing import replace, writable_store
from ..options import account_options
from ..output import CommandError, answer, date, examples, lines, rows, say, warn
from . import foreign_tokens as foreign
from .foreign_tokens import Offer
from .sources import SOURCES, offers_of

#: click leaves the lines after the backspace as they are.
_HELP = """\
Keep another client's token, from SOURCE, for all your programs.

Without SOURCE, say what could be imported. The source stays as it is.

\b
ticktick-py   .token-oauth in this folder
pyticktick    PYTICKTICK_V1_TOKEN_VALUE, here or in .env
ticktick-cli  TickTick's own client
env           TICKTICK_ACCESS_TOKEN, TICKTICK_API_TOKEN, TICKTICK_API_KEY
dotenv        the same variables in .env in this folder
mcp           what mcp-remote keeps for TickTick's MCP server
-             standard input: a bare token, JSON or a Python literal
"""


@click.command(
    "import",
    help=_HELP,
    epilog=examples(
        "requests-ticktick import                # what is there",
        "requests-ticktick import ticktick-py",
        "requests-ticktick import dotenv --path ~/app/.env",
        "ssh desk requests-ticktick token --json | requests-ticktick import -",
    ),
)
@click.argument(
    "source", metavar="[SOURCE]", type=click.Choice(SOURCES), required=False
)
@click.option(
    "--path",
    metavar="PATH",
    type=click.Path(),
    help="Where the source keeps it, if not where that client does.",
)
@click.option(
    "--variable",
    metavar="NAME",
    help="Its variable, for env and dotenv, such as the env_key of ticktick-py.",
)
@click.option("--replace", "replaces", is_flag=True, help="Overwrite, and do not ask.")
@click.option("--no-check", is_flag=True, help="Do not try the token at the API.")
@account_options
def import_token(
    account: Account,
    source: str | None,
    path: str | None,
    variable: str | None,
    replaces: bool,
    no_check: bool,
) -> None:
    """Keep another client's token, or list what could be kept."""
    if source is None:
        click.get_current_context().exit(_list_offers())
    offer = _the_one(list(offers_of(source, path, variable)), source)
    token = _of_account(account, offer)
    if _is_there(account, token):
        answer(f"The token {token.fingerprint} is in {_place(account)} already.")
        return
    verdict = None if no_check else ask_api(account, token)
    if verdict is not None and verdict.accepted is False:
        raise CommandError(
            f"The API refuses the token {token.fingerprint} from {offer.place}: it was "
            f"not imported. Sign on instead: {account.command('login')}"
        )
    if not replaces:
        _ask_to_overwrite(account, from_input=source == "-")
    replace(account, token)
    answer(f"Imported the token {token.fingerprint} from {offer.place}.")
    pairs = [*rows(token, now=time.time()), ("Kept in", _place(account))]
    if verdict is not None:
        pairs.append(("The API", verdict.text))
    say(lines(pairs))
    _warn_of_variable(token)


def _list_offers() -> int:
    """Say what is there, and return the exit status."""
    offers = [
        offer
        for source in SOURCES
        if source != "-"
        for offer in offers_of(source, None, None, must_be=False)
    ]
    now = time.time()
    for offer in offers:
        answer(f"{offer.source}: {offer.token.fingerprint} in {offer.place}")
        if offer.token.expires_at is not None:
            verb = "until" if is_alive(offer.token, now=now) else "expired on"
            answer(f"    {verb} {date(offer.token.expires_at)}")
    if not offers:
        answer(
            "There is nothing to import here: no .token-oauth and no .env with a token "
            "in this folder, no other client's file or variable."
        )
    return 0 if offers else 1


def _the_one(offers: list[Offer], source: str) -> Offer:
    """Return the token that is meant.

    :raises CommandError: There is none, or there are several.
    """
    if not offers:
        raise CommandError(
            f"There is no token to import from {_described(source)}. Nothing was "
            "changed. What is there: requests-ticktick import"
        )
    if len({offer.token.access_token for offer in offers}) > 1:
        places = " and ".join(offer.place for offer in offers)
        raise CommandError(
            f"There are several tokens: in {places}. Name one by --variable or --path."
        )
    return offers[0]


def _described(source: str) -> str:
    return {"-": "standard input", "env": "the environment"}.get(source, source)


def _of_account(account: Account, offer: Offer) -> Token:
    """Return the token as it is to be kept.

    :raises CommandError: It has expired, or is for another service or client.
    """
    token = offer.token
    problem = account.stamp.difference(token.in_default_place(offer.place))
    if problem is None and not is_alive(token, now=time.time()):
        problem = f"it expired on {date(token.expires_at or 0.0)}"
    elif problem is not None:
        problem = clean(f"it is for {problem}")
    if problem is not None:
        raise CommandError(
            f"The token {token.fingerprint} from {offer.place} was not imported: "
            f"{problem}. Correct --service, --client-id or --scope, or sign on: "
            f"{account.command('login')}"
        )
    return account.stamp_service(token)


def _is_there(account: Account, token: Token) -> bool:
    existing = writable_store(account).load()
    return existing is not None and existing.access_token == token.access_token


def _place(account: Account) -> str:
    return place_of(writable_store(account))


def _ask_to_overwrite(account: Account, *, from_input: bool) -> None:
    """Ask before a token is overwritten.

    :raises CommandError: Nobody can be asked, or the person said no.
    """
    existing = writable_store(account).load()
    if existing is None:
        return
    question = f"{_place(account)} holds the token {existing.fingerprint}."
    if from_input or not terminal_is_here():
        raise CommandError(f"{question} To overwrite it, pass --replace.")
    if not click.confirm(f"{question} Overwrite it?", err=True):
        raise CommandError("Nothing was imported, and what was there is still there.")


def _warn_of_variable(token: Token) -> None:
    with contextlib.suppress(KeyError):
        held = foreign.token_in(os.environ["TICKTICK_TOKEN"])
        if held is not None and held.access_token != token.access_token:
            warn(
                f"TICKTICK_TOKEN holds another token, {held.fingerprint}, which "
                "programs use before the imported one: unset it."
            )
