"""``requests-ticktick accounts``."""
