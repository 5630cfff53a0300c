"""``requests-ticktick login``: a person signs on, and the token is kept."""

from __future__ import annotations

import time
from dataclasses import dataclass

import click

from .._token import Token
from . import clipboard
from .account import Account
from .found import Verdict, ask_api, look, used
from .options import account_options
from .output import (
    CommandError,
    answer,
    as_json,
    as_shell_line,
    examples,
    lines,
    require_output,
    rows,
    say,
)
from .signing_on import sign_on


@click.command(
    epilog=examples(
        "requests-ticktick login",
        "requests-ticktick login --console        # over SSH",
        "requests-ticktick login --profile work   # a second account",
        "requests-ticktick login --env            # for a machine without a person",
    )
)
@click.option("--force", is_flag=True, help="Sign on although there is a valid token.")
@click.option(
    "--console",
    "way",
    flag_value="console",
    help="Paste the address that the browser ends up at; listen nowhere.",
)
@click.option(
    "--no-browser",
    "way",
    flag_value="listen",
    help="Listen for a browser, and open none here.",
)
@click.option(
    "--print", "to", flag_value="print", help="Print the token as JSON; do not save it."
)
@click.option(
    "--env", "to", flag_value="env", help="Print it as a line for another shell."
)
@click.option("--copy", "to", flag_value="copy", help="Put the JSON on the clipboard.")
@click.option("--no-check", is_flag=True, help="Do not try the token at the API.")
@account_options
def login(
    account: Account, force: bool, way: str | None, to: str | None, no_check: bool
) -> None:
    """Sign on, and keep the token for all your programs.

    Nobody is asked where there is a valid token already.
    """
    # Before the sign-on: otherwise a person might grant access in vain.
    tool = clipboard.find_tool() if to == "copy" else ()
    if to in ("print", "env"):
        require_output()
    result = None if force else _kept_token(account, check=not no_check)
    if result is None:
        token, place = sign_on(account, way, saved=to is None)
        verdict = None if no_check else ask_api(account, token)
        result = _LoginToken(token, place, verdict, "Signed on")
    stamped = account.stamp_service(result.token)
    if to == "copy":
        clipboard.copy(as_json(stamped), tool)
    elif to is not None:
        answer((as_json if to == "print" else as_shell_line)(stamped))
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
