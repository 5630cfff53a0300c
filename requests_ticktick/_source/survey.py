"""What each place holds, and the command that puts a token there."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from .._defaults import SCOPE
from .._errors import TickTickAuthError, only_our_errors
from .._grant.error_text import clean
from .._named import NAMES, sandbox_base
from .._sign_on.base import LOGIN_ADVICE
from ..stores import EnvStore, FileStore, MemoryStore
from ..stores._base import NoPlaceError
from ..stores._place import profile_of_environment
from .events.places import MEMORY, place_of

if TYPE_CHECKING:
    from .._stamp import Stamp
    from .._token import Token
    from ..stores import TokenStore
    from .wallet import Wallet

logger = logging.getLogger("requests_ticktick")

#: What takes the command's place where it has no option for the store or the
#: service.
_OTHER_WAY = "auth.sign_on() in a program with this store, not {}"

#: How a message of ours names the command, and how a refusal begins.
LOGIN = "requests-ticktick login"
NO_TOKEN = "No usable TickTick token."


def explained(text: str, wallet: Wallet, store: TokenStore) -> str:
    """Return the message of an error with what each place holds."""
    advice = text.removeprefix(NO_TOKEN).strip()
    return " ".join([NO_TOKEN, *_sentences(wallet, store), advice])


def exact(text: str, store: TokenStore, stamp: Stamp) -> str:
    """Return a message whose command has the options for this token.

    :param text: The message, which may advise to run the command.
    """
    command = _command(store, stamp) or _OTHER_WAY.format(LOGIN)
    # The variable is advice for those who read it.
    read = [each for each in store.members() if isinstance(each, EnvStore)]
    other = f"; or set {read[0].name})." if read else ")."
    advice = LOGIN_ADVICE.replace("; or set TICKTICK_TOKEN).", other)
    return text.replace(LOGIN_ADVICE, advice).replace(LOGIN, command)


def foreign(found: Iterable[Token], stamp: Stamp) -> Iterator[str]:
    """Yield a sentence about each token that belongs to another client.

    :param found: The tokens in the stores.
    :param stamp: Whose tokens are wanted.
    """
    for token in found:
        difference = stamp.difference(token)
        if difference is not None and token.found_in is not None:
            yield _foreign(token, token.found_in, difference)


def log_unused(wallet: Wallet, tokens: Iterable[Token]) -> None:
    """Log why none of the tokens that were found is simply used."""
    for token in tokens:
        difference = wallet.difference(token)
        state = _state(wallet, token)
        if difference is not None:
            state = clean(f"is for {difference}")
        logger.debug("Skipped the token %s, that %s.", token.fingerprint, state)


def _day(epoch_seconds: float) -> str:
    """Return a date in this machine's time zone."""
    try:
        return time.strftime("%Y-%m-%d", time.localtime(epoch_seconds))
    except (OverflowError, OSError, ValueError):
        return "a day that this machine's calendar does not have"


def _sentences(wallet: Wallet, store: TokenStore) -> Iterator[str]:
    unsaved = wallet.unsaved
    if unsaved is not None:
        yield f"Memory holds a token that {_state(wallet, unsaved)}."
    for member in store.members():
        try:
            with only_our_errors():
                yield from _of_member(wallet, member)
        except NoPlaceError as error:
            yield str(error)
        except TickTickAuthError as error:
            yield f"{_first(place_of(member))} cannot be read: {error}"


def _of_member(wallet: Wallet, member: TokenStore) -> Iterator[str]:
    place, has_any = place_of(member), False
    for token in member.candidates():
        has_any, difference = True, wallet.difference(token)
        if difference is not None:
            yield _foreign(token, place, difference)
            if member.writable:
                yield "It stays there, so choose another profile for this app."
        else:
            yield f"{_first(place)} holds a token that {_state(wallet, token)}."
    if has_any:
        return
    if member.is_torn():
        yield f"{place} holds a torn token, which cannot be read."
    elif isinstance(member, EnvStore):
        yield f"{place} is not set."
    elif isinstance(member, FileStore) and not os.path.exists(place):
        yield f"{place} does not exist."
    elif isinstance(member, MemoryStore):
        yield "There is none in memory."
    else:
        yield f"{place} holds no token."


def _foreign(token: Token, place: str, difference: str) -> str:
    # Text from a file must not control a terminal.
    return clean(
        f"The token {token.fingerprint} in {place} is for {difference}, and is not "
        "used here."
    )


def _first(place: str) -> str:
    """Return a place as the first word of a sentence."""
    return "Memory" if place == MEMORY else place


def _state(wallet: Wallet, token: Token) -> str:
    """Say why this client's token is not enough, as the end of a sentence."""
    if wallet.is_refused(token):
        return "the API refused"
    if token.expires_at is None:
        return "is to be replaced"
    is_alive = wallet.is_usable(wallet.deadlines.of(token))
    return f"{'expires' if is_alive else 'expired'} on {_day(token.expires_at)}"


def _command(store: TokenStore, stamp: Stamp) -> str | None:
    """Return the command for this store and service, if there is one."""
    keeper = next((each for each in store.members() if each.writable), None)
    service = _service_name(stamp)
    if not isinstance(keeper, FileStore) or service is None:
        return None
    words = ["--service", service] if service != "ticktick" else []
    is_taken = False
    with contextlib.suppress(TickTickAuthError):  # as the message says
        is_taken = any(foreign(keeper.candidates(), stamp))
    with contextlib.suppress(NoPlaceError, ValueError):  # likewise
        words += ["--profile", "NAME"] if is_taken else _file_options(keeper)
    if stamp.scope is not None and set(stamp.scope.split()) != set(SCOPE.split()):
        words += ["--scope", stamp.scope]
    import shlex  # only where something has failed

    return shlex.join([*LOGIN.split(), *words])


def _file_options(store: FileStore) -> list[str]:
    if store.profile is not None:
        return ["--profile", store.profile]
    is_elsewhere = not store.is_default or os.environ.get("TICKTICK_TOKEN_FILE")
    if is_elsewhere:
        return ["--file", store.path]
    # Who runs the command may not have this process's environment.
    profile = profile_of_environment()
    return [] if profile is None else ["--profile", profile]


def _service_name(stamp: Stamp) -> str | None:
    """Return the name of the service on the command line, if it has one."""
    endpoint = stamp.token_endpoint or ""
    for name, service in NAMES.items():
        if service.token_endpoint == endpoint:
            return name
    base = endpoint.removesuffix("/oauth/token")
    return sandbox_base(base) if base != endpoint else None
