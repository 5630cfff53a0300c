"""``status``, ``token`` and ``logout``: commands for a token that is there."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import click

from .._errors import TokenStoreError
from ..stores._base import NoPlaceError
from .account import Account
from .found import Found, Verdict, ask_api, each, look, place_of, used, why_none
from .options import account_options
from .output import answer, as_json, examples, lines, rows, warn
from .profiles import unknown_profile
from .statuses import exit_status
from .valid_token import valid_token

_UNITS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}


def _seconds(
    ctx: click.Context, param: click.Parameter, text: str | None
) -> float | None:
    """Read a length of time."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,6})\s*([wdhms])", text.strip().lower())
    if found is None:
        raise click.BadParameter(f"{text!r} is no time such as 14d, 12h or 30m.")
    return float(found[1]) * _UNITS[found[2]]


@click.command(
    epilog=examples(
        "requests-ticktick status",
        "requests-ticktick status --within 14d || requests-ticktick login --force",
        "requests-ticktick status --check --json | jq .days_left",
    )
)
@click.option("--check", is_flag=True, help="Ask the API, too.")
@click.option(
    "--within",
    metavar="TIME",
    callback=_seconds,
    help="Fail if it ends within that time: 14d, 12h or 30m.",
)
@click.option("--json", "prints_json", is_flag=True, help="Print JSON.")
@account_options
def status(
    account: Account, check: bool, within: float | None, prints_json: bool
) -> None:
    """Say whether there is a usable token: then the exit status is 0.

    Nobody is asked, and nothing is renewed. With --check the API has to accept
    the token as well.
    """
    now = time.time()
    found: list[Found] = []
    try:
        for item in each(account, now=now):
            found.append(item)
    except TokenStoreError as error:
        if used(found) is None:
            raise
        from .plain_words import in_plain_words

        warn(in_plain_words(str(error)))  # programs do without that store
    chosen = used(found)
    verdict = ask_api(account, chosen.token) if check and chosen is not None else None
    if prints_json:
        answer(json.dumps(_fields(account, found, chosen, verdict, now=now)))
    elif chosen is None:
        for line in why_none(found, account):
            answer(line)
        answer(f"Run: {account.command('login')}")
    else:
        pairs = [("Service", account.title), ("From", chosen.place)]
        pairs += rows(chosen.token, now=now)
        if verdict is not None:
            pairs.append(("The API", verdict.text))
        answer(lines(pairs))
    click.get_current_context().exit(exit_status(chosen, verdict, within, now=now))


def _fields(
    account: Account,
    found: list[Found],
    chosen: Found | None,
    verdict: Verdict | None,
    *,
    now: float,
) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "usable": chosen is not None,
        "service": account.service_name,
        "problems": list(why_none(found, account)) if chosen is None else [],
        "accepted": None if verdict is None else verdict.accepted,
    }
    if chosen is not None:
        token = chosen.token
        seconds = None if token.expires_at is None else token.expires_at - now
        fields |= {
            "from": chosen.place,
            "fingerprint": token.fingerprint,
            "scopes": sorted(token.scopes),
            "expires_at": token.expires_at,
            "days_left": None if seconds is None else round(seconds / 86_400, 2),
        }
    return fields


@click.command(
    "token",
    epilog=examples(
        "requests-ticktick token --header |",
        "    curl -H @- https://api.ticktick.com/open/v1/project",
        "requests-ticktick token --json",
    ),
)
@click.option(
    "--json", "prints_json", is_flag=True, help="Print all that is kept of it."
)
@click.option(
    "--header", is_flag=True, help="Print it as a header, for the input of curl -H @-."
)
@click.option(
    "--sign-on", "may_sign_on", is_flag=True, help="Sign on where there is none."
)
@account_options
def print_token(
    account: Account, prints_json: bool, header: bool, may_sign_on: bool
) -> None:
    """Print a valid access token, and nothing else."""
    if prints_json and header:
        raise click.UsageError("--json and --header exclude each other.")
    token = valid_token(account, may_sign_on=may_sign_on)
    if prints_json:
        answer(as_json(account.stamp_service(token)))
    elif header:
        answer(f"Authorization: Bearer {token.access_token}")
    else:
        answer(token.access_token)


@click.command(
    epilog=examples(
        "requests-ticktick logout",
        "requests-ticktick logout --revoke",
    )
)
@click.option(
    "--revoke", "revokes", is_flag=True, help="Have the service revoke it first."
)
@click.option(
    "--any-client",
    "--replace",
    "any_client",
    is_flag=True,
    help="Also if it is another client's, service's or of other scopes.",
)
@account_options
def logout(account: Account, revokes: bool, any_client: bool) -> None:
    """Forget the token, if there is one.

    Without --revoke the service is not told, and whoever has a copy of the
    token can go on using it.
    """
    # A person who typed no scopes means the token, whatever its scopes.
    stamp = account.stamp_of(account.scope_option)
    removed = 0
    if revokes:
        from .revoke_option import revoke

        removed = len(revoke(account, stamp))
    found = look(account, now=time.time())
    for item in found:
        if not item.store.writable:
            warn(f"{item.place} holds the token {item.token.fingerprint}: unset it.")
        elif any_client or stamp.fits(item.token):
            item.store.delete()
            removed += 1
            answer(f"Removed the token {item.token.fingerprint} from {item.place}")
        else:
            warn(
                f"The token {item.token.fingerprint} in {item.place} {item.problem}. "
                "It stays there, unless you pass --any-client."
            )
    _clear_remains(account, found)
    if not removed:
        answer("There was no token to remove.")
        for line in unknown_profile(account.profile):
            answer(line)


def _clear_remains(account: Account, found: list[Found]) -> None:
    """Remove what a crash left of a token, from stores that hold none."""
    for store in account.store.members():
        if store.writable and all(item.store is not store for item in found):
            try:
                place_of(store)
                store.delete()
            except NoPlaceError as error:
                warn(str(error))
