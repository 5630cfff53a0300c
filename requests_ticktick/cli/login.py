"""``requests-ticktick login``."""

from __future__ import annotations

import time
from dataclasses import dataclass

import click

from ..token import Token
from . import clipboard
from .account import Account
from .api import Verdict, ask_api
from .found import LEEWAY, look, usable
from .options import account_options
from .output import Failure, answer, examples, require_output, say
from .report import as_json, as_shell_line, lines, rows
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
    # Looked for first: nobody should grant access in vain.
    tool = clipboard.find_tool() if to == "copy" else ()
    if to in ("print", "env"):
        require_output()
    held = None if force else _held(account, check=not no_check)
    if held is None:
        held = _new(account, way, saved=to is None, check=not no_check)
    token = account.named_in(held.token)
    if to == "copy":
        clipboard.copy(as_json(token), tool)
    elif to is not None:
        answer((as_json if to == "print" else as_shell_line)(token))
    _tell(account, held)


@dataclass(frozen=True)
class _Held:
    """The token that the command ends with.

    :param place: Where it is kept; ``None`` where it is not.
    """

    token: Token
    place: str | None
    verdict: Verdict | None
    is_new: bool


def _held(account: Account, *, check: bool) -> _Held | None:
    """Return a token that is there and, as far as the API says, good."""
    now = time.time()
    found = usable(look(account, now=now), now=now)
    if found is None or found.token.expires_within(LEEWAY, now=now):
        return None
    verdict = ask_api(account, found.token) if check else None
    if verdict is not None and verdict.accepted is False:
        say(f"The API refuses the token {found.token.fingerprint} in {found.place}.")
        return None
    return _Held(found.token, found.place, verdict, is_new=False)


def _new(account: Account, way: str | None, *, saved: bool, check: bool) -> _Held:
    token, place = sign_on(account, way, saved=saved)
    return _Held(token, place, ask_api(account, token) if check else None, is_new=True)


def _tell(account: Account, held: _Held) -> None:
    refused = held.verdict is not None and held.verdict.accepted is False
    pairs = rows(held.token, now=time.time())
    pairs.append(("Kept in", held.place or "no file of this machine"))
    if held.verdict is not None:
        pairs.append(("The API", held.verdict.text))
    how = "Signed on" if held.is_new else "There is a valid token: signed on"
    say(f"{how} to {account.title}.", bold=True, fg="yellow" if refused else "green")
    say(lines(pairs))
    if refused:
        raise Failure(
            "The API refuses the new token. Remove this app's access in TickTick's "
            f"settings, then run: {account.command('login', '--force')}"
        )
