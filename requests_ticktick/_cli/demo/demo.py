"""``requests-ticktick demo``: all that the package does, in ten seconds."""

from __future__ import annotations

import contextlib
import tempfile
from typing import TYPE_CHECKING

import click

from ..._sign_on import LoopbackSignOn
from ..output import examples, require_output
from ..run_sandbox import sandbox_class

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table

    from ...sandbox import Sandbox
    from .steps import Outcome

_COUNT_HEADERS = ("sign-ons", "token\nrequests", "API\ncalls")


@click.command(
    epilog=examples(
        "requests-ticktick demo",
        "requests-ticktick demo --browser",
    )
)
@click.option(
    "--browser", is_flag=True, help="Make the first sign-on in a real browser."
)
@click.pass_context
def demo(ctx: click.Context, browser: bool) -> None:
    """See it work on a TickTick of your own: no account, no network.

    The exit status is 0 only if that TickTick saw exactly what it should.
    """
    from rich.console import Console

    require_output()
    console = Console(highlight=False)
    make = sandbox_class()
    with make() as sandbox:
        outcomes = show_steps(console, sandbox, browser=browser)
    ctx.exit(0 if show_result(console, outcomes) else 1)


def show_steps(console: Console, sandbox: Sandbox, *, browser: bool) -> list[Outcome]:
    """Take all steps, and show the outcome of each.

    :param sandbox: It runs already.
    :param browser: Whether a person grants access in the first step.
    """
    from .steps import Demo

    def say(text: str) -> None:
        # A server's words may hold brackets, which rich would take as markup.
        console.print(f"   {text}", markup=False, soft_wrap=True)

    sign_on = LoopbackSignOn() if browser else sandbox.sign_on
    outcomes = []
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="requests-ticktick-demo-")
        )
        demo = Demo(sandbox, folder, sign_on, say)
        stack.callback(demo.close)
        # Now, as whoever sees it may press Ctrl-C: the folder would stay.
        console.print(
            f"A TickTick of your own runs on {sandbox.url('')}\n", style="bold"
        )
        for number, step in enumerate(demo.steps(), 1):
            console.print(f"{number}. {step.title}")
            outcomes.append(demo.take(step))
            say(outcomes[-1].said)
    return outcomes


def show_result(console: Console, outcomes: Sequence[Outcome]) -> bool:
    """Show the table, and return whether every step is right."""
    wrong = sum(not outcome.is_right for outcome in outcomes)
    console.print("\nWhat this TickTick saw (and what it should have seen):\n")
    console.print(_table(outcomes))
    console.print()
    if wrong:
        text, style = f"{wrong} of {len(outcomes)} steps went wrong.", "bold red"
    else:
        text, style = "Everything is as it should be.", "bold green"
    console.print(text, style=style)
    return not wrong


def _table(outcomes: Sequence[Outcome]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, show_footer=True
    )
    table.add_column("", no_wrap=True)
    table.add_column("step", footer="all steps", overflow="fold")
    seen = zip(*(outcome.seen for outcome in outcomes), strict=True)
    expected = zip(*(outcome.expected for outcome in outcomes), strict=True)
    for header, *sums in zip(
        _COUNT_HEADERS, map(sum, seen), map(sum, expected), strict=True
    ):
        table.add_column(header, footer=_cell(*sums), justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for number, outcome in enumerate(outcomes, 1):
        counts = zip(outcome.seen, outcome.expected, strict=True)
        table.add_row(
            str(number),
            outcome.title,
            *(_cell(*pair) for pair in counts),
            "[green]ok[/]" if outcome.is_right else "[bold red]WRONG[/]",
        )
    return table


def _cell(seen: int, expected: int) -> str:
    text = f"{seen} ({expected})"
    return text if seen == expected else f"[bold red]{text}[/]"
