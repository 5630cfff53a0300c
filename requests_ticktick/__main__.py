"""``python -m requests_ticktick`` runs the command ``requests-ticktick``."""

from .cli import main

main()
