"""What every store promises, as a class of tests."""

from __future__ import annotations

from ._keeping import KeepingContract
from ._locking import LockingContract


class TokenStoreContract(KeepingContract, LockingContract):
    """What every store promises, as tests for pytest.

    Subclass it, and define a fixture ``store`` that returns an empty one::

        class TestMyStore(TokenStoreContract):
            @pytest.fixture
            def store(self, tmp_path):
                return MyStore(tmp_path / "token.db")

            def corrupt(self, store):
                (tmp_path / "token.db").write_bytes(b"garbage")
    """
