"""Where tokens are kept.

One module for each kind. Those that need an extra are imported from their own
modules: :mod:`requests_ticktick.stores.redis`,
:mod:`requests_ticktick.stores.keyring`.
"""

from typing import TYPE_CHECKING

from .._lazy import lazily

if TYPE_CHECKING:
    from ._base import TokenStore, check_stamp
    from ._chain import ChainStore
    from ._env import EnvStore
    from ._file import FileStore
    from ._file_lock import FileLock
    from ._memory import MemoryStore
    from ._text import TextStore
else:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "_base": ["TokenStore", "check_stamp"],
            "_chain": ["ChainStore"],
            "_env": ["EnvStore"],
            "_file": ["FileStore"],
            "_file_lock": ["FileLock"],
            "_memory": ["MemoryStore"],
            "_text": ["TextStore"],
        },
    )

__all__ = [
    "ChainStore",
    "EnvStore",
    "FileLock",
    "FileStore",
    "MemoryStore",
    "TextStore",
    "TokenStore",
    "check_stamp",
]
