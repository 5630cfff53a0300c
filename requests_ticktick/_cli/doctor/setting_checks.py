"""``doctor``: do the settings, the token, the clock and the API agree?"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from urllib.parse import SplitResult

from ..._defaults import LEEWAY_SECONDS
from ..._errors import TickTickAuthError
from ..._grant.redirect import require_redirect_uri
from ..._sign_on import person_can_be_here
from ..._sign_on.loopback import cannot_listen, loopback_parts
from ..output import date, left
from ..plain_words import in_plain_words
from .scene import Fault, Scene, is_variable

#: How long before its end a token is worth a word.
_SOON_SECONDS = 14 * 86_400.0

#: An address that this machine does not have is in nobody's use.
_NO_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def env_conflict(scene: Scene) -> Iterator[Fault]:
    """Find variables that contradict each other, or that cannot be right."""
    environ = os.environ
    if environ.get("TICKTICK_TOKEN_FILE") and environ.get("TICKTICK_PROFILE"):
        yield Fault(
            "env-conflict",
            "TICKTICK_TOKEN_FILE and TICKTICK_PROFILE are both set: the file is used, "
            "whatever the profile is.",
            "Unset one of them.",
        )
    for store, error in scene.unreadable:
        if is_variable(store):
            found, _, remedy = in_plain_words(str(error)).partition(". ")
            yield Fault("env-conflict", f"{found}.", remedy)
    for item in scene.found:
        if is_variable(item.store) and not scene.account.stamp.fits(item.token):
            yield Fault(
                "env-conflict",
                f"The token {item.token.fingerprint} in {item.place} {item.problem}.",
                "Correct TICKTICK_SERVICE or TICKTICK_CLIENT_ID, or unset the token.",
            )
    client = scene.account.client
    for is_set, require in (
        (client.client_id is not None, client.require_id),
        (client.client_secret is not None, client.require_secret),
    ):
        try:
            if is_set:
                require()
        except TickTickAuthError as error:
            found, _, remedy = in_plain_words(str(error)).partition(". ")
            yield Fault("env-conflict", f"{found}.", remedy)


def env_shadows_file(scene: Scene) -> Iterator[Fault]:
    """Find a variable whose token is used in place of the saved one."""
    chosen = scene.chosen
    if chosen is None or not is_variable(chosen.store):
        return
    for item in scene.found:
        is_other = item.token.access_token != chosen.token.access_token
        if item.store.writable and item.is_usable and is_other:
            yield Fault(
                "env-shadows-file",
                f"{chosen.place} holds the token {chosen.token.fingerprint}, which "
                f"programs use before {item.token.fingerprint} in {item.place}.",
                f"Unset {chosen.place.removeprefix('$')}, or remove the other: "
                f"{scene.account.command('logout')}",
            )


def other_client(scene: Scene) -> Iterator[Fault]:
    """Find a saved token for another client, service or set of scopes."""
    for item in scene.found:
        if item.store.writable and not scene.account.stamp.fits(item.token):
            yield Fault(
                "other-client",
                f"The token {item.token.fingerprint} in {item.place} {item.problem}.",
                "Correct TICKTICK_CLIENT_ID or the options, choose another profile, "
                f"or replace it: {scene.account.command('login', '--replace')}",
            )


def redirect_unacceptable(scene: Scene) -> Iterator[Fault]:
    """Find a redirect URI at which others could read the code."""
    try:
        require_redirect_uri(scene.account.redirect_uri)
    except TickTickAuthError as error:
        found, _, remedy = in_plain_words(str(error)).partition(". ")
        yield Fault("redirect-unacceptable", f"{found}.", remedy)


def port_busy(scene: Scene) -> Iterator[Fault]:
    """Find a port that a sign-on needs and another program has."""
    parts = loopback_parts(scene.account.redirect_uri)
    # Where nobody signs on, the port is anybody's.
    if parts is None or scene.said & {"lock-held"} or _in_ci():
        return
    error = _why_not_bound(parts)
    if error is not None:
        text = in_plain_words(cannot_listen(parts, error))
        found, _, remedy = text.partition(". ")
        yield Fault("port-busy", f"{found}.", remedy)


def _why_not_bound(parts: SplitResult) -> OSError | None:
    from ..._sign_on.listener import addresses

    for address in addresses(parts.hostname or ""):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            with socket.socket(family) as one:
                # As a sign-on does, for a port that was just given back.
                reuse = int(os.name == "posix")
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
                one.bind((address, parts.port or 80))
        except OSError as error:
            if error.errno not in _NO_ADDRESS:
                return error
    return None


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def ci_without_token(scene: Scene) -> Iterator[Fault]:
    """Find no token where nobody can be asked for one."""
    if scene.chosen is None and _in_ci():
        yield Fault(
            "ci-without-token",
            "CI is set, so nobody is asked here, and there is no usable token.",
            f"Run {scene.account.command('login', '--env')} at your desk, and put "
            "what it prints into a masked variable TICKTICK_TOKEN.",
        )


def no_token(scene: Scene) -> Iterator[Fault]:
    """Find no token, for no reason that another check has told."""
    if scene.chosen is not None or scene.found or scene.unreadable or scene.said:
        return
    where = "" if person_can_be_here(by_command=True) else ", where a person is"
    yield Fault("no-token", "There is no token yet.", f"Sign on{where}: {scene.login}")


def expires_soon(scene: Scene) -> Iterator[Fault]:
    """Find a token that ends within two weeks, or has ended."""
    items = scene.found if scene.chosen is None else [scene.chosen]
    for item in items:
        ends = item.token.expires_at
        if ends is None or not scene.account.stamp.fits(item.token):
            continue
        if ends - scene.now < _SOON_SECONDS:
            rest = f"ends on {date(ends)}: {left(ends - scene.now)} are left"
            if ends <= scene.now:
                rest = f"expired on {date(ends)}"
            yield Fault(
                "expires-soon",
                f"The token {item.token.fingerprint} in {item.place} {rest}.",
                f"Sign on again: {scene.account.command('login', '--force')}",
            )


def clock_off(scene: Scene) -> Iterator[Fault]:
    """Find a clock that differs from the server's by more than the leeway."""
    off, by = 0.0, ""
    if scene.verdict is not None and scene.verdict.server_time is not None:
        off, by = scene.now - scene.verdict.server_time, "the API's"
    elif scene.chosen is not None and scene.chosen.token.issued_at is not None:
        # Nobody has issued a token in the future.
        off, by = min(0.0, scene.now - scene.chosen.token.issued_at), "its own before"
    if abs(off) > LEEWAY_SECONDS:
        direction = "ahead of" if off > 0 else "behind"
        yield Fault(
            "clock-off",
            f"This machine's clock is {left(abs(off))} {direction} {by}.",
            "Set the clock: tokens would be renewed too early or too late.",
        )


def api_refuses(scene: Scene) -> Iterator[Fault]:
    """Find a token that the API does not take."""
    verdict = scene.verdict
    if verdict is None:
        return
    if verdict.accepted is False and scene.chosen is not None:
        place = scene.chosen.place
        yield Fault(
            "api-refuses",
            f"The API refuses the token {scene.chosen.token.fingerprint} in {place}.",
            f"Sign on again: {scene.account.command('login', '--force')}",
        )


def api_unreachable(scene: Scene) -> Iterator[Fault]:
    """Find an API that does not answer, or not the question."""
    if scene.verdict is not None and scene.verdict.accepted is None:
        yield Fault(
            "api-unreachable",
            f"The API {scene.verdict.text}.",
            "Look at the network and HTTPS_PROXY, or leave it out with --offline.",
        )
