"""The options of ``login`` that say how a person signs on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from .ways import BEGUN_SECONDS, DEFAULT_SECONDS


class _Seconds(click.FloatRange):
    name = "number of seconds"


_OPTIONS = (
    click.option(
        "--force", is_flag=True, help="Sign on although there is a valid token."
    ),
    click.option(
        "--replace",
        "replaces",
        is_flag=True,
        help="Sign on although another client's token is there.",
    ),
    click.option(
        "--register",
        is_flag=True,
        help="Register a client for this sign-on: no app of yours is needed.",
    ),
    click.option(
        "--console",
        "way",
        flag_value="console",
        help="Paste the address that the browser ends up at; listen nowhere.",
    ),
    click.option(
        "--bare-code",
        "way",
        flag_value="code",
        help="As --console, and the code alone will do.",
    ),
    click.option(
        "--no-browser",
        "way",
        flag_value="listen",
        help="Listen for a browser, and open none here.",
    ),
    click.option(
        "--timeout",
        type=_Seconds(min=0, min_open=True, max=86_400),
        metavar="SECONDS",
        help=f"How long to wait for the person: {DEFAULT_SECONDS:g}; after --begin "
        f"{BEGUN_SECONDS:g}.",
    ),
    click.option(
        "--begin", "begins", is_flag=True, help="Print the address to open, and end."
    ),
    click.option(
        "--json", "prints_json", is_flag=True, help="With --begin: print JSON."
    ),
    click.option(
        "--complete",
        "redirected_url",
        metavar="URL",
        help="End what --begin began, with the address that the browser ended up at; - "
        "to read it from standard input.",
    ),
    click.option(
        "--with-token", is_flag=True, help="Read a token from standard input instead."
    ),
)


def sign_on_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options, as the fields of :class:`Chosen`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True)
class Chosen:
    """What the options say about the sign-on itself."""

    force: bool
    replaces: bool
    register: bool
    way: str | None
    timeout: float | None
    begins: bool
    prints_json: bool
    redirected_url: str | None
    with_token: bool

    def require_one_source(self) -> None:
        """Require that the options name one way to a token.

        :raises click.UsageError: They exclude each other.
        """
        sources = {
            "--begin": self.begins,
            "--complete": self.redirected_url is not None,
            "--with-token": self.with_token,
            "--force": self.force,
        }
        given = [name for name, is_given in sources.items() if is_given]
        if len(given) > 1:
            raise click.UsageError(f"{given[0]} and {given[1]} exclude each other.")
        if self.prints_json and not self.begins:
            raise click.UsageError("--json goes with --begin. See --format json.")
