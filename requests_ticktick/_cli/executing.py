"""``requests-ticktick exec``: a program that reads a token from a variable."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import NoReturn
from uuid import UUID

import click

from .._token import Token
from .account import Account
from .options import account_options
from .output import CommandError, examples
from .statuses import NOT_EXECUTABLE, NOT_FOUND
from .valid_token import valid_token

#: Whether the program can take this process's place. Then signals, standard
#: input, the terminal and the exit status are its own.
CAN_REPLACE = os.name == "posix"

#: Of a token whose end is not known, that is said: TickTick's 180 days.
_LIFETIME_SECONDS = 15_551_999

#: The token itself, for those who read nothing else.
_NAMES = {
    "requests-ticktick": ["TICKTICK_TOKEN"],
    "mcp": ["TICKTICK_ACCESS_TOKEN", "TICKTICK_API_TOKEN", "TICKTICK_API_KEY"],
    "pyticktick": ["PYTICKTICK_V1_TOKEN_VALUE"],
    "ticktick-sdk": ["TICKTICK_ACCESS_TOKEN"],
}

#: click leaves the lines after the backspace as they are.
_HELP = """\
Run a program with a valid token in its environment.

The token is in no command line, no file and nothing that is printed.
Nobody is asked for one. The rest is the program's: its standard input and
output, the terminal, signals, and its exit status.

\b
--as               sets
requests-ticktick  TICKTICK_TOKEN; TICKTICK_SERVICE, unless it is TickTick
mcp                TICKTICK_ACCESS_TOKEN, _API_TOKEN, _API_KEY
pyticktick         PYTICKTICK_V1_TOKEN_VALUE, _TOKEN_EXPIRATION, _BASE_URL;
                   _CLIENT_ID and _CLIENT_SECRET, where it needs any text
ticktick-sdk       TICKTICK_ACCESS_TOKEN; TICKTICK_CLIENT_ID and _SECRET,
                   where it needs any text
"""


@click.command(
    "exec",
    help=_HELP,
    context_settings={"allow_interspersed_args": False},
    epilog=examples(
        "requests-ticktick exec -- python report.py",
        "requests-ticktick exec --profile work --as mcp -- uvx ticktick-mcp",
        "requests-ticktick exec --as pyticktick -- python my_program.py",
    ),
)
@click.option(
    "--as",
    "reader",
    type=click.Choice(list(_NAMES)),
    default="requests-ticktick",
    show_default=True,
    help="Whose variables the program reads.",
)
@click.argument("words", metavar="COMMAND...", nargs=-1, required=True)
@account_options
def execute(account: Account, reader: str, words: tuple[str, ...]) -> None:
    """Run a program with a valid token in its environment."""
    token = valid_token(account, may_sign_on=False)
    variables = dict.fromkeys(_NAMES[reader], token.access_token)
    if reader == "requests-ticktick" and account.service_name != "ticktick":
        variables["TICKTICK_SERVICE"] = account.service_name
    elif reader == "pyticktick":
        variables |= _for_pyticktick(account, token)
    elif reader == "ticktick-sdk":
        variables |= _placeholders("TICKTICK_CLIENT_ID", "TICKTICK_CLIENT_SECRET")
        if account.service_name == "dida365":
            variables["TICKTICK_HOST"] = "dida365.com"
    run(words, {**os.environ, **variables})


def _for_pyticktick(account: Account, token: Token) -> dict[str, str]:
    """Return what pyticktick requires beside the token.

    :raises CommandError: It would refuse the token.
    """
    with suppress(ValueError):
        if UUID(token.access_token).version == 4:
            expires_at = token.expires_at or time.time() + _LIFETIME_SECONDS
            api = account.service.api_origins[0].removesuffix("/open/")
            return {
                "PYTICKTICK_V1_TOKEN_EXPIRATION": str(int(expires_at)),
                "PYTICKTICK_V1_BASE_URL": f"{api}/open/v1/",
                **_placeholders("PYTICKTICK_V1_CLIENT_ID"),
                **_placeholders("PYTICKTICK_V1_CLIENT_SECRET"),
            }
    raise CommandError(
        f"pyticktick takes no token such as {token.fingerprint}, but only what a "
        f"sign-on gives. Run: {account.command('login', '--force')}"
    )


def _placeholders(*names: str) -> dict[str, str]:
    return {name: os.environ.get(name) or "-" for name in names}


def run(words: tuple[str, ...], environment: Mapping[str, str]) -> NoReturn:
    """Run a program in this one's place.

    :raises CommandError: It cannot be run.
    """
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.flush()
    try:
        if CAN_REPLACE:
            _restore_signals()
            os.execvpe(words[0], words, environment)  # noqa: S606 - it is asked for
        sys.exit(_wait_for(words, environment))
    except OSError as error:
        raise _not_run(words[0], error) from None


def _restore_signals() -> None:
    """Undo what Python ignores at its start, and a program would inherit."""
    for name in {"SIGPIPE", "SIGXFSZ"}.intersection(dir(signal)):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


def _wait_for(words: tuple[str, ...], environment: Mapping[str, str]) -> int:
    """Run a program where it cannot take this one's place, as on Windows."""
    path = shutil.which(words[0], path=environment.get("PATH"))
    if path is None:
        raise FileNotFoundError(errno.ENOENT, "it is not there")
    # Ctrl-C reaches the program as well, which decides what it means. It must
    # not interrupt the wait: the system tells a status once, and only once.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        return subprocess.run(  # noqa: S603 - it is asked for
            [path, *words[1:]], env=environment
        ).returncode
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)


class _MissingError(CommandError):
    """There is no such program."""

    exit_code = NOT_FOUND


class _UnusableError(CommandError):
    """It is there, and cannot be run."""

    exit_code = NOT_EXECUTABLE


def _not_run(name: str, error: OSError) -> CommandError:
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return _MissingError(
            f"{name}: there is no such command. Write out its path, or install it."
        )
    return _UnusableError(
        f"{name}: it cannot be run ({error.strerror}). Make it executable (chmod +x), "
        "or name the program that runs it."
    )
