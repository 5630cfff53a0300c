"""``requests-ticktick accounts``: the profiles, and which one programs use."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import indent
from typing import Any

import click

from ..._errors import TickTickAuthError
from ..._token import Token
from ..._usable import is_alive
from ...stores import EnvStore, FileStore, TokenStore
from ..account import title_of
from ..found import place_of
from ..login.remembering import same_token
from ..options import completed
from ..output import answer, examples, lines, log_hidden, rows, warn
from ..plain_words import in_plain_words
from ..profiles import profiles
from ..whose import person_of, service_of


@dataclass(frozen=True)
class Entry:
    """A profile, or another place that programs look for a token.

    :param name: The profile's; ``None`` for another place.
    :param is_used: Whether programs that name no store read it.
    :param problem: Why there is no token.
    """

    name: str | None
    place: str
    is_used: bool
    token: Token | None
    problem: str | None
    person: str | None

    @property
    def title(self) -> str:
        """Return the first line about it."""
        return f"{'*' if self.is_used else ' '} {self.name or self.place}"

    def fields(self, now: float) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        token = self.token
        service = None if token is None else service_of(token)
        ends = None if token is None else token.expires_at
        return {
            "profile": self.name,
            "place": self.place,
            "used": self.is_used,
            "account": self.person,
            "service": None if service is None else service[0],
            "fingerprint": None if token is None else token.fingerprint,
            "expires_at": ends,
            "days_left": None if ends is None else round((ends - now) / 86_400, 2),
            "problem": self.problem,
        }

    def shown(self, now: float) -> str:
        """Return what a person is told."""
        if self.token is None:
            return f"{self.title}\n    {self.problem}"
        service = service_of(self.token)
        pairs = [
            ("Account", self.person or "unknown"),
            ("Service", "unknown" if service is None else title_of(service[0])),
            *rows(self.token, now=now),
        ]
        return f"{self.title}\n{indent(lines(pairs), '  ')}"


@click.group(
    invoke_without_command=True,
    epilog=examples(
        "requests-ticktick accounts",
        "requests-ticktick login --profile work",
        "requests-ticktick accounts switch work",
    ),
)
@click.option("--offline", is_flag=True, help="Do not ask the API whose they are.")
@click.option("--json", "prints_json", is_flag=True, help="Print JSON.")
@click.pass_context
def accounts(ctx: click.Context, offline: bool, prints_json: bool) -> None:
    """List the profiles of this machine; * is the one that programs use.

    The account is the user name of the token's owner, as a rule an e-mail
    address, where TickTick's API tells it.
    """
    if ctx.invoked_subcommand is None:
        ctx.exit(_list(offline=offline, prints_json=prints_json))


@accounts.command("list", epilog=examples("requests-ticktick accounts list --json"))
@click.option("--offline", is_flag=True, help="Do not ask the API whose they are.")
@click.option("--json", "prints_json", is_flag=True, help="Print JSON.")
@click.pass_context
def list_accounts(ctx: click.Context, offline: bool, prints_json: bool) -> None:
    """List the profiles, as "accounts" alone does."""
    ctx.exit(_list(offline=offline, prints_json=prints_json))


@accounts.command(
    epilog=examples(
        "requests-ticktick accounts switch work",
        "requests-ticktick accounts switch work --keep-as private",
    ),
)
@click.argument("profile", shell_complete=completed(profiles))
@click.option(
    "--keep-as",
    metavar="NAME",
    help="What the default profile is called from now on, if it has a token.",
)
def switch(profile: str, keep_as: str | None) -> None:
    """Have all programs use PROFILE, unless they name another store.

    The default profile becomes a link to it.
    """
    from .switching import switch_to

    with log_hidden():
        answer(switch_to(profile, keep_as))
    for variable in ("TICKTICK_TOKEN", "TICKTICK_TOKEN_FILE", "TICKTICK_PROFILE"):
        if os.environ.get(variable):
            warn(f"{variable} is set here and comes before the default: unset it.")


def _list(*, offline: bool, prints_json: bool) -> int:
    """Print all entries, and return the exit status."""
    now = time.time()
    with log_hidden():
        entries = list(_entries(now, offline=offline))
    if prints_json:
        answer(json.dumps([entry.fields(now) for entry in entries]))
    elif not entries:
        answer("There are no accounts here. Run: requests-ticktick login")
    else:
        answer("\n".join(entry.shown(now) for entry in entries))
    _warn_of_twins(entries)
    return 0 if entries else 1


def _entries(now: float, *, offline: bool) -> Iterator[Entry]:
    used = _used_path()
    env = EnvStore("TICKTICK_TOKEN")
    has_variable = bool(os.environ.get(env.name, "").strip())
    if has_variable:
        yield _entry(None, env, now, is_used=True, offline=offline)
    seen = set()
    for name in profiles():
        store = FileStore(profile=name)
        # The default may be a link to another profile, which is listed itself.
        if not os.path.islink(store.path):
            path = os.path.realpath(store.path)
            seen.add(path)
            is_used = path == used and not has_variable
            yield _entry(name, store, now, is_used=is_used, offline=offline)
    if used is not None and used not in seen and os.path.exists(used):
        place = FileStore(used)
        yield _entry(None, place, now, is_used=not has_variable, offline=offline)


def _used_path() -> str | None:
    try:
        return os.path.realpath(FileStore().path)
    except (TickTickAuthError, ValueError):
        return None


def _entry(
    name: str | None, store: TokenStore, now: float, *, is_used: bool, offline: bool
) -> Entry:
    problem, token, person = None, None, None
    try:
        token = store.load()
    except TickTickAuthError as error:
        problem = in_plain_words(str(error))
    if token is None:
        problem = problem or "It holds no token."
    elif not offline and is_alive(token, now=now):
        service = service_of(token)
        person = None if service is None else person_of(token, service[1])
    return Entry(name, place_of(store), is_used, token, problem, person)


def _warn_of_twins(entries: list[Entry]) -> None:
    by_token: dict[str, list[str]] = {}
    for entry in entries:
        if entry.token is not None and entry.name is not None:
            by_token.setdefault(entry.token.access_token, []).append(entry.name)
    for names in by_token.values():
        if len(names) > 1:
            warn(same_token(names))
