"""The options that all commands for an account have."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from ..client import Client
from ..stores import ChainStore, EnvStore, FileStore, TokenStore
from .account import Account
from .services import NAMED, new_session, sandbox_base, sandbox_service

SCOPE = "tasks:read tasks:write"


def _service(ctx: click.Context, param: click.Parameter, value: str) -> str:
    name = value.lower()
    base = sandbox_base(name)
    if name not in NAMED and base is None:
        raise click.BadParameter(
            f"{value!r} is none of {', '.join(NAMED)}, nor the address of a running "
            "sandbox, such as http://127.0.0.1:8766."
        )
    return base or name


def _secret(ctx: click.Context, param: click.Parameter, path: str | None) -> str | None:
    """Read a file, so that the secret is in no command line."""
    if path is None:
        return None
    problem = "it does not hold one line with a client secret"
    try:
        with click.open_file(path, encoding="utf-8") as file:
            lines = file.read(10_000).split()
        if len(lines) == 1:
            return str(lines[0])
    except OSError as error:
        problem = error.strerror or type(error).__name__
    except UnicodeDecodeError:
        pass
    raise click.BadParameter(f"{path}: {problem}.")


def _store(profile: str | None, file: str | None) -> tuple[TokenStore, tuple[str, ...]]:
    if profile is not None and file is not None:
        raise click.UsageError("--profile and --file exclude each other.")
    if file is not None:
        return FileStore(file), ("--file", file)
    if profile is None:
        return ChainStore([EnvStore("TICKTICK_TOKEN"), FileStore()]), ()
    try:
        return FileStore(profile=profile), ("--profile", profile)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="--profile") from None


def _account(
    *,
    service: str,
    profile: str | None,
    file: str | None,
    client_id: str | None,
    client_secret: str | None,
    redirect_uri: str | None,
    scope: str | None,
) -> Account:
    named = NAMED.get(service)
    endpoints = sandbox_service(service) if named is None else named[0]
    store, place = _store(profile, file)
    session = new_session(endpoints)
    return Account(
        service=endpoints,
        service_name=service,
        client=Client(client_id, client_secret, redirect_uri),
        scope=SCOPE if scope is None else scope,
        any_scope=scope is None,
        store=store,
        place=place,
        session=click.get_current_context().with_resource(session),
    )


_OPTIONS = (
    click.option(
        "--service",
        metavar="SERVICE",
        callback=_service,
        envvar="TICKTICK_SERVICE",
        default="ticktick",
        show_default=True,
        show_envvar=True,
        help="ticktick, dida365, or the address of a running sandbox.",
    ),
    click.option(
        "--profile",
        metavar="NAME",
        help="One of several accounts: FileStore(profile=NAME) in a program.",
    ),
    click.option(
        "--file",
        metavar="PATH",
        type=click.Path(dir_okay=False),
        help="Where the token is kept: FileStore(PATH) in a program.",
    ),
    click.option("--client-id", metavar="ID", help="Or $TICKTICK_CLIENT_ID."),
    click.option(
        "--client-secret-file",
        "client_secret",
        metavar="PATH",
        callback=_secret,
        help="A file with the client secret, - for standard input; or "
        "$TICKTICK_CLIENT_SECRET.",
    ),
    click.option(
        "--redirect-uri",
        metavar="URI",
        help="As registered, letter for letter; or $TICKTICK_REDIRECT_URI, or "
        "http://127.0.0.1:8765/callback.",
    ),
    click.option("--scope", metavar="SCOPES", help=f"By default '{SCOPE}'."),
)

_NAMES = (
    "service",
    "profile",
    "file",
    "client_id",
    "client_secret",
    "redirect_uri",
    "scope",
)


def account_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options, as its argument ``account``."""

    @functools.wraps(command)
    def with_account(**values: Any) -> None:
        chosen = {name: values.pop(name) for name in _NAMES}
        command(account=_account(**chosen), **values)

    for option in reversed(_OPTIONS):
        option(with_account)
    return with_account
