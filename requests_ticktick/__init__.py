"""Sign on to TickTick once; then every request carries a valid token.

::

    session = requests.Session()
    session.auth = TickTickAuth()
    session.get("https://api.ticktick.com/open/v1/project")
"""

from typing import TYPE_CHECKING

from ._lazy import lazily

if TYPE_CHECKING:
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
    from ._grant.registration import register
    from ._grant.request import AuthorizationRequest
    from ._mcp_service import TICKTICK_MCP
    from ._retry_session import retry_session
    from ._service import DIDA365, TICKTICK, Service
    from ._sign_on import ConsoleSignOn, LoopbackSignOn, SignOn, refuse
    from ._source.events import Event
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
else:
    # A program that uses one name does not wait for the others; nor does one
    # that only has this package installed, as a run of pytest.
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "_auth": ["TickTickAuth"],
            "_errors": [
                "AuthorizationDeniedError",
                "InsecureTransportError",
                "InvalidTokenError",
                "LockTimeoutError",
                "RegistrationError",
                "RevocationError",
                "SignOnError",
                "SignOnRequiredError",
                "SignOnTimeoutError",
                "StateMismatchError",
                "TickTickAuthError",
                "TokenEndpointError",
                "TokenStoreError",
            ],
            "_grant.registration": ["register"],
            "_grant.request": ["AuthorizationRequest"],
            "_mcp_service": ["TICKTICK_MCP"],
            "_retry_session": ["retry_session"],
            "_service": ["DIDA365", "Service", "TICKTICK"],
            "_sign_on": ["ConsoleSignOn", "LoopbackSignOn", "SignOn", "refuse"],
            "_source.events": ["Event"],
            "_token": ["Token"],
            "_version": ["__version__"],
            "stores": [
                "ChainStore",
                "EnvStore",
                "FileLock",
                "FileStore",
                "MemoryStore",
                "TextStore",
                "TokenStore",
            ],
        },
    )

__all__ = [
    "DIDA365",
    "TICKTICK",
    "TICKTICK_MCP",
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
