"""What was measured: figures, and tables of them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """The middle one of several measurements, with the least and the most.

    :param unit: What stands behind the figures: ``us``, ``ms``; nothing for a
        ratio and for a count.
    :param budget: What the middle one should not exceed.
    """

    middle: float
    least: float
    most: float
    unit: str = ""
    budget: float | None = None

    @classmethod
    def of(
        cls, values: Iterable[float], unit: str = "", budget: float | None = None
    ) -> Figure:
        """Return the figure of some measurements."""
        found = sorted(values)
        return cls(statistics.median(found), found[0], found[-1], unit, budget)

    @property
    def is_over(self) -> bool:
        """Whether the middle one exceeds the budget."""
        return self.budget is not None and self.middle > self.budget

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        text = f"{_short(self.middle)}{unit}"
        if self.least != self.most:
            text += f" ({_short(self.least)} to {_short(self.most)})"
        if self.budget is not None:
            text += f", budget {_short(self.budget)}" + (" OVER" * self.is_over)
        return text


def _short(value: float) -> str:
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.3f}" if abs(value) < 2 else f"{value:.4g}"


@dataclass
class Table:
    """One table of the page.

    :param name: The name of its file.
    :param title: What it answers.
    :param how: How that was measured, in a sentence or two.
    """

    name: str
    title: str
    how: str
    columns: tuple[str, ...]
    rows: list[tuple[str | Figure, ...]] = field(default_factory=list)
