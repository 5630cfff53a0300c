"""The command ``requests-ticktick``."""

from __future__ import annotations

import sys

_NEEDED = ("click", "rich")


def main() -> None:
    """Run the command, or say which extra it needs."""
    try:
        # Not every command needs both; whether one works is no riddle.
        import click  # noqa: F401 - only whether it is there
        import rich  # noqa: F401 - only whether it is there
    except ModuleNotFoundError as error:
        if error.name not in _NEEDED:
            raise
        sys.exit(
            "requests-ticktick's command line needs: "
            "python -m pip install 'requests-ticktick[cli]'"
        )
    from .app import program

    program()
