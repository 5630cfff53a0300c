"""Where tokens are kept.

One module for each kind. Those that need an extra are imported from their own
modules: :mod:`requests_ticktick.stores.redis`,
:mod:`requests_ticktick.stores.keyring`.
"""

from ._base import TokenStore, check_stamp
from ._chain import ChainStore
from ._env import EnvStore
from ._file import FileStore
from ._file_lock import FileLock
from ._memory import MemoryStore
from ._text import TextStore

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
