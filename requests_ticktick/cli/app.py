"""All commands together, and how they end when something goes wrong."""

from __future__ import annotations

import logging
import sys
from typing import Any

import click

from .. import __version__
from ..errors import TickTickAuthError
from .demo import demo
from .login import login
from .logout import logout
from .output import (
    Failure,
    colour,
    examples,
    log_shown,
    output_is_broken,
    say,
    unwritable,
)
from .sandbox import sandbox
from .status import status
from .token import print_token

#: 128 and the number of SIGINT, as shells have it.
_INTERRUPTED = 130


class _Program(click.Group):
    """Commands in the order of their use, and one line for each error."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            # What click and rich print is not printed by answer().
            if not output_is_broken():
                raise
            failure = unwritable(error)
        failure.show()
        sys.exit(failure.exit_code)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TickTickAuthError as error:
            raise Failure(str(error)) from None
        except (KeyboardInterrupt, click.Abort):
            say("\nInterrupted.")
            ctx.exit(_INTERRUPTED)


@click.group(
    cls=_Program,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "# Without an account:",
        "requests-ticktick demo",
        "# With an app of yours from https://developer.ticktick.com/manage:",
        "export TICKTICK_CLIENT_ID=... TICKTICK_CLIENT_SECRET=...",
        "requests-ticktick login",
        "requests-ticktick status",
    ),
)
@click.version_option(__version__, prog_name="requests-ticktick")
@click.pass_context
def program(ctx: click.Context) -> None:
    """Sign on to TickTick once, for all programs on this machine."""
    ctx.color = colour()
    ctx.with_resource(log_shown("requests_ticktick", logging.WARNING))


for _command in (demo, login, status, print_token, logout, sandbox):
    program.add_command(_command)
