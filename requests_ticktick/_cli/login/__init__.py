"""``requests-ticktick login``: how a command gets a token, and keeps it."""
