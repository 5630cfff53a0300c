"""``python -m requests_ticktick``: the command, not on the path."""

from .cli import main

main()
