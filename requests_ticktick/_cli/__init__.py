"""The command ``requests-ticktick``."""

from __future__ import annotations

import sys

_LIBRARIES = ("click", "rich")


def main() -> None:
    """Run the command, or say which extra it needs."""
    try:
        # Not every command needs rich. All are refused without it: otherwise
        # whoever lacks it would find out in the middle of their work.
        import click  # noqa: F401 - only to see whether it is installed
        import rich  # noqa: F401 - only to see whether it is installed
    except ModuleNotFoundError as error:
        if error.name not in _LIBRARIES:
            raise
        from .extras import with_extra

        sys.exit(f"requests-ticktick's command line needs: {with_extra('cli')}")
    from .program import program

    program()
