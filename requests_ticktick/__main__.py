"""``python -m requests_ticktick`` runs the command ``requests-ticktick``."""

from ._cli import main

main()
