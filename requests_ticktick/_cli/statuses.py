"""The exit statuses, as the help of each command tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .found import Found, Verdict

#: The token ends within the time that was asked about.
EXPIRES_SOON = 3

#: The service could not be reached, or did not say.
UNREACHABLE = 4

#: A program cannot be run, or is not there, as shells have it.
NOT_EXECUTABLE, NOT_FOUND = 126, 127

_ALWAYS = {
    2: "the command line is wrong",
    130: "Ctrl-C, SIGTERM, or a terminal that closed",
}

_OF_ALL = {0: "it is done", 1: "it is not, and one line says why and what to do"}

_BY_COMMAND = {
    "demo": {0: "all that TickTick saw was right", 1: "it was not"},
    "status": {
        0: "there is a usable token",
        1: "there is none, or with --check: the API refuses it",
        EXPIRES_SOON: "it ends within the time of --within",
        UNREACHABLE: "with --check: the API cannot be reached, or does not say",
    },
    "token": {0: "it was printed", 1: "there is none"},
    "exec": {
        0: "the program's own, as any other is",
        1: "or there is no token, and nothing was run",
        NOT_EXECUTABLE: "or the program cannot be run",
        NOT_FOUND: "or it is not there",
    },
    "import": {0: "it is kept, or can be", 1: "there is none, or it was not kept"},
    "doctor": {0: "no faults", 1: "one or more"},
    "accounts": {0: "they are listed", 1: "there are none"},
}


def statuses(command: str | None = None) -> str:
    """Return the part of a command's help. click does not rewrap its lines.

    :param command: ``None`` for the program as a whole.
    """
    meanings = {**_OF_ALL, **_BY_COMMAND.get(command or "", {}), **_ALWAYS}
    if command is None:
        meanings[EXPIRES_SOON] = "status --within: the token ends soon"
        meanings[UNREACHABLE] = "status --check: the API cannot be reached"
    rows = [f"{number:3}  {text}" for number, text in sorted(meanings.items())]
    return "\n  ".join(["\b\nExit statuses:", *rows])


def exit_status(
    chosen: Found | None, verdict: Verdict | None, within: float | None, *, now: float
) -> int:
    """Return the exit status of ``status``: the worst of what there is to say.

    :param within: Seconds in which the token must not end.
    :param now: Epoch seconds.
    """
    if chosen is None or (verdict is not None and verdict.accepted is False):
        return 1
    if within is not None and chosen.token.expires_within(within, now=now):
        return EXPIRES_SOON
    return UNREACHABLE if verdict is not None and verdict.accepted is None else 0
