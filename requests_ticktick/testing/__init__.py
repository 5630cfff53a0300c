"""For tests: a clock that a test controls, and the contract of a store."""

from ._clock import FakeClock
from ._store_contract import TokenStoreContract

__all__ = ["FakeClock", "TokenStoreContract"]
