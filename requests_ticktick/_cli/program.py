"""The program: all commands, and how it ends when one of them fails."""

from __future__ import annotations

import logging
import sys
from typing import Any

import click

from .. import __version__
from .._errors import TickTickAuthError
from .demo import demo
from .login import login
from .output import (
    CommandError,
    examples,
    log_shown,
    output_is_broken,
    say,
    unwritable,
)
from .run_sandbox import run_sandbox
from .token_commands import logout, print_token, status

#: The exit status after Ctrl-C: 128 and the number of SIGINT, as in shells.
_INTERRUPTED_STATUS = 130


class _Program(click.Group):
    """Lists commands in the order of their use; ends with one-line errors."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            # click and rich print help and tables without answer().
            if not output_is_broken():
                raise
            failure = unwritable(error)
        failure.show()
        sys.exit(failure.exit_code)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TickTickAuthError as error:
            raise CommandError(str(error)) from None
        except (KeyboardInterrupt, click.Abort):
            say("\nInterrupted.")
            ctx.exit(_INTERRUPTED_STATUS)


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
    ctx.with_resource(log_shown("requests_ticktick", logging.WARNING))


for _command in (demo, login, status, print_token, logout, run_sandbox):
    program.add_command(_command)
