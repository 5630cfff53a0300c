"""The program: all commands, and how it ends when one of them fails."""

from __future__ import annotations

import importlib
import logging
import sys
from typing import Any

import click

from .. import __version__
from .._errors import TickTickAuthError
from .output import (
    CommandError,
    examples,
    log_shown,
    output_is_broken,
    say,
    unwritable,
)
from .signals import ended_as_by_ctrl_c
from .statuses import statuses

#: The exit status after Ctrl-C: 128 and the number of SIGINT, as in shells.
_INTERRUPTED_STATUS = 130


#: The commands in the order of their use, and where each is defined. They are
#: imported when they are needed: scripts run "token" before each call of curl.
_COMMANDS = {
    "demo": "demo.demo:demo",
    "login": "login.login:login",
    "status": "token_commands:status",
    "token": "token_commands:print_token",
    "exec": "executing:execute",
    "logout": "token_commands:logout",
    "accounts": "accounts.accounts:accounts",
    "import": "importing.importing:import_token",
    "doctor": "doctor.doctor:doctor",
    "sandbox": "run_sandbox:run_sandbox",
}


class _Program(click.Group):
    """Lists commands in the order of their use; ends with one-line errors."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in _COMMANDS and name not in self.commands:
            module, _, attribute = _COMMANDS[name].partition(":")
            command = getattr(
                importlib.import_module(f".{module}", __package__), attribute
            )
            command.epilog = f"{statuses(name)}\n\n{command.epilog}"
            self.add_command(command, name)
        return super().get_command(ctx, name)

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
            with ended_as_by_ctrl_c():
                return super().invoke(ctx)
        except TickTickAuthError as error:
            from .plain_words import in_plain_words

            raise CommandError(in_plain_words(str(error))) from None
        except (KeyboardInterrupt, click.Abort):
            say("\nInterrupted.")
            ctx.exit(_INTERRUPTED_STATUS)


@click.group(
    cls=_Program,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"{statuses()}\n\n"
    + examples(
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
