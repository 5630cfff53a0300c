"""The end of a token: revoked by the service, or forgotten alone."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from .._errors import (
    LockTimeoutError,
    TickTickAuthError,
    TokenStoreError,
    only_our_errors,
)
from ..stores._base import UnwritableError

if TYPE_CHECKING:
    from .._grant import AuthorizationCodeGrant
    from .._token import Token
    from ..stores import TokenStore
    from .wallet import Wallet

logger = logging.getLogger("requests_ticktick")


def revoke(
    store: TokenStore,
    grant: AuthorizationCodeGrant,
    wallet: Wallet,
) -> bool:
    """Revoke all of this client's tokens, and then forget them.

    Under the store's lock: who renews meanwhile is waited for, and its token
    is revoked; who comes later finds none.

    :returns: Whether there was a token.
    :raises RevocationError: One may still be valid, or the service has no
        revocation endpoint. Nothing is forgotten, so that it can be tried
        again.
    """
    revocation = grant.revocation()
    with contextlib.ExitStack() as stack:
        _take_lock(stack, store)
        tokens = _known(wallet)
        for token in tokens:
            revocation.revoke(token, now=wallet.deadlines.clock.time())
        for token in tokens:
            # A variable keeps it, and a thread may just have read a store.
            wallet.refuse(token)
        forget(store, grant, wallet)
    _warn_of_read_only(store, tokens)
    return bool(tokens)


def forget(store: TokenStore, grant: AuthorizationCodeGrant, wallet: Wallet) -> None:
    """Delete this client's token from memory and from every writable store.

    :raises TokenStoreError: A store failed. The others were still tried.
    """
    failed = None
    for member in store.members():
        if member.writable:
            try:
                with only_our_errors():
                    token = member.load()
                    if token is None or grant.stamp.fits(token):
                        member.delete()
            except TickTickAuthError as error:
                failed = failed or error
    # Last, since another thread may have read the token from a store.
    wallet.current = wallet.write_behind.token = None
    if failed is not None:
        raise failed


def _take_lock(stack: contextlib.ExitStack, store: TokenStore) -> None:
    try:
        stack.enter_context(store.lock())
    except (LockTimeoutError, UnwritableError):
        raise
    except TokenStoreError as error:
        # As a renewal does: this store cannot be locked at all.
        logger.warning("%s Going on without a lock.", error)


def _known(wallet: Wallet) -> list[Token]:
    """Return each token once: those in memory, and those in the stores."""
    found = [*wallet.ours(wallet.read())]
    if wallet.current is not None:
        found.append(wallet.current.token)
    unique = {(token.access_token, token.refresh_token): token for token in found}
    return list(unique.values())


def _warn_of_read_only(store: TokenStore, tokens: list[Token]) -> None:
    revoked = {token.access_token for token in tokens}
    for member in store.members():
        if member.writable:
            continue
        for token in member.candidates():
            if token.access_token in revoked:
                logger.warning(
                    "%r still has the token %s, which is revoked: remove it there.",
                    member,
                    token.fingerprint,
                )
