"""``login --begin`` and ``--complete``: a sign-on by two commands."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..._errors import (
    AuthorizationDeniedError,
    SignOnError,
    TickTickAuthError,
    TokenEndpointError,
)
from ..._grant.request import AuthorizationRequest
from ..._sign_on import refuse
from ..._sign_on.address import MAX_TEXT_LENGTH, problem_with, redirected_url
from ..._token import Token
from ..._value import Secret
from ...stores import FileStore, MemoryStore, _files, _place, _replacing
from ..account import Account
from ..output import CommandError, answer, date, say
from .signing_on import require_client, require_room, saved_place


@dataclass(frozen=True)
class _Begun:
    """A sign-on under way, and the file that keeps it.

    :param until: When it can no longer be completed, in epoch seconds.
    """

    path: str
    request: AuthorizationRequest
    until: float
    registers: bool
    scope: str


def begin(account: Account, *, seconds: float, prints_json: bool) -> None:
    """Begin a sign-on, print its address, and keep the rest in a file.

    :param seconds: How long it can be completed.
    :raises TickTickAuthError: It cannot begin.
    """
    require_client(account)
    require_room(account)
    request = account.auth(refuse).begin_sign_on()
    until = time.time() + seconds
    for old in _all(account):
        if old.until <= time.time():
            _remove(old)
    _keep(account, request, until)
    command = account.command("login", "--complete", "-")
    if prints_json:
        fields = {
            "url": request.url,
            "redirect_uri": request.redirect_uri,
            "expires_at": until,
            "complete": command,
        }
        answer(json.dumps(fields))
    else:
        say("Open this address in a browser, and allow access:", bold=True)
        answer(request.url)
        say(
            f"The browser is then sent to an address that begins with\n"
            f"{request.redirect_uri} (a page that does not load is fine).\n"
            f"Before {date(until)}, run this and paste that whole address:\n"
            f"  {command}"
        )


def complete(
    account: Account, text: str, *, bare_code: bool, saved: bool
) -> tuple[Token, str | None]:
    """Complete a sign-on that :func:`begin` began in any process.

    :param text: The URL that the person was redirected to; ``-`` to read it.
    :param bare_code: Whether the code alone will do.
    :param saved: Whether the account's store gets the token.
    :returns: The token, and where it was saved.
    :raises TickTickAuthError: It failed.
    :raises CommandError: There is no such sign-on, or the token was not saved.
    """
    begun, url = _found(account, Secret(_read() if text == "-" else text), bare_code)
    account = replace(account, scope_option=begun.scope, registers=begun.registers)
    client, request = account.client, begun.request
    if client.client_id is None and not begun.registers:
        account = account.with_client(str(request.client_id), client.client_secret)
    auth = account.auth(refuse, None if saved else MemoryStore())
    try:
        token = auth.complete_sign_on(request, url)
    except TickTickAuthError as error:
        if _is_final(error):
            _remove(begun)
            raise CommandError(
                f"{error} To begin again: {account.command('login', '--begin')}"
            ) from None
        raise
    place = saved_place(account, token) if saved else None
    _remove(begun)
    return token, place


def _found(account: Account, text: Secret, bare_code: bool) -> tuple[_Begun, Secret]:
    """Return the sign-on that an address is for, and the address."""
    known = sorted(_all(account), key=lambda each: -each.until)
    alive = [each for each in known if each.until > time.time()]
    for begun in known:
        is_sure = bare_code and [begun] == alive
        url = redirected_url(text, begun.request, bare_code=is_sure)
        if url is not None and begun in alive:
            return begun, Secret(url)
        if url is not None:
            _remove(begun)
            problem = f"This sign-on could be completed until {date(begun.until)}."
            break
    else:
        problem = (
            problem_with(text, alive[0].request)
            if alive
            else "No sign-on is under way here: it is completed, or was begun with "
            "another --profile or --file."
        )
    raise CommandError(f"{problem} Begin again: {account.command('login', '--begin')}")


def _read() -> str:
    if sys.stdin is None:
        raise CommandError("Standard input is closed: pipe the address to it.")
    if sys.stdin.isatty():
        say("Paste the address that the browser ended up at, and press Enter:")
        typed = sys.stdin.buffer.readline(MAX_TEXT_LENGTH)
    else:
        typed = sys.stdin.buffer.read(MAX_TEXT_LENGTH)
    return typed.decode("utf-8", "replace")


def _is_final(error: TickTickAuthError) -> bool:
    """Whether this address can never complete the sign-on any more."""
    if isinstance(error, TokenEndpointError):
        return error.status_code is not None and error.status_code < 500
    return isinstance(error, AuthorizationDeniedError)


# -- The files ----------------------------------------------------------------


def _base(account: Account) -> str:
    """Return what the files' names begin with: they are beside the token."""
    files = [each for each in account.store.members() if isinstance(each, FileStore)]
    return os.path.realpath((files or [FileStore()])[0].path)


def _keep(account: Account, request: AuthorizationRequest, until: float) -> None:
    name = hashlib.sha256(request.state.encode()).hexdigest()[:16]
    path = f"{_base(account)}.begun-{name}"
    fields = {
        "until": until,
        "registers": account.registers,
        "scope": account.scope,
        "request": request.to_dict(),
    }
    try:
        _files.make_private_folder(os.path.dirname(path))
        _replacing.replace(path, json.dumps(fields).encode())
    except OSError as error:
        raise CommandError(
            f"Cannot write {path}: {error.strerror}. Free some space, or choose "
            "another place with --file."
        ) from None


def _all(account: Account) -> Iterator[_Begun]:
    """Yield what is under way. Files that hold something else are left."""
    for path in glob.glob(f"{glob.escape(_base(account))}.begun-*"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            content, _ = _files.read(path)
            if _place.doubt(path) is not None:
                continue
            fields: dict[str, Any] = json.loads(content)
            with contextlib.suppress(SignOnError):
                request = AuthorizationRequest.from_dict(fields["request"])
                until = float(fields["until"])
                yield _Begun(
                    path, request, until, fields["registers"] is True, fields["scope"]
                )


def _remove(begun: _Begun) -> None:
    with contextlib.suppress(OSError):  # then it is removed once it has expired
        os.unlink(begun.path)
