"""What a sign-on leaves for the next one: whose client, and which account."""

from __future__ import annotations

from contextlib import suppress

from ..._errors import TickTickAuthError
from ..._stamp import Stamp
from ..._token import Token
from ...stores import FileStore
from ..account import Account
from ..output import log_hidden, warn
from ..profiles import remember_client, remembered_client, twins_of
from .replacing import writable_store


def remembered(account: Account) -> str | None:
    """Return the id of the client that last signed on there, if known."""
    store = writable_store(account)
    with log_hidden(), suppress(TickTickAuthError):
        if isinstance(store, FileStore):
            client_id = remembered_client(store.path)
            if client_id is not None:
                return client_id
        token = store.load()
        return None if token is None else Stamp.of(token).client_id
    return None


def note_sign_on(account: Account, token: Token) -> None:
    """Remember the client, and warn if another profile has the same token."""
    store = writable_store(account)
    if not isinstance(store, FileStore):
        return
    remember_client(store.path, account.client.client_id)
    with log_hidden():
        twins = twins_of(token, store.path)
    if twins:
        warn(same_token([*twins, "this one"]))


def same_token(names: list[str]) -> str:
    """Say that profiles hold one token, and what to do about it."""
    return (
        f"The profiles {' and '.join(names)} hold the same token, and so are one "
        "account: the browser was signed on to it. Sign out of TickTick there, then "
        "run: requests-ticktick login --force --profile NAME"
    )
