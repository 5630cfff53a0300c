"""Herds in rounds, so that what is compared is measured alternately."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from figures import Figure

from .herd import LATENCY, Field, Outcome, Shape, Way


@dataclass
class Series:
    """The herds of one way of using a peer that found the same."""

    way: Way
    mode: str
    shape: Shape
    outcomes: list[Outcome] = field(default_factory=list)
    #: The same herds, with a valid token.
    valid: list[Outcome] = field(default_factory=list)

    def wait(self, budget: float | None = None) -> Figure:
        """Return how much longer than with a valid token it took.

        :returns: In multiples of what one token request takes.
        """
        usual = statistics.median(outcome.wall for outcome in self.valid)
        waits = ((outcome.wall - usual) / LATENCY for outcome in self.outcomes)
        return Figure.of(waits, budget=budget)

    def usual(self) -> Figure:
        """Return what it takes with a valid token, in the same multiples."""
        return Figure.of(outcome.wall / LATENCY for outcome in self.valid)

    def counts(self) -> tuple[Figure, Figure, Figure]:
        """Return the token requests, the failures, and the people asked."""
        return (
            Figure.of(outcome.token_requests for outcome in self.outcomes),
            Figure.of(outcome.failed for outcome in self.outcomes),
            Figure.of(outcome.prompts for outcome in self.outcomes),
        )


def measure(
    place: Field,
    ways: Iterable[Way],
    modes: Sequence[str],
    shape: Shape,
    rounds: int,
    *,
    valid_every: int = 1,
) -> list[Series]:
    """Run herds of some ways of use, in turn, so many rounds.

    :param modes: What they find, beside the valid token.
    :param valid_every: In which rounds there are herds with a valid token, to
        save their time where herds are large; 0 for none.
    """
    found = [Series(way, mode, shape) for way in ways for mode in modes]
    valid: dict[Way, list[Outcome]] = {series.way: [] for series in found}
    for number in range(rounds):
        for way, outcomes in valid.items():
            if valid_every and number % valid_every == 0:
                outcomes.append(place.run(way, "valid", shape))
            for series in found:
                if series.way == way:
                    series.outcomes.append(place.run(way, series.mode, shape))
    for series in found:
        series.valid = valid[series.way]
    return found
