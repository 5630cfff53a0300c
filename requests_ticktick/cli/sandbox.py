"""``requests-ticktick sandbox``, and how all commands get one."""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import tempfile
import time
from typing import TYPE_CHECKING

import click

from ..service import is_loopback
from .output import Failure, answer, examples, log_shown, say
from .signals import sigterm_interrupts

if TYPE_CHECKING:
    from ..sandbox import Sandbox

#: 180 days less a second, as TickTick's tokens.
_EXPIRES_IN = 15_551_999


def sandbox_class() -> type[Sandbox]:
    """Return the sandbox, which is an extra of its own.

    :raises Failure: The extra is not installed.
    """
    try:
        from ..sandbox import Sandbox
    except ImportError as error:
        raise Failure(f"{error}") from None
    return Sandbox


def _loopback(ctx: click.Context, param: click.Parameter, host: str) -> str:
    if not is_loopback(host):
        raise click.BadParameter(f"{host!r} is not a loopback address.")
    return host


@click.command(
    epilog=examples(
        "requests-ticktick sandbox",
        "requests-ticktick sandbox --port 0 --expires-in 90",
    )
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    callback=_loopback,
    help="A loopback address.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8766,
    show_default=True,
    help="0 for any free one.",
)
@click.option(
    "--expires-in",
    type=click.IntRange(1),
    default=_EXPIRES_IN,
    metavar="SECONDS",
    help="The lifetime of its tokens; by default 180 days, as TickTick's.",
)
def sandbox(host: str, port: int, expires_in: int) -> None:
    """Run a TickTick on this machine, until Ctrl-C.

    What it prints first can be pasted into another shell as it is. What it is
    asked for is shown, a line each, on standard error.
    """
    make = sandbox_class()
    with contextlib.suppress(KeyboardInterrupt), sigterm_interrupts():
        _serve(make(host=host, port=port, expires_in=expires_in), port)
    say("The sandbox has ended.")


def _serve(running: Sandbox, port: int) -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(log_shown("requests_ticktick.sandbox", logging.DEBUG))
        try:
            stack.enter_context(running)
        except OSError as error:
            raise Failure(
                f"Port {port} cannot be opened: {error.strerror}. Choose another "
                "with --port."
            ) from None
        # Its tokens end with it, and must not stand in the way of real ones.
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="requests-ticktick-sandbox-")
        )
        answer(_introduction(running, os.path.join(folder, "token.json")))
        while True:
            time.sleep(3600)


def _introduction(running: Sandbox, token_file: str) -> str:
    base = running.url("")
    variables = {
        "TICKTICK_SERVICE": base,
        "TICKTICK_CLIENT_ID": running.client_id,
        "TICKTICK_CLIENT_SECRET": running.client_secret or "",
        "TICKTICK_REDIRECT_URI": running.redirect_uri,
        "TICKTICK_TOKEN_FILE": token_file,
    }
    exports = [f"export {name}={shlex.quote(v)}" for name, v in variables.items()]
    return "\n".join(
        [
            f"# A TickTick on {base} until Ctrl-C. Paste into another shell:",
            *exports,
            "# Then, for example:",
            f"#   requests-ticktick login --service {base}",
            f"#   requests-ticktick token --header | curl -H @- {base}/open/v1/project",
        ]
    )
