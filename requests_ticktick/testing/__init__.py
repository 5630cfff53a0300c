"""For tests: a clock that one turns by hand, and the contract of a store."""

from ._clock import FakeClock
from ._store_contract import TokenStoreContract

__all__ = ["FakeClock", "TokenStoreContract"]
