"""``requests-ticktick demo``."""
