"""The store that ``--profile``, ``--file`` and ``--store`` choose."""

from __future__ import annotations

import importlib
import re
from urllib.parse import parse_qsl, urlsplit

import click

from .._defaults import default_store
from ..stores import FileStore, MemoryStore, TokenStore
from .extras import missing
from .output import CommandError

#: What ``--store`` may be, as its completion offers it.
STORES = (
    *("keyring", "none", "redis://", "rediss://"),
    *("postgresql+psycopg://", "sqlite:///"),
)

#: Seconds that Redis has for an answer.
_REDIS_SECONDS = 5.0

#: The parts of an address's query that are secret.
_SECRET_PARAMETERS = frozenset({"password", "passwd", "pwd", "sslpassword"})


def chosen_store(
    profile: str | None,
    file: str | None,
    store: str | None,
    key: str | None,
    *,
    is_typed: bool,
) -> tuple[TokenStore, tuple[str, ...]]:
    """Return the store, and the options to be typed again for it.

    :param is_typed: Whether ``store`` is from the command line, which all
        users of the machine can read.
    :raises click.UsageError: The options exclude each other, or one is wrong.
    """
    if profile is not None and file is not None:
        raise click.UsageError("--profile and --file exclude each other.")
    if store is not None and is_typed:
        _require_no_secret(store)
        if file is not None:
            raise click.UsageError("--store and --file exclude each other.")
    if key is not None and (store is None or "://" not in store):
        raise click.UsageError(
            "--key belongs to a --store that is a database or Redis."
        )
    if store is not None and file is None:
        return _elsewhere(store, profile, key), (
            *(("--store", store) if is_typed else ()),
            *(("--profile", profile) if profile is not None else ()),
            *(("--key", key) if key is not None else ()),
        )
    return _file_store(profile, file)


def _require_no_secret(address: str) -> None:
    try:
        parts = urlsplit(address)
        has_secret = parts.password is not None or any(
            name.lower() in _SECRET_PARAMETERS for name, _ in parse_qsl(parts.query)
        )
    except ValueError:
        return
    if has_secret:
        raise click.BadParameter(
            "every user of this machine can read a password in a command line: put "
            "the address into the variable TICKTICK_STORE instead.",
            param_hint="--store",
        )


def _file_store(
    profile: str | None, file: str | None
) -> tuple[TokenStore, tuple[str, ...]]:
    typed: tuple[str, ...] = ()
    if file is not None:
        typed = ("--file", file)
    elif profile is not None:
        typed = ("--profile", profile)
    try:
        if not typed:
            return default_store(), ()
        return FileStore(file, profile=profile), typed
    except ValueError as error:
        hint = typed[0] if typed else "TICKTICK_PROFILE"
        raise click.BadParameter(f"{error}.", param_hint=hint) from None


def _elsewhere(store: str, profile: str | None, key: str | None) -> TokenStore:
    """Return a store that is not a file.

    :raises CommandError: It needs an extra that is not installed.
    """
    if "://" in store and profile is not None:
        raise click.UsageError("Choose the token in this --store with --key.")
    try:
        if store == "none":
            return MemoryStore()
        if store == "keyring":
            from ..stores.keyring import KeyringStore

            return KeyringStore(profile=profile or "default")
        if re.match("rediss?://|unix://", store):
            return _redis_store(store, key)
        if re.match("postgresql[+:]|sqlite[+:]", store):
            from ..stores.sql import SqlStore

            return SqlStore(store) if key is None else SqlStore(store, key)
    except ImportError as error:
        raise CommandError(missing(error)) from None
    except ValueError:
        problem = "this address or --key cannot be used"
    else:
        problem = "it is none of keyring, none, or the address of Redis, PostgreSQL "
        problem += "or SQLite"
    # The address is not quoted: it may hold a password.
    raise click.BadParameter(
        f"{problem}, such as redis://localhost:6379/0 or sqlite:////var/lib/tokens.db.",
        param_hint="--store",
    )


def _redis_store(address: str, key: str | None) -> TokenStore:
    from ..stores.redis import RedisStore  # says which extra is missing

    from_url = importlib.import_module("redis").Redis.from_url
    client = from_url(address, socket_timeout=_REDIS_SECONDS)
    return RedisStore(client) if key is None else RedisStore(client, key)
