"""The contract of token stores, as a class of tests."""

from __future__ import annotations

from ._keeping import KeepingContract
from ._locking import LockingContract
from ._outage import OutageContract


class TokenStoreContract(KeepingContract, LockingContract, OutageContract):
    """The promises of every store, as tests for pytest.

    Subclass it and define a fixture ``store`` that returns an empty store::

        class TestMyStore(TokenStoreContract):
            @pytest.fixture
            def store(self, tmp_path):
                return MyStore(tmp_path / "token.db")

    Also define :meth:`outage`, which makes the store unusable for a while,
    and, unless the store is a :class:`~requests_ticktick.TextStore`,
    :meth:`corrupt`.
    """
