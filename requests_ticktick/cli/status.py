"""``requests-ticktick status``."""

from __future__ import annotations

import json
import time
from typing import Any

import click

from .account import Account
from .api import Verdict, ask_api
from .found import Found, look, usable, why_none
from .options import account_options
from .output import answer, examples
from .report import lines, rows


@click.command(
    epilog=examples(
        "requests-ticktick status",
        "requests-ticktick status --check --json | jq .days_left",
    )
)
@click.option("--check", is_flag=True, help="Ask the API, too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@account_options
def status(account: Account, check: bool, as_json: bool) -> None:
    """Say whether there is a usable token: exit status 0, else 1.

    Nobody is asked, and nothing is renewed. With --check the API has to accept
    the token as well.
    """
    now = time.time()
    found = look(account, now=now)
    chosen = usable(found, now=now)
    verdict = ask_api(account, chosen.token) if check and chosen is not None else None
    if as_json:
        answer(json.dumps(_fields(account, found, chosen, verdict, now=now)))
    elif chosen is None:
        for line in why_none(found, account):
            answer(line)
        answer(f"Run: {account.command('login')}")
    else:
        answer(_text(account, chosen, verdict, now=now))
    accepted = verdict is None or verdict.accepted is True
    if chosen is None or not accepted:
        click.get_current_context().exit(1)


def _text(
    account: Account, chosen: Found, verdict: Verdict | None, *, now: float
) -> str:
    pairs = [
        ("Service", account.title),
        ("From", chosen.place),
        *rows(chosen.token, now=now),
    ]
    if verdict is not None:
        pairs.append(("The API", verdict.text))
    return lines(pairs)


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
