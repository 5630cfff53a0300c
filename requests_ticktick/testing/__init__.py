"""For tests: a clock that one turns by hand, and the contract of a store."""

from .clock import FakeClock
from .store_contract import TokenStoreContract

__all__ = ["FakeClock", "TokenStoreContract"]
