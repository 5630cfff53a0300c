"""The options that all commands for an account have."""

from __future__ import annotations

import codecs
import functools
from collections.abc import Callable, Iterable
from typing import Any

import click
from click.core import ParameterSource

from .._client import Client
from .._defaults import SCOPE
from .._named import NAMES, named, sandbox_base
from .._pasted import unwrapped
from .._service import DIDA365, TICKTICK
from .account import Account
from .profiles import profiles
from .stores_by_option import STORES, chosen_store

#: Longer than any client secret.
_MAX_SECRET_FILE_BYTES = 10_000


def _service_name(ctx: click.Context, param: click.Parameter, value: str) -> str:
    name = unwrapped(value).lower()
    if named(name) is None:
        raise click.BadParameter(
            f"{value!r} is none of {', '.join(NAMES)}, nor the address of a running "
            "sandbox, such as http://127.0.0.1:8766."
        )
    return sandbox_base(name) or name


def _secret(ctx: click.Context, param: click.Parameter, path: str | None) -> str | None:
    """Read the secret from a file: other users can read a command line."""
    if path is None:
        return None
    problem = "it does not hold one line with a client secret"
    try:
        with click.open_file(path, "rb") as file:
            secret = unwrapped(_decoded(file.read(_MAX_SECRET_FILE_BYTES)))
        if len(secret.split()) == 1 and secret.isprintable():
            return secret
    except OSError as error:
        problem = error.strerror or type(error).__name__
    except UnicodeDecodeError:
        pass
    raise click.BadParameter(f"{path}: {problem}.")


def _decoded(content: bytes) -> str:
    """Decode UTF-8, or UTF-16 as PowerShell and Windows' editors write it."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    return content.decode("utf-8")


def completed(values: Callable[[], Iterable[str]]) -> Callable[..., list[str]]:
    """Return what completes a value on the command line."""

    def complete(ctx: click.Context, param: click.Parameter, begun: str) -> list[str]:
        return [value for value in values() if value.startswith(begun)]

    return complete


_OPTIONS = (
    click.option(
        "--service",
        metavar="SERVICE",
        callback=_service_name,
        envvar="TICKTICK_SERVICE",
        default="ticktick",
        show_default=True,
        show_envvar=True,
        shell_complete=completed(lambda: NAMES),
        help="ticktick, dida365, or the address of a running sandbox.",
    ),
    click.option(
        "--profile",
        metavar="NAME",
        shell_complete=completed(profiles),
        help="One of several accounts: FileStore(profile=NAME) in a program; or "
        "$TICKTICK_PROFILE.",
    ),
    click.option(
        "--file",
        metavar="PATH",
        type=click.Path(dir_okay=False),
        help="Where the token is kept: FileStore(PATH) in a program.",
    ),
    click.option(
        "--store",
        metavar="STORE",
        envvar="TICKTICK_STORE",
        show_envvar=True,
        shell_complete=completed(lambda: STORES),
        help="A place that is no file: keyring, the address of Redis, PostgreSQL or "
        "SQLite (with a password: in the variable), or none.",
    ),
    click.option(
        "--key", metavar="KEY", help="The token's name in Redis or in a database."
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
        f"{TICKTICK.default_redirect_uri}, or for Dida365 "
        f"{DIDA365.default_redirect_uri}.",
    ),
    click.option("--scope", metavar="SCOPES", help=f"By default '{SCOPE}'."),
)


def account_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options, as its argument ``account``."""

    @functools.wraps(command)
    def with_account(
        *,
        service: str,
        profile: str | None,
        file: str | None,
        store: str | None,
        key: str | None,
        client_id: str | None,
        client_secret: str | None,
        redirect_uri: str | None,
        scope: str | None,
        **others: Any,
    ) -> None:
        endpoints = named(service)
        assert endpoints is not None  # _service_name has checked the name
        source = click.get_current_context().get_parameter_source("store")
        is_typed = source is ParameterSource.COMMANDLINE
        place, store_options = chosen_store(
            profile, file, store or None, key, is_typed=is_typed
        )
        account = Account(
            service=endpoints,
            service_name=service,
            client=Client(client_id, client_secret, redirect_uri),
            scope_option=scope,
            store=place,
            store_options=store_options,
        )
        command(account=account, **others)

    for option in reversed(_OPTIONS):
        option(with_account)
    return with_account
