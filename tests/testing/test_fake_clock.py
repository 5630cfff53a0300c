"""The clock that tests turn by hand."""

from __future__ import annotations

from requests_ticktick._source.clock import Clock
from requests_ticktick.testing import FakeClock


def test_it_has_what_a_source_asks_a_clock_for():
    """Nothing less, or a test that uses it would end in an ``AttributeError``."""
    asked = {name for name in vars(Clock) if not name.startswith("_")}

    assert asked == {"time", "monotonic"}
    assert asked <= set(dir(FakeClock()))
