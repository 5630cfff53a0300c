"""``requests-ticktick doctor``: what is wrong, and what to do about it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict

import click

from ..account import Account
from ..options import account_options
from ..output import answer, examples, log_hidden
from . import place_checks as places
from . import setting_checks as settings
from .scene import Fault, Scene, look_around

#: The checks by their names. A later one may look at what was found so far.
CHECKS: dict[str, Callable[[Scene], Iterator[Fault]]] = {
    "env-conflict": settings.env_conflict,
    "env-shadows-file": settings.env_shadows_file,
    "corrupt-file": places.corrupt_file,
    "file-mode": places.file_mode,
    "folder-mode": places.folder_mode,
    "foreign-owner": places.foreign_owner,
    "read-only": places.read_only,
    "lock-unavailable": places.lock_unavailable,
    "lock-held": places.lock_held,
    "store-unreachable": places.unreadable,
    "redirect-unacceptable": settings.redirect_unacceptable,
    "port-busy": settings.port_busy,
    "other-client": settings.other_client,
    "expires-soon": settings.expires_soon,
    "clock-off": settings.clock_off,
    "api-refuses": settings.api_refuses,
    "api-unreachable": settings.api_unreachable,
    "ci-without-token": settings.ci_without_token,
    "no-token": settings.no_token,
}


@click.command(
    epilog=examples(
        "requests-ticktick doctor",
        "requests-ticktick doctor --json --offline | jq -r '.faults[].check'",
    )
)
@click.option("--offline", is_flag=True, help="Do not ask the API.")
@click.option("--json", "prints_json", is_flag=True, help="Print JSON.")
@account_options
def doctor(account: Account, offline: bool, prints_json: bool) -> None:
    """Look for what is wrong, and say what to do about each fault.

    Nobody is asked, and nothing is changed, renewed or created. The token goes
    to the API alone.
    """
    with log_hidden():
        scene = look_around(account, now=time.time(), asks_api=not offline)
        faults = examine(scene)
    if prints_json:
        answer(
            json.dumps(
                {
                    "healthy": not faults,
                    "offline": offline,
                    "faults": [asdict(fault) for fault in faults],
                    "checked": list(CHECKS),
                }
            )
        )
    else:
        for fault in faults:
            answer(f"{fault.check}: {fault.found}\n    {fault.remedy}")
        if not faults:
            answer(_healthy(scene))
    click.get_current_context().exit(1 if faults else 0)


def examine(scene: Scene) -> list[Fault]:
    """Return all faults, in the order of the checks."""
    faults: list[Fault] = []
    for check in CHECKS.values():
        new = list(check(scene))
        scene.said.update(fault.check for fault in new)
        faults += new
    return faults


def _healthy(scene: Scene) -> str:
    token = "" if scene.chosen is None else f" The token {_named(scene)} can be used."
    asked = "" if scene.verdict is not None else " The API was not asked."
    return f"No faults in {len(CHECKS)} checks.{token}{asked}"


def _named(scene: Scene) -> str:
    assert scene.chosen is not None
    return f"{scene.chosen.token.fingerprint} in {scene.chosen.place}"
