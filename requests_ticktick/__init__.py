"""Sign on to TickTick once; then every request carries a valid token.

::

    session = requests.Session()
    session.auth = TickTickAuth()
    session.get("https://api.ticktick.com/open/v1/project")
"""

from ._auth import TickTickAuth
from ._errors import (
    AuthorizationDeniedError,
    InsecureTransportError,
    InvalidTokenError,
    LockTimeoutError,
    RegistrationError,
    RevocationError,
    SignOnError,
    SignOnRequiredError,
    SignOnTimeoutError,
    StateMismatchError,
    TickTickAuthError,
    TokenEndpointError,
    TokenStoreError,
)
from ._grant import AuthorizationRequest
from ._grant.registration import register
from ._retry_session import retry_session
from ._service import DIDA365, TICKTICK, Service
from ._sign_on import ConsoleSignOn, LoopbackSignOn, SignOn, refuse
from ._source import Event
from ._token import Token
from ._version import __version__
from .stores import (
    ChainStore,
    EnvStore,
    FileLock,
    FileStore,
    MemoryStore,
    TextStore,
    TokenStore,
)

__all__ = [
    "DIDA365",
    "TICKTICK",
    "AuthorizationDeniedError",
    "AuthorizationRequest",
    "ChainStore",
    "ConsoleSignOn",
    "EnvStore",
    "Event",
    "FileLock",
    "FileStore",
    "InsecureTransportError",
    "InvalidTokenError",
    "LockTimeoutError",
    "LoopbackSignOn",
    "MemoryStore",
    "RegistrationError",
    "RevocationError",
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
    "register",
    "retry_session",
]

# A traceback, a pickle and the documentation name a class as a program imports
# it.
for _each in map(globals().get, __all__):
    if isinstance(_each, type):
        _each.__module__ = __name__
del _each
