"""``requests-ticktick import``."""
