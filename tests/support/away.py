"""A store whose server is away."""

from __future__ import annotations

from clients import Faulty

from requests_ticktick.stores._base import AwayError


class Away(Faulty):
    """A store whose server may be away, and says so after some seconds.

    :param clock: The clock on which it takes them.
    """

    def __init__(self, clock):
        super().__init__()
        self.is_away, self.tries, self.takes = True, [], 0.0
        self._clock = clock

    def save(self, token):
        self.tries.append(self._clock.monotonic())
        if self.is_away:
            self._clock.advance(self.takes)
            raise AwayError("Its server is away.")
        super().save(token)
