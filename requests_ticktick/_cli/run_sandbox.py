"""``requests-ticktick sandbox``, and how the other commands get a sandbox."""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import tempfile
import time
from typing import TYPE_CHECKING

import click

from .._errors import TickTickAuthError
from .._grant.redirect import require_redirect_uri
from .._service import is_loopback
from .extras import missing
from .output import CommandError, answer, examples, log_shown, say

if TYPE_CHECKING:
    from ..sandbox import Sandbox

#: 180 days less a second: the lifetime of TickTick's tokens.
_LIFETIME_SECONDS = 15_551_999

#: Always the same, so that a program can be configured once.
_CLIENT_ID = "sandbox-app"


def sandbox_class() -> type[Sandbox]:
    """Return the sandbox's class.

    :raises CommandError: The extra that holds it is not installed.
    """
    try:
        from ..sandbox import Sandbox
    except ImportError as error:
        raise CommandError(missing(error)) from None
    return Sandbox


def _loopback(ctx: click.Context, param: click.Parameter, host: str) -> str:
    if not is_loopback(host):
        raise click.BadParameter(f"{host!r} is not a loopback address.")
    return host


def _redirect_uri(
    ctx: click.Context, param: click.Parameter, uri: str | None
) -> str | None:
    if uri is not None:
        try:
            require_redirect_uri(uri)
        except TickTickAuthError as error:
            raise click.BadParameter(str(error)) from None
    return uri


@click.command(
    "sandbox",
    epilog=examples(
        "requests-ticktick sandbox",
        "requests-ticktick sandbox --port 0 --expires-in 90",
    ),
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
    default=_LIFETIME_SECONDS,
    metavar="SECONDS",
    help="The lifetime of its tokens; by default 180 days, as TickTick's.",
)
@click.option(
    "--redirect-uri",
    metavar="URI",
    callback=_redirect_uri,
    help="Its app's redirect URI; by default one with a free port.",
)
def run_sandbox(
    host: str, port: int, expires_in: int, redirect_uri: str | None
) -> None:
    """Run a TickTick on this machine, until Ctrl-C.

    What it prints first can be pasted into another shell as it is. Each
    request that it gets is a line on standard error. Its page in a browser
    shows what it saw, and has buttons that make it fail.
    """
    make = sandbox_class()
    with contextlib.suppress(KeyboardInterrupt):
        sandbox = make(
            host=host,
            port=port,
            client_id=_CLIENT_ID,
            redirect_uri=redirect_uri,
            expires_in=expires_in,
        )
        _serve(sandbox, port)
    say("The sandbox has ended.")


def _serve(sandbox: Sandbox, port: int) -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(log_shown("requests_ticktick.sandbox", logging.DEBUG))
        try:
            stack.enter_context(sandbox)
        except OSError as error:
            raise CommandError(
                f"Port {port} cannot be opened: {error.strerror}. Choose another "
                "with --port."
            ) from None
        # The sandbox's tokens end with it. They are kept in a folder of their
        # own, where they hide no real one.
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="requests-ticktick-sandbox-")
        )
        answer(_introduction(sandbox, os.path.join(folder, "token.json")))
        while True:
            time.sleep(3600)


def _introduction(sandbox: Sandbox, token_file: str) -> str:
    base = sandbox.url("")
    variables = {
        "TICKTICK_SERVICE": base,
        "TICKTICK_CLIENT_ID": sandbox.client_id,
        "TICKTICK_CLIENT_SECRET": sandbox.client_secret or "",
        "TICKTICK_REDIRECT_URI": sandbox.redirect_uri,
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
            f"# What it saw, and buttons that make it fail: {base}/",
        ]
    )
