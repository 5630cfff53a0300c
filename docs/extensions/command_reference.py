"""A Sphinx extension: ``.. command-reference::`` lists the program's commands.

Everything comes from the commands themselves, so that the page cannot say
anything else than ``--help``.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections import Counter
from collections.abc import Container, Iterator
from typing import Any

import click

from requests_ticktick._cli.program import program

NAME = "requests-ticktick"

#: An option of so many commands is one that all commands for an account have.
_SHARED_BY = 4


def commands() -> dict[str, click.Command]:
    """Return the commands by their names, in the order of ``--help``."""
    return dict(_below(program, NAME))


def _below(group: click.Group, name: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group, info_name=name)
    for each in group.list_commands(context):
        # It completes the command's texts.
        command = group.get_command(context, each)
        if command is not None:
            yield f"{name} {each}", command
            if isinstance(command, click.Group):
                yield from _below(command, f"{name} {each}")


def reference() -> str:
    """Return the whole reference as reStructuredText."""
    shared = shared_options()
    blocks = [*_section(program, NAME, "=", shared)]
    for name, command in commands().items():
        blocks += _section(command, name, "=", shared)
    blocks += [_title("The options for an account", "=")]
    blocks += ["Each command that reads or keeps a token has these."]
    blocks += [_option(each, NAME) for each in shared.values()]
    return "\n\n".join(blocks) + "\n"


def shared_options() -> dict[tuple[str, str | None], click.Option]:
    """Return the options that most commands have, by what is said of them."""
    everywhere = [
        option for command in commands().values() for option in _options(command)
    ]
    often = Counter(map(_key, everywhere))
    return {_key(o): o for o in everywhere if often[_key(o)] >= _SHARED_BY}


def _section(
    command: click.Command, name: str, line: str, shared: Container[object]
) -> Iterator[str]:
    yield f".. program:: {name}"
    yield _title(name, line)
    pieces = command.collect_usage_pieces(click.Context(command, info_name=name))
    yield _literal(f"{name} {' '.join(pieces)}")
    yield _prose(command.help or "")
    own = [each for each in _options(command) if _key(each) not in shared]
    yield from (_option(each, name) for each in own)
    if len(own) < len(_options(command)):
        yield "And `the options for an account`_."
    for title, text in re.findall(
        r"\x08\n(.+?):\n(.*?)(?=\n\n\x08|\Z)", command.epilog or "", re.DOTALL
    ):
        yield f"**{title}**"
        yield _literal(textwrap.dedent(text.rstrip()))


def _options(command: click.Command) -> list[click.Option]:
    return [p for p in command.params if isinstance(p, click.Option) and not p.hidden]


def _key(option: click.Option) -> tuple[str, str | None]:
    return _declared(option), option.help


def _declared(option: click.Option) -> str:
    value = "" if option.is_flag else f" {option.make_metavar(*_context(option))}"
    names = [*option.opts, *option.secondary_opts]
    return ", ".join(f"{name}{value}" for name in names)


def _context(option: click.Option) -> tuple[Any, ...]:
    # click 8.2 has made it an argument.
    takes_one = click.Option.make_metavar.__code__.co_argcount > 1
    return (click.Context(program),) if takes_one else ()


def _option(option: click.Option, name: str) -> str:
    more = f" Variable: ``{option.envvar}``." if option.envvar else ""
    text = textwrap.indent(_prose((option.help or "") + more), "   ")
    return f".. option:: {_declared(option)}\n\n{text}"


def _prose(text: str) -> str:
    """Return paragraphs of ``--help``, of which options alone are markup."""
    return "\n\n".join(map(_paragraph, inspect.cleandoc(text).split("\n\n")))


def _paragraph(text: str) -> str:
    if text.startswith("\b\n"):  # its lines stay as they are
        return _literal(text.removeprefix("\b\n"))
    text = re.sub(r"([*|\\])", r"\\\1", text)
    return re.sub(
        r"(?<![\w`-])(--[a-z][\w-]+|\$[A-Z_]+|FileStore\([^)]*\))", r"``\1``", text
    )


def _title(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}"


def _literal(text: str) -> str:
    return ".. code-block:: text\n\n" + textwrap.indent(text, "   ")


def setup(app: Any) -> dict[str, bool]:
    """Register the directive (Sphinx calls it)."""
    from sphinx.util.docutils import SphinxDirective

    class CommandReference(SphinxDirective):
        def run(self) -> list[Any]:
            return self.parse_text_to_nodes(reference(), allow_section_headings=True)

    app.add_directive("command-reference", CommandReference)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
