"""``requests-ticktick doctor``."""
