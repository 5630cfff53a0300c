"""Sign on to TickTick once; then every request carries a valid token.

::

    session = requests.Session()
    session.auth = TickTickAuth()
    session.get("https://api.ticktick.com/open/v1/project")
"""

from ._version import __version__
from .auth import TickTickAuth
from .errors import (
    AuthorizationDeniedError,
    InsecureTransportError,
    InvalidTokenError,
    LockTimeoutError,
    SignOnError,
    SignOnRequiredError,
    SignOnTimeoutError,
    StateMismatchError,
    TickTickAuthError,
    TokenEndpointError,
    TokenStoreError,
)
from .grant import AuthorizationRequest
from .service import DIDA365, TICKTICK, Service
from .sign_on import ConsoleSignOn, LoopbackSignOn, SignOn, refuse
from .stores import (
    ChainStore,
    EnvStore,
    FileLock,
    FileStore,
    MemoryStore,
    TextStore,
    TokenStore,
)
from .token import Token

__all__ = [
    "DIDA365",
    "TICKTICK",
    "AuthorizationDeniedError",
    "AuthorizationRequest",
    "ChainStore",
    "ConsoleSignOn",
    "EnvStore",
    "FileLock",
    "FileStore",
    "InsecureTransportError",
    "InvalidTokenError",
    "LockTimeoutError",
    "LoopbackSignOn",
    "MemoryStore",
    "Service",
    "SignOn",
    "SignOnError",
    "SignOnRequiredError",
    "SignOnTimeoutError",
    "StateMismatchError",
    "TextStore",
    "TickTickAuth",
    "TickTickAuthError",
    "Token",
    "TokenEndpointError",
    "TokenStore",
    "TokenStoreError",
    "__version__",
    "refuse",
]
