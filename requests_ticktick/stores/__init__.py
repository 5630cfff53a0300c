"""Where tokens are kept.

One module for each kind. Those that need an extra are imported from their own
modules: :mod:`requests_ticktick.stores.redis`,
:mod:`requests_ticktick.stores.keyring`.
"""

from ._file_lock import FileLock
from .base import TokenStore, check_stamp
from .chain import ChainStore
from .env import EnvStore
from .file import FileStore
from .memory import MemoryStore
from .text import TextStore

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
