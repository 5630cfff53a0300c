"""What every store promises, as a class of tests."""

from __future__ import annotations

from ._keeping import KeepingContract
from ._locking import LockingContract
from ._outage import OutageContract


class TokenStoreContract(KeepingContract, LockingContract, OutageContract):
    """What every store promises, as tests for pytest.

    Subclass it, and define a fixture ``store`` that returns an empty one::

        class TestMyStore(TokenStoreContract):
            @pytest.fixture
            def store(self, tmp_path):
                return MyStore(tmp_path / "token.db")

    Define :meth:`outage` as well, which makes the place unusable for a while,
    and :meth:`corrupt` where the store is no
    :class:`~requests_ticktick.TextStore`.
    """
