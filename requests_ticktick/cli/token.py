"""``requests-ticktick token``."""

from __future__ import annotations

import time

import click

from ..errors import SignOnRequiredError
from ..sign_on import refuse
from ..token import Token
from . import report
from .account import Account
from .found import look, why_none
from .options import account_options
from .output import Failure, answer, examples
from .signing_on import sign_on


@click.command(
    "token",
    epilog=examples(
        "requests-ticktick token --header |",
        "    curl -H @- https://api.ticktick.com/open/v1/project",
        "requests-ticktick token --json",
    ),
)
@click.option("--json", "as_json", is_flag=True, help="Print all that is kept of it.")
@click.option(
    "--header", is_flag=True, help="Print it as a header, for the input of curl -H @-."
)
@click.option(
    "--sign-on", "may_sign_on", is_flag=True, help="Sign on where there is none."
)
@account_options
def print_token(
    account: Account, as_json: bool, header: bool, may_sign_on: bool
) -> None:
    """Print a valid access token, and nothing else."""
    if as_json and header:
        raise click.UsageError("--json and --header exclude each other.")
    token = _token(account, may_sign_on=may_sign_on)
    if as_json:
        answer(report.as_json(account.named_in(token)))
    elif header:
        answer(f"Authorization: Bearer {token.access_token}")
    else:
        answer(token.access_token)


def _token(account: Account, *, may_sign_on: bool) -> Token:
    try:
        return account.auth(refuse).token()
    except SignOnRequiredError:
        if may_sign_on:
            return sign_on(account, None, saved=True)[0]
    reasons = " ".join(why_none(look(account, now=time.time()), account))
    raise Failure(f"{reasons} Run: {account.command('login')}")
